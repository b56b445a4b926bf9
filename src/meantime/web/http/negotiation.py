"""Reads headers that list what a client accepts, with weights."""

from __future__ import annotations

import re

# Browsers send about 150 characters. Bounded, because a client could send a very long header.
_PREFERENCES_CHARACTERS = 1000
# A weight as in RFC 9110. Old Java clients send ".2", which is accepted too.
_WEIGHT = re.compile(r"0?\.[0-9]{1,9}|[01](?:\.[0-9]{0,9})?", re.ASCII)


def read_weights(header: str) -> dict[str, float]:
    """Read the names in such a header and their weights. Elements that cannot be read are ignored.

    Commas and semicolons inside quotes are treated as separators. That is enough here: none of our media types has a
    parameter that a client would have to quote.
    """
    weights: dict[str, float] = {}
    for element in header[:_PREFERENCES_CHARACTERS].lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if name and _WEIGHT.fullmatch(weight):
            weights[name] = max(min(float(weight), 1.0), weights.get(name, 0.0))
    return weights
