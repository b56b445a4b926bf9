"""Every format, by its suffix. A file here that has ``FORMATS`` adds its formats; nothing else has to be edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from meantime.formats import vegalite
from meantime.formats.format import Format


def _formats() -> Iterator[Format]:
    for module in iter_modules([str(Path(__file__).parent)]):
        if module.name != "registry" and not module.ispkg:
            yield from getattr(import_module(f"meantime.formats.{module.name}"), "FORMATS", ())


FORMATS: Mapping[str, Format] = {each.suffix: each for each in sorted(_formats(), key=lambda each: each.position)}


def formats_of(statistic: str) -> Mapping[str, Format]:
    """Return the formats that a statistic's results can be had in; those that are charts only if it has one.

    >>> "png" in formats_of("states_mean"), "png" in formats_of("summary")
    (True, False)
    """
    if vegalite.charts_of(statistic):
        return FORMATS
    return {suffix: each for suffix, each in FORMATS.items() if each.draw is None}
