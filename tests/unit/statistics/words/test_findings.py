from __future__ import annotations

import string

import pytest

from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from meantime.statistics.words.findings import MOST_OF_A_KIND, size_of_difference, strongest


@pytest.mark.parametrize("row", [row for row in STATISTICS.values() if row.findings], ids=lambda row: row.name)
def test_a_finding_is_a_sentence_and_all_its_fields_have_names(row: AnyStatistic) -> None:
    for template in row.findings.values():
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        assert all(fields)
        assert template.endswith(".")
        assert template.format(**dict.fromkeys(fields, "X")).count("X") == len(fields)


def test_a_difference_is_told_by_its_size_with_the_interval_of_that_size() -> None:
    assert size_of_difference(-3.1, -4.3, -1.9, None) == "3.10 (95% CI 1.90 to 4.30)"
    assert size_of_difference(0.3, -0.1, 0.7, None) == "0.30 (95% CI −0.10 to 0.70)"
    assert size_of_difference(-0.3, -0.7, 0.1, None) == "0.30 (95% CI −0.10 to 0.70)"


def test_the_interval_of_one_of_several_differences_is_called_unadjusted() -> None:
    assert size_of_difference(1.0, 0.5, 1.5, "percentage points", tested=2) == (
        "1.0 percentage points (unadjusted 95% CI 0.5 to 1.5)"
    )


def test_only_the_strongest_are_told_strongest_first() -> None:
    z = [3.0, 9.0, 4.0, 8.0, 7.0, 6.0, 5.0]
    told = strongest(z, [each != 8.0 for each in z])
    assert told == [1, 4, 5, 6, 2]
    assert len(told) == MOST_OF_A_KIND
