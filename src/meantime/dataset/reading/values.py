"""Numbers as written become exact integers; any other text is kept as the reason why a value is missing.

>>> parse_number("28.80", ".")
Number(mantissa=288, exponent=-1)
>>> parse_number(" 1,5e3 ", ",")
Number(mantissa=15, exponent=2)
>>> [parse_number(text, ".") for text in ("<5", "nan", "0x1F", "1_000", "１", "1,000", "", "1e400")]
[None, None, None, None, None, None, None, None]
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

# What may surround a number: what keyboards and spreadsheets put there. DuckDB gets the same characters.
SPACES = " \t\r\n\u00a0"
# Enough to write out every double exactly; and Python refuses to read integers of more than 4,300 digits.
_MOST_CHARACTERS = 800
# Of a text that is kept as a reason: enough to recognize it. Part of the fingerprint, like the reasons themselves.
_REASON_LENGTH = 80


class Number(NamedTuple):
    """A number: mantissa x 10 ** exponent. The mantissa does not end in 0, unless it is 0."""

    mantissa: int
    exponent: int


def number_pattern(decimal_mark: str) -> str:
    """Return the regular expression of a number without surrounding spaces, for both Python and DuckDB."""
    mark = re.escape(decimal_mark)
    return rf"[+-]?(?:[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


_PATTERNS = {mark: re.compile(number_pattern(mark)) for mark in ".,"}
_YEAR = re.compile(r"([+-]?[0-9]{1,9})(?:[.,]0*)?")


def parse_number(text: str, decimal_mark: str) -> Number | None:
    """Read a number exactly; None if the text is not a number, or not one that a double can hold."""
    text = text.strip(SPACES)
    if len(text) > _MOST_CHARACTERS or not _PATTERNS[decimal_mark].fullmatch(text):
        return None
    digits, _, exponent = text.replace("E", "e").partition("e")
    whole, _, fraction = digits.partition(decimal_mark)
    sign = -1 if whole.startswith("-") else 1
    significant = (whole.lstrip("+-") + fraction).rstrip("0")
    if not significant.strip("0"):
        return Number(0, 0)
    # float() decides, not the exponent: 0.00001e310 is fine.
    size = float(text.replace(decimal_mark, "."))
    if size == 0 or math.isinf(size):
        return None
    dropped = len(whole.lstrip("+-")) + len(fraction) - len(significant)
    return Number(sign * int(significant), int(exponent or "0") - len(fraction) + dropped)


def withheld_reason(text: str) -> str:
    """Return the text that is there instead of a number, shortened; "" if there is none."""
    reason = text.strip()
    return reason if len(reason) <= _REASON_LENGTH else reason[: _REASON_LENGTH - 1] + "…"


def parse_year(text: str) -> int | None:
    """Read a year; None if the text is not a whole number.

    >>> parse_year("2020.0"), parse_year("2020/21")
    (2020, None)
    """
    match = _YEAR.fullmatch(text.strip(SPACES))
    return int(match[1]) if match else None
