"""The nine classic statistics, computed a second time: from rows, with csv and fractions, by no code of the project."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

OF_ALL = ("states_mean", "best5", "worst5", "global_mean", "diff_from_mean", "mean_by_category")
OF_STATE = ("state_mean", "state_diff_from_mean", "state_mean_by_category")


class Fact(NamedTuple):
    """One row; without a value where it is withheld, without a category where the file names none."""

    question: str
    location: str
    category: str
    stratum: str
    value: Fraction | None


def read(path: Path, columns: Sequence[str], *, delimiter: str = ",") -> list[Fact]:
    """Read the columns of question, location, category, stratum and value."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=delimiter)
        question, location, category, stratum, value = columns
        return [Fact(row[question], row[location], row[category], row[stratum], _value(row[value])) for row in rows]


def _value(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


def answer(
    facts: Iterable[Fact], statistic: str, question: str, *, state: str = "", is_lower_better: bool = True
) -> Any:
    """Return ``data`` as the contract has it, in its order, with fractions for numbers."""
    selected = [fact for fact in facts if fact.question == question]
    overall = _mean(selected)
    by_location = _means(selected, lambda fact: fact.location)
    by_group = _means(
        [fact for fact in selected if fact.category], lambda fact: (fact.location, fact.category, fact.stratum)
    )
    ascending = sorted(by_location.items(), key=lambda item: (item[1], item[0]))
    descending = sorted(by_location.items(), key=lambda item: (-item[1], item[0]))
    match statistic:
        case "states_mean":
            return dict(ascending)
        case "best5":
            return dict((ascending if is_lower_better else descending)[:5])
        case "worst5":
            return dict((descending if is_lower_better else ascending)[:5])
        case "global_mean":
            return {"global_mean": overall}
        case "diff_from_mean":
            return {location: overall - mean for location, mean in ascending}
        case "mean_by_category":
            return {str(group): by_group[group] for group in sorted(by_group)}
        case "state_mean":
            return {state: by_location[state]}
        case "state_diff_from_mean":
            return {state: overall - by_location[state]}
        case "state_mean_by_category":
            return {state: {str(group[1:]): by_group[group] for group in sorted(by_group) if group[0] == state}}
    raise AssertionError(statistic)


def assert_same(actual: Any, expected: Any, *, within: float = 1e-9) -> None:
    """Compare keys, their order, and numbers."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key, value in expected.items():
            assert_same(actual[key], value, within=within)
    else:
        assert isinstance(actual, float)
        assert abs(Fraction(actual) - expected) <= Fraction(within), (actual, float(expected))


def _means(facts: Iterable[Fact], key: Callable[[Fact], Any]) -> dict[Any, Fraction]:
    groups: dict[Any, list[Fact]] = {}
    for fact in facts:
        if fact.value is not None:
            groups.setdefault(key(fact), []).append(fact)
    return {group: _mean(members) for group, members in groups.items()}


def _mean(facts: Iterable[Fact]) -> Fraction:
    values = [fact.value for fact in facts if fact.value is not None]
    return sum(values, Fraction(0)) / len(values) if values else Fraction(0)
