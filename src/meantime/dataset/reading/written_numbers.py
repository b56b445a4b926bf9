"""A number as written becomes a plain one, with what stands beside it: percent sign, flag, parentheses, an interval.

>>> read = NumberReader(Marks(".", ","))
>>> read("1,026"), read("38.1 e"), read("34.5%")
(WrittenNumber(number='1026'), WrittenNumber(number='38.1', flag='e'), WrittenNumber(number='34.5', unit='percent'))
>>> read("*12.0"), read("p38")
(WrittenNumber(number='12.0', flag='*'), WrittenNumber(number='38', flag='p'))
>>> read("30.1 (28.0-32.3)")
WrittenNumber(number='30.1', low='28.0', high='32.3')
>>> [read(text) for text in ("<5", "12 million", "5k", "1,5", "(X)", ": c")]
[None, None, None, None, None, None]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from meantime.dataset.reading.number_forms import APOSTROPHES, LEADING_FLAG, THOUSANDS_SPACES, Marks, shape
from meantime.dataset.reading.values import parse_number
from meantime.text import PERCENT

# The American Community Survey writes these where there is no number (census.gov, "Notes on ACS Estimate and Annotation
# Values"). No table has them as numbers.
KNOWN_CODES: Mapping[str, str] = {
    "-222222222": "no or too few sample observations for a standard error",
    "-333333333": "median in the lowest or highest interval",
    "-555555555": "controlled estimate, no margin of error",
    "-666666666": "no or too few sample observations",
    "-888888888": "not applicable or not available",
    "-999999999": "too few sample cases to be shown",
}
# Flags of Eurostat (b e p ...), the OECD, Statistics Canada (A to F) and others: marks, one capital, or up to three of
# the small letters that Eurostat uses. Not letters that may be a multiple (k, M, bn) or a unit (m, g, kg).
_MARKS = r"[*\u2020\u2021\u00a7\u00b6#^~\u00b9\u00b2\u00b3]{1,4}"
_LETTERS = "[bcdefinprsuz]{1,3}|[A-FPRUX]"
_IN_BRACKETS = rf"\((?:[a-z]{{1,3}}|[A-FPRUX]|[0-9]{{1,2}}|{_MARKS})\)|\[(?:[a-zA-Z]{{1,3}}|[0-9]{{1,2}}|{_MARKS})\]"
_SPACES = rf"[{THOUSANDS_SPACES}\t]*"
_MINUS = "\u2212"
# What stands before or after a number and is its unit.
UNIT_SIGNS: Mapping[str, str] = {"%": PERCENT, "$": "$", "\u20ac": "\u20ac", "\u00a3": "\u00a3"}
IN_PARENTHESES = "in parentheses"


class WrittenNumber(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """What stands in a cell, as texts; numbers with the decimal mark of the file and without separated thousands."""

    number: str = ""  # "" in an interval without a value
    low: str = ""
    high: str = ""
    flag: str = ""
    unit: str = ""


class MissingCodes:
    """Numbers and texts that stand for a missing value: those that are declared, and those that nobody else writes."""

    def __init__(self, declared: Sequence[str | int | float] = ()) -> None:
        self._texts = {each.strip() for each in declared if isinstance(each, str)}
        self._numbers = {parse_number(str(each), ".") for each in declared}
        self._known = {parse_number(code, "."): reason for code, reason in KNOWN_CODES.items()}
        self._shapes = {_without_fraction(shape(text)) for text in (*map(str, declared), *KNOWN_CODES)} - {""}

    def may_have(self, of_shape: str) -> bool:
        """Whether some text of this shape may be a code."""
        return _without_fraction(of_shape) in self._shapes

    def reason(self, text: str, decimal_mark: str) -> str | None:
        """Return why there is no value where this text stands; None if it is no code.

        >>> MissingCodes([-999999]).reason("-999999.0", "."), MissingCodes().reason("-999999", ".")
        ('-999999.0 (declared as missing)', None)
        >>> MissingCodes().reason("-666666666", ".")
        '-666666666 (no or too few sample observations)'
        """
        text = text.strip()
        number = parse_number(text, decimal_mark)
        if text in self._texts or (number is not None and number in self._numbers):
            return f"{text} (declared as missing)"
        known = self._known.get(number) if number is not None else None
        return f"{text} ({known})" if known else None


class NumberReader:
    """Reads the texts of one column."""

    def __init__(self, marks: Marks) -> None:
        number, self._decimal = _number(marks), marks.decimal
        signs = "".join(map(re.escape, UNIT_SIGNS))
        flag = rf"(?P<flag>{_MARKS}|{_LETTERS}|{_IN_BRACKETS})"
        lead = rf"(?:(?P<lead>{LEADING_FLAG}){_SPACES})?"
        value = rf"(?P<before>[$\u20ac\u00a3]?){_SPACES}(?P<number>{number})(?:{_SPACES}(?P<after>[{signs}]))?"
        interval = _interval(number, rf"{_SPACES}%?")
        self._forms: tuple[tuple[Callable[[str], re.Match[str] | None], str], ...] = (
            (re.compile(rf"{lead}{value}(?:{_SPACES}{flag})?").fullmatch, ""),
            (re.compile(rf"\({_SPACES}{value}{_SPACES}\)(?:{_SPACES}{flag})?").fullmatch, IN_PARENTHESES),
            (re.compile(rf"{value}(?:{_SPACES}{flag})?{_SPACES}[(\[]{interval}[)\]](?P<flag_after>)").fullmatch, ""),
        )
        self._interval = re.compile(rf"[(\[]?{interval}[)\]]?").fullmatch

    def __call__(self, text: str) -> WrittenNumber | None:
        """Read one text; None if it holds no number. An interval alone is not a number: ``interval`` reads it."""
        text = text.strip()
        for match_form, flag in self._forms:
            if (match := match_form(text)) is None or not self._is_interval(match):
                continue
            found = match.groupdict()
            sign = found["after"] or found["before"] or ""
            limits = [self._plain(found[name]) if found.get(name) else "" for name in ("low", "high")]
            flags = [each for each in (flag, found.get("lead"), (found["flag"] or "").strip("()[]")) if each]
            unit = UNIT_SIGNS.get(sign, "")
            return WrittenNumber(self._plain(found["number"]), limits[0], limits[1], flag=", ".join(flags), unit=unit)
        return None

    def interval(self, text: str) -> WrittenNumber | None:
        """Read an interval that stands alone: "54.2-62.4", "[116.0; 130.6]".

        >>> NumberReader(Marks())("54.2-62.4"), NumberReader(Marks()).interval("54.2 to 62.4%")
        (None, WrittenNumber(low='54.2', high='62.4'))
        """
        match = self._interval(text.strip())
        if match is None or not self._is_interval(match):
            return None
        return WrittenNumber("", self._plain(match["low"]), self._plain(match["high"]))

    def _is_interval(self, match: re.Match[str]) -> bool:
        """Whether a comma between two limits is no mark of one number: "(28.0,32.3)" is, "(1,200)" may be."""
        found = match.groupdict()
        return found.get("between") != "," or (self._decimal in found["low"] and self._decimal in found["high"])

    def _plain(self, number: str) -> str:
        number = number.replace(_MINUS, "-").replace(" ", "")
        whole, mark, fraction = number.partition(self._decimal)
        return re.sub(r"[^0-9eE+\-]", "", whole) + mark + fraction


def _without_fraction(of_shape: str) -> str:
    return re.sub("[.,]0*$", "", of_shape)


def _number(marks: Marks) -> str:
    """Return the pattern of a number with these marks."""
    separators = f"{THOUSANDS_SPACES}{APOSTROPHES}{marks.thousands}"
    groups = "|".join(rf"(?:{re.escape(each)}[0-9]{{3}})+" for each in separators)
    if marks.thousands == ",":
        groups += "|(?:,[0-9]{2})+,[0-9]{3}"  # as in India: 1,23,456
    decimal = re.escape(marks.decimal)
    whole = rf"[1-9][0-9]{{0,2}}(?:{groups})|[0-9]+"
    return rf"[+\-{_MINUS}]?(?:(?:{whole})(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"


def _interval(number: str, unit: str) -> str:
    between = rf"(?P<between>{_SPACES}(?:[-\u2013\u2014;]|to){_SPACES}|,{_SPACES})"
    return rf"{_SPACES}(?P<low>{number}){unit}{between}(?P<high>{number}){unit}{_SPACES}"
