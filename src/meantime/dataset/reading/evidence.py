"""What rows of a table show of its columns, where their names do not decide: numbers, codes, years, copies.

The rows are a sample: the first ones, and some from the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from meantime.dataset.reading.number_forms import LEADING_FLAG
from meantime.dataset.reading.values import SPACES
from meantime.dataset.reading.year_forms import read_years

# What begins like a number is one in some form: "1,234", "34.5%", "38.1 e", "(23.4)", "<5" is none.
_NUMBER_LIKE = re.compile(
    rf"(?:(?:{LEADING_FLAG})\s?)?"
    r"[(]?[-+−]?[.,]?\d[\d.,'\u00a0\u202f ]*%?\s?[)]?[\w*†‡§#.()]{0,6}"
    r"(?:\s?[\[(]\d[\d.,]*\s?(?:[-–—,;]|to)\s?\d[\d.,]*[\])])?"
)
_MISSING_LIKE = re.compile(r"\W{0,4}[A-Za-z./]{0,4}\W{0,3}|\(?[<>≤≥] ?\d+\)?")
_PURE_NUMBER = re.compile(r"[-+−]?[.,]?\d(?:[\d.,]|['\u00a0\u202f ](?=\d{3}))*\s?%?")
_CODE = re.compile(r"[A-Z0-9_.:+-]{1,16}")
_YEARS = range(1800, 2200)


class Evidence:
    """A sample of the rows of a table."""

    def __init__(self, columns: Sequence[str] = (), rows: Sequence[Sequence[str]] = ()) -> None:
        self._positions = {column: position for position, column in reversed(list(enumerate(columns)))}
        self.rows = [row for row in rows if len(row) >= len(columns)]
        self._filled: dict[str, list[str]] = {}

    def texts(self, column: str) -> list[str]:
        """Return what the column holds in the sample, without empty fields."""
        if column not in self._filled:
            position = self._positions.get(column)
            texts = [] if position is None else [row[position].strip(SPACES) for row in self.rows]
            self._filled[column] = [text for text in texts if text]
        return self._filled[column]

    def is_empty(self, column: str) -> bool:
        """Whether the sample has rows, and the column holds nothing in any."""
        return bool(self.rows) and not self.texts(column)

    def has_numbers(self, column: str) -> bool:
        """Whether some of it are numbers in any form, and not codes that begin with one."""
        texts = self.texts(column)
        return 10 * sum(_NUMBER_LIKE.fullmatch(text) is not None for text in texts) > len(texts)

    def may_have_numbers(self, column: str) -> bool:
        """Whether it has numbers, or nothing but what stands for missing ones: no text, marks, a few letters."""
        return self.has_numbers(column) or all(_MISSING_LIKE.fullmatch(text.strip()) for text in self.texts(column))

    def share_of_numbers(self, column: str) -> float:
        """Return which part of it is numbers and nothing else."""
        texts = self.texts(column)
        return sum(_PURE_NUMBER.fullmatch(text) is not None for text in texts) / len(texts) if texts else 0.0

    def has_codes(self, column: str) -> bool:
        """Whether all of it are codes, such as "AL", "Y_GE75" or "01": capital letters and digits without a space."""
        texts = self.texts(column)
        return bool(texts) and all(_CODE.fullmatch(text) for text in texts)

    def has_years(self, column: str) -> bool:
        """Whether most of it can be read as years, in any form."""
        texts = self.texts(column)
        years = read_years(texts)
        return 2 * sum(text in years and years[text].first in _YEARS for text in texts) >= len(texts)

    def different(self, column: str) -> int:
        """Return how many different texts it has, the empty one too."""
        texts = self.texts(column)
        return len(set(texts)) + (len(texts) < len(self.rows))

    def say_the_same(self, one: str, other: str) -> bool:
        """Whether each text of one column goes with one text of the other, as a name with its code."""
        if len(self.rows) < 2:
            return False
        pairs = self._pairs(one, other)
        return bool(pairs) and len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})

    def contains(self, large: str, small: str) -> bool:
        """Whether each text of the small column goes with one of the large one, which has fewer."""
        pairs = self._pairs(large, small)
        smalls = {second for _, second in pairs}
        return len(pairs) == len(smalls) > len({first for first, _ in pairs})

    def _pairs(self, one: str, other: str) -> set[tuple[str, str]]:
        first, second = self._positions.get(one), self._positions.get(other)
        if first is None or second is None:
            return set()
        return {(row[first].strip(SPACES), row[second].strip(SPACES)) for row in self.rows}

    def differs_within(self, key: Sequence[str], column: str) -> bool:
        """Whether rows that are alike in the columns of a key differ in this one."""
        at = [self._positions[each] for each in key if each in self._positions]
        position = self._positions[column]
        seen: dict[tuple[str, ...], str] = {}
        return any(seen.setdefault(tuple(row[i] for i in at), row[position]) != row[position] for row in self.rows)


NO_EVIDENCE = Evidence()
