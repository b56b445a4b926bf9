"""Whether the values of a table are written with a decimal point or a decimal comma."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from meantime.dataset.reading.values import Number, is_written_as_number

# The decimal marks that are told apart; "" where a number is written without one.
MARKS = (".", ",")

_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")
_MILLIONS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFacts:
    """How the numbers in a column of values are written, and how large they are."""

    has_point: bool = False  # some number is written with a point
    has_comma: bool = False  # likewise with one comma
    has_other_than_thousands: bool = False  # some comma does not have three digits after it, and one to three before it
    has_millions: bool = False  # some text has several commas that separate thousands
    # By decimal mark, then by exponent: the largest mantissa, without its sign. Zero has none.
    largest: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def join(self, other: NumberFacts) -> NumberFacts:
        """Return the facts about the values of both."""
        return NumberFacts(
            has_point=self.has_point or other.has_point,
            has_comma=self.has_comma or other.has_comma,
            has_other_than_thousands=self.has_other_than_thousands or other.has_other_than_thousands,
            has_millions=self.has_millions or other.has_millions,
            largest={
                mark: _larger(self.largest.get(mark, {}), other.largest.get(mark, {}))
                for mark in sorted(self.largest.keys() | other.largest.keys())
            },
        )

    def largest_with(self, decimal_mark: str) -> Mapping[int, int]:
        """Return the largest mantissa by exponent of the texts that are numbers with this decimal mark."""
        return _larger(self.largest.get("", {}), self.largest.get(decimal_mark, {}))


class NumberEvidence:
    """Collects the facts about texts that were parsed."""

    def __init__(self) -> None:
        self._commas = self._points = self._others = self._millions = False
        self._largest: dict[str, dict[int, int]] = {}

    def add(self, text: str, mark: str, number: Number | None) -> None:
        """Note a text, the mark that it contains, and the number that it is with this mark."""
        if number and number.mantissa:
            largest = self._largest.setdefault(mark, {})
            largest[number.exponent] = max(largest.get(number.exponent, 0), abs(number.mantissa))
        if mark == ".":
            self._points = self._points or number is not None or is_written_as_number(text, mark)
        elif mark == ",":
            text = text.strip()
            if number is not None or is_written_as_number(text, mark):
                self._commas = True
                self._others = self._others or not _THOUSANDS.fullmatch(text)
            else:
                self._millions = self._millions or bool(_MILLIONS.fullmatch(text))

    @property
    def facts(self) -> NumberFacts:
        """What was noted."""
        return NumberFacts(
            has_point=self._points,
            has_comma=self._commas,
            has_other_than_thousands=self._others,
            has_millions=self._millions,
            largest=self._largest,
        )


@dataclass(frozen=True, slots=True)
class DecimalMark:
    """The decimal mark, and warnings for people if it is a guess."""

    mark: str
    warnings: tuple[str, ...] = ()


def decide_decimal_mark(facts: NumberFacts, delimiter: str) -> DecimalMark:
    """Infer the decimal mark from all values of the table."""
    if not facts.has_comma or facts.has_point:
        return DecimalMark(".")
    if facts.has_millions or (not facts.has_other_than_thousands and delimiter == ","):
        return DecimalMark(
            ".",
            (
                "Values with a comma, such as 1,234, are not read as numbers, because the comma may separate "
                f"thousands. {_by_hand(',')}",
            ),
        )
    return DecimalMark(
        ",",
        (
            "No value has a decimal point and some have a comma, so the comma is read as the decimal mark. "
            f"{_by_hand('.')}",
        ),
    )


def _larger(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {
        exponent: max(one.get(exponent, 0), other.get(exponent, 0)) for exponent in sorted(one.keys() | other.keys())
    }


def _by_hand(mark: str) -> str:
    return f'If this is wrong, write decimal_mark = "{mark}" in the TOML file next to the data.'
