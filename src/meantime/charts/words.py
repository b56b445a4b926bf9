"""Texts in charts: names of a file that anybody may have written, and numbers for people's eyes."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from meantime.text import with_interval

# Of a name where it is read aloud or pointed at; the axis cuts it to its room by itself.
NAME_CHARACTERS = 200
# XML has no place for these, so an SVG with one in it could not be read; line ends would tear a label apart.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2063\ud800-\udfff￾￿]")


def plain(text: str) -> str:
    r"""Return a text that every picture can hold.

    >>> plain("Utah\n\x00")
    'Utah  '
    """
    return _UNWRITABLE.sub(" ", text)


def short(text: str, characters: int = NAME_CHARACTERS) -> str:
    """Cut a text that is longer than anybody would read.

    >>> short("Percent of adults who nap", 12)
    'Percent of …'
    """
    text = plain(text)
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def lines(texts: Iterable[str], *, width: int, most: int) -> list[str]:
    """Break texts into lines of at most so many characters, and at most so many lines.

    >>> lines(["Percent of adults who nap", "2023"], width=12, most=3)
    ['Percent of', 'adults who', 'nap …']
    """
    broken = [line for text in texts for line in textwrap.wrap(plain(text), width)]
    if len(broken) <= most:
        return broken
    return [*broken[: most - 1], f"{broken[most - 1][: width - 2]} …"]


def in_words(record: Mapping[str, Any], unit: str | None, *more: str) -> str:
    """Describe one mark: its name, its value with the interval, and what else is known of it."""
    return ", ".join([f"{short(record['name'])}: {value_of(record, unit)}", *filter(None, more)])


def value_of(record: Mapping[str, Any], unit: str | None) -> str:
    """Write the value of a mark, with its interval where it has one.

    >>> value_of({"value": 31.04, "low": 29.96, "high": 32.1}, "percent"), value_of({"value": None}, "percent")
    ('31.0% (95% CI 30.0 to 32.1)', 'no value')
    """
    if record["value"] is None:
        return "no value"
    return with_interval(record["value"], record.get("low"), record.get("high"), unit and short(unit, 40))


def quoted(text: str | None) -> str:
    r"""Write a text as it stands in an expression of Vega's, whatever is in it.

    >>> print(quoted('the "Beehive"'), quoted(None))
    "the \"Beehive\"" null
    """
    return "null" if text is None else json.dumps(plain(text))
