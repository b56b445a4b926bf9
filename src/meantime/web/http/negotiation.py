"""Reads headers that list what a client accepts, with weights."""

from __future__ import annotations

import re

# Browsers send some 150 characters. Bounded since it goes through a hostile header.
_PREFERENCES_CHARACTERS = 1000
# The weight of RFC 9110; ".2", which old Java sends, is taken too.
_WEIGHT = re.compile(r"0?\.[0-9]{1,9}|[01](?:\.[0-9]{0,9})?", re.ASCII)


def read_weights(header: str) -> dict[str, float]:
    """Read a list of what is wanted; what cannot be read is passed over.

    Commas and semicolons in quotes are taken for ends, though they are none: no media type of ours has a parameter that
    a client would have to quote.
    """
    weights: dict[str, float] = {}
    for element in header[:_PREFERENCES_CHARACTERS].lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if name and _WEIGHT.fullmatch(weight):
            weights[name] = max(min(float(weight), 1.0), weights.get(name, 0.0))
    return weights
