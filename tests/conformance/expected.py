"""What the nine statistics are for a CSV file in the CDC's schema: from its rows, with csv and fractions.

The slow way, on purpose: no code and no idea of the project's own is in it.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

Pair = tuple[str, str]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Expected:
    """The rows of a file, by question."""

    values: dict[Pair, list[Fraction]]  # question, state
    strata: dict[str, dict[Key, list[Fraction]]]  # question -> state, category, stratum
    withheld: dict[Pair, int]

    @classmethod
    def read(cls, path: Path) -> Expected:
        read = cls(defaultdict(list), defaultdict(lambda: defaultdict(list)), defaultdict(int))
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            read._add(row)
        return read

    def _add(self, row: dict[str, str]) -> None:
        question, state, text = row["Question"], row["LocationDesc"], row["Data_Value"].strip()
        try:
            value = Fraction(text)
        except (ValueError, ZeroDivisionError):
            self.withheld[question, state] += 1
            return
        self.values[question, state].append(value)
        category, stratum = row.get("StratificationCategory1"), row.get("Stratification1")
        if category and stratum:
            self.strata[question][state, category, stratum].append(value)

    @property
    def questions(self) -> list[str]:
        return sorted({question for question, _ in self.values})

    def states(self, question: str) -> list[str]:
        return sorted(state for other, state in self.values if other == question)

    @property
    def without_value(self) -> list[Pair]:
        """Pairs of a question and a state of the file that no value is given for."""
        met = {*self.values, *self.withheld}
        every = {(question, state) for question in {q for q, _ in met} for state in {s for _, s in met}}
        return sorted(every - set(self.values))

    def answer(self, statistic: str, question: str, state: str | None = None, polarity: str | None = None) -> Any:
        means = {name: _mean(self.values[question, name]) for name in self.states(question)}
        overall = _mean([value for name in means for value in self.values[question, name]])
        ascending = sorted(means, key=lambda name: (means[name], name))
        descending = sorted(means, key=lambda name: (-means[name], name))
        match statistic:
            case "states_mean":
                return {name: float(means[name]) for name in ascending}
            case "best5" | "worst5":
                is_ascending = (statistic == "best5") == (polarity == "lower")
                return {name: float(means[name]) for name in (ascending if is_ascending else descending)[:5]}
            case "global_mean":
                return {"global_mean": float(overall)}
            case "diff_from_mean":
                return {name: float(overall - means[name]) for name in ascending}
            case "mean_by_category":
                return {str(key): float(_mean(values)) for key, values in sorted(self.strata[question].items())}
            case "state_mean":
                assert state
                return {state: float(means[state])}
            case "state_diff_from_mean":
                assert state
                return {state: float(overall - means[state])}
            case "state_mean_by_category":
                of_state = [(key[1:], values) for key, values in self.strata[question].items() if key[0] == state]
                return {state: {str(key): float(_mean(values)) for key, values in sorted(of_state)}}
        raise KeyError(statistic)


def _mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction()) / len(values)
