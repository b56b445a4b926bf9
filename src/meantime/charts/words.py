"""Texts in charts: names of a file that anybody may have written, and numbers for people's eyes."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

# Of a name where it is read aloud or pointed at; the axis cuts it to its room by itself.
NAME_CHARACTERS = 200
# XML has no place for these, so an SVG with one in it could not be read; line ends would tear a label apart.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2063\ud800-\udfff￾￿]")
_SIGNS = {"percent": " %", "percentage points": " points"}


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


def number(value: float) -> str:
    """Write a number with one decimal, or with two digits that say something where it is small.

    >>> [number(each) for each in (31.04, 0.0123, 0.0)]
    ['31.0', '0.012', '0.0']
    """
    return f"{value:,.1f}" if value == 0 or abs(value) >= 1 else f"{value:.2g}"


def amount(value: float, unit: str | None) -> str:
    """Write a number with its unit.

    >>> amount(31.04, "percent"), amount(3.0, "cups"), amount(3.0, None)
    ('31.0 %', '3.0 cups', '3.0')
    """
    return number(value) + (_SIGNS.get(unit, f" {short(unit, 40)}") if unit else "")


def interval(low: float | None, high: float | None) -> str:
    """Write an interval; nothing where there is none.

    >>> interval(29.96, 32.1), interval(None, None)
    (' (29.96 to 32.1)', '')
    """
    return "" if low is None or high is None else f" ({low:.4g} to {high:.4g})"


def in_words(record: Mapping[str, Any], unit: str | None, *more: str) -> str:
    """Say one mark aloud: its name, its value, and what else is known of it."""
    value = "no value" if record["value"] is None else amount(record["value"], unit)
    said = f"{short(record['name'])}: {value}{interval(record.get('low'), record.get('high'))}"
    return ", ".join([said, *filter(None, more)])


def quoted(text: str | None) -> str:
    r"""Write a text as it stands in an expression of Vega's, whatever is in it.

    >>> print(quoted('the "Beehive"'), quoted(None))
    "the \"Beehive\"" null
    """
    return "null" if text is None else json.dumps(plain(text))
