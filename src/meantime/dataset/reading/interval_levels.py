"""The level of published limits and margins of error: from the TOML file, the header, or who publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from meantime.dataset.facts.publishers import publisher_of
from meantime.dataset.reading.columns import level_in_name
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.uncertainty import LEVEL, Levels
from meantime.text import quoted


class FoundLevels(NamedTuple):
    """The levels, and what people must know of how they were found."""

    levels: Levels
    warnings: tuple[str, ...]


def decide_levels(roles: Mapping[str, str], description: Description, title: str, source: str | None) -> FoundLevels:
    """Decide the levels of the columns with these roles; ``source`` is the one that all rows name, if there is one."""
    if description.level is not None:
        return FoundLevels(Levels(limits=description.level, margins=description.level), ())
    of_limits = [roles[role] for role in ("low", "high", "interval") if role in roles]
    limits = next((level for column in of_limits if (level := level_in_name(column))), None)
    margins = level_in_name(roles.get("margin_of_error", ""))
    if (limits or not {"low", "interval"} & roles.keys()) and (margins or "margin_of_error" not in roles):
        return FoundLevels(Levels(limits=limits or LEVEL, margins=margins or LEVEL), ())
    publisher = (publisher_of(source) if source else None) or publisher_of(title)
    if publisher is not None and publisher.level is not None:
        found = Levels(limits=limits or publisher.level, margins=margins or publisher.level)
        warning = (
            f"Published intervals are read as {publisher.level:g}% intervals, the level of the {publisher.name}, and "
            "are converted to 95%. If they have another level, set level in the TOML file next to the data."
        )
        return FoundLevels(found, (warning,))
    found = Levels(limits=limits or LEVEL, margins=margins or LEVEL)
    if "margin_of_error" not in roles or margins:
        return FoundLevels(found, ())
    warning = (
        f"The level of the margins of error in {quoted(roles['margin_of_error'])} is not given; 95% is assumed. If "
        "they have another level, such as 90%, write level = 90 in the TOML file next to the data."
    )
    return FoundLevels(found, (warning,))
