"""Numbers that cannot be right, or are probably not what they seem, are noticed: when read, and in each answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meantime.dataset.plausibility import data_problems
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.factories import row, snapshot
from tests.support.table_files import read, write

USUAL = [
    row(location="Ohio", value="35.0", low=33.0, high=37.1, sample_size=2000.0),
    row(location="Iowa", value="33.0", low=31.0, high=35.1, sample_size=2000.0),
    row(location="Texas", value="36.0", low=34.0, high=38.1, sample_size=2000.0),
]


def kinds(of: Snapshot) -> dict[str, int]:
    cells = np.arange(of.cube.cell_count)
    return {each.kind: len(each.cells) for each in data_problems(of.cube, of.about.questions, cells)}


def answer(statistic: str, of: Snapshot, **raw: Any) -> Table:
    return check(statistic, {"question": "Q", **raw}, of).compute(Unwatched())


@pytest.mark.parametrize("code", ["-99", "-999999", "999", "-7777", "-12345"])
def test_a_number_far_from_all_others_may_stand_for_a_missing_one(code: str) -> None:
    usual = [row(location=place, value=value) for place, value in (("Ohio", "12.5"), ("Iowa", "0.0"))]
    of = snapshot([*usual, row(location="Utah", value=code)], unit="beds")
    assert kinds(of) == {"code": 1}
    [warning] = [each for each in answer("estimate", of).warnings if "stands for a missing value" in each]
    assert f"missing = [{code}]" in warning


@pytest.mark.parametrize("values", [["99", "98"], ["-3", "-99.5"], ["-5", "40"], ["9999", "12345"], ["-99", "-80"]])
def test_other_large_and_negative_numbers_are_numbers(values: list[str]) -> None:
    rows = [row(location=place, value=value) for place, value in zip(("Ohio", "Iowa"), values, strict=True)]
    assert kinds(snapshot(rows, unit="beds")) == {}


@pytest.mark.parametrize(("low", "is_one"), [("9.0", True), ("10.0", False)])
def test_a_number_is_told_for_a_code_by_those_that_an_answer_has_beside_it(low: str, is_one: bool) -> None:
    rows = [row(location=place, value=value) for place, value in (("Ohio", low), ("Iowa", "99"), ("Utah", "50.0"))]
    of = snapshot(rows, unit="beds")
    assert kinds(of) == {}
    assert not any("missing value" in each for each in answer("estimate", of).warnings)
    few = answer("estimate", of, locations=["Ohio", "Iowa"])
    assert any("missing value" in each for each in few.warnings) is is_one


IMPOSSIBLE = [
    ("excluded", {"value": "50.0", "low": 55.0, "high": 70.0}),
    ("excluded", {"value": "50.0", "low": 30.0, "high": 45.0}),
    ("reversed", {"value": "33.0", "low": 35.0, "high": 31.0}),
    ("no percent", {"value": "120.0", "low": 118.0, "high": 122.0}),
    ("no percent", {"value": "-5.0", "low": -7.0, "high": -3.0}),
    ("respondents", {"value": "30.0", "low": 28.0, "high": 32.1, "sample_size": 0.0}),
    ("respondents", {"value": "30.0", "sample_size": -5.0}),
]


@pytest.mark.parametrize(("kind", "cells"), IMPOSSIBLE)
def test_what_is_impossible_is_flagged_and_not_tested(kind: str, cells: dict[str, Any]) -> None:
    of = snapshot([*USUAL, row(location="Utah", **cells)], polarity={"Q": "lower"})
    assert kinds(of) == {kind: 1}
    estimates = answer("estimate", of)
    utah = estimates.column("location").index("Utah")
    assert "impossible" in str(estimates.column("flags")[utah])
    assert estimates.column("se")[utah] is None
    [warning] = [each for each in estimates.warnings if "impossible" in each]
    assert '"Utah"' in warning
    assert "not tested" in warning
    assert "Utah" not in answer("ranking", of).column("location")
    compared = answer("comparison", of, reference="Ohio")
    assert compared.column("p")[compared.column("location").index("Utah")] is None


def test_the_numbers_of_a_rate_may_be_above_100() -> None:
    rates = [row(location="Ohio", value="880.0", low=860.0, high=901.0, sample_size=0.5), row(value="-5.0")]
    assert kinds(snapshot(rates, unit="per 100,000")) == {"respondents": 1}


IMPLAUSIBLE = [
    ("no width", {"value": "30.0", "low": 30.0, "high": 30.0, "sample_size": 2000.0}, "no width"),
    ("narrow", {"value": "30.4", "low": 30.0, "high": 30.8, "sample_size": 200.0}, "lower level than 95%"),
    ("narrow", {"value": "52.0", "low": 51.0, "high": 53.0, "sample_size": 300.0}, "a population"),
    ("wide", {"value": "30.0", "low": 15.0, "high": 50.0, "sample_size": 4000.0}, "much wider"),
]


@pytest.mark.parametrize(("kind", "cells", "words"), IMPLAUSIBLE)
def test_what_is_implausible_stays_in_with_a_warning(kind: str, cells: dict[str, Any], words: str) -> None:
    of = snapshot([*USUAL, row(location="Utah", **cells)], polarity={"Q": "lower"})
    assert kinds(of) == {kind: 1}
    table = answer("ranking", of)
    assert "Utah" in table.column("location")
    [warning] = [each for each in table.warnings if "implausible" in each]
    assert words in warning
    # Only where an answer rests on it.
    assert not any("implausible" in each for each in answer("estimate", of, locations=["Ohio"]).warnings)


def test_limits_without_width_are_not_taken_for_a_standard_error() -> None:
    of = snapshot([*USUAL, row(location="Utah", value="30.0", low=30.0, high=30.0, sample_size=2000.0)])
    table = answer("estimate", of)
    se = table.column("se")[table.column("location").index("Utah")]
    assert isinstance(se, float)
    assert se > 1


def test_rounding_explains_narrow_limits_of_large_samples() -> None:
    of = snapshot([row(value="30.1", low=30.0, high=30.2, sample_size=1_000_000.0)])
    assert kinds(of) == {}


def test_percents_of_at_most_1_are_probably_proportions() -> None:
    values = (("Ohio", 0.35), ("Iowa", 0.33), ("Utah", 0.96))
    of = snapshot([row(location=name, value=f"{v:.2f}", low=v - 0.02, high=v + 0.02) for name, v in values])
    assert kinds(of) == {"proportions": 3}
    assert any("multiply them by 100" in warning for warning in answer("estimate", of, locations=["Utah"]).warnings)
    assert kinds(snapshot([row(location=name, value=f"{v:.2f}") for name, v in values], unit="rate")) == {}


def test_a_table_that_is_read_has_a_warning_for_each_kind_with_an_example(tmp_path: Path) -> None:
    text = (
        "Question,LocationDesc,Unit,Value,Lower CI,Upper CI,Sample_Size\n"
        "Q,Utah,%,50,55,70,900\nQ,Ohio,%,120,118,122,900\nQ,Iowa,%,40,43,44,900\nQ,Maine,%,30,30,30,900\n"
    )
    warnings = read(write(tmp_path, text)).about.warnings
    assert len(warnings) == 3
    assert warnings[0].startswith("2 values are impossible: the limits exclude the value (for example ")
    assert warnings[1].startswith("1 value is impossible: a percent is below 0 or above 100")
    assert '"Maine": value 30, limits 30 and 30, and respondents 900' in warnings[2]


def test_a_usual_table_has_no_problem() -> None:
    assert kinds(snapshot(USUAL)) == {}


@pytest.mark.parametrize("question", ["Percent of adults who nap at noon", "Percentage of days with rain"])
def test_a_question_that_says_percent_is_in_percent_and_the_answer_says_so(tmp_path: Path, question: str) -> None:
    header = "Question,LocationDesc,Value,Lower CI,Upper CI,Sample_Size"
    of = read(write(tmp_path, f"{header}\n{question},Utah,3.2,1.2,7.1,200\n{question},Ohio,30,24.1,36.7,200\n"))
    assert [(each.unit, each.is_unit_inferred) for each in of.about.questions] == [("percent", True)]
    table = check("comparison", {"question": question, "reference": "Ohio"}, of).compute(Unwatched())
    assert {column.name: column.unit for column in table.columns}["difference"] == "percentage points"
    assert any("taken for percents" in note for note in table.notes)


def test_a_unit_in_the_file_or_its_toml_comes_before_the_words_of_the_question(tmp_path: Path) -> None:
    header = "Question,LocationDesc,Unit,Value"
    rows = "Percent of adults,Utah,Number,3\nPercent of adults,Ohio,,4\nPercent of nobody,Utah,,5\n"
    write(tmp_path, '[questions."Percent of nobody"]\nunit = "cups"\n', "table.csv.toml")
    of = read(write(tmp_path, f"{header}\n{rows}"))
    assert [each.unit for each in of.about.questions] == ["Number", "cups"]
    assert not any(each.is_unit_inferred for each in of.about.questions)
