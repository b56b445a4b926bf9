"""What is told across locations of the real files: it runs for every question, and makes sense."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from meantime.dataset.facts.relations import relation
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.table_files import read

OBESITY = "Percent of adults aged 18 years and older who have obesity"
INACTIVITY = "Percent of adults who engage in no leisure-time physical activity"
WOMEN = {"category": "Sex", "stratum": "Female"}


@pytest.fixture(scope="module")
def by_sex(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return read(real_file(BY_SEX), into=tmp_path_factory.mktemp("by-sex"))


@pytest.fixture(scope="module")
def subset(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return read(real_file(SUBSET), into=tmp_path_factory.mktemp("subset"))


def ask(snapshot: Snapshot, statistic: str, **parameters: Any) -> Table:
    return check(statistic, parameters, snapshot, refuse_unknown=True).compute(Unwatched())


@pytest.mark.parametrize("statistic", ["distribution", "sensitivity"])
@pytest.mark.parametrize("show", ["locations", "figures"])
def test_they_run_for_every_question(by_sex: Snapshot, statistic: str, show: str) -> None:
    for question in by_sex.cube.labels.questions:
        # Overweight has no built-in direction.
        better = {"better": "lower"} if statistic == "sensitivity" and "overweight" in question else {}
        table = ask(by_sex, statistic, question=question, show=show, **WOMEN, **better)
        assert len(table) >= {"locations": 45, "figures": 1}[show]
        assert len(table.findings) >= 2


def test_half_women_and_half_men_are_between_the_two(by_sex: Snapshot) -> None:
    for question in by_sex.cube.labels.questions:
        both = ask(by_sex, "standardised", question=question, category="Sex", standard=["Female=1", "Male=1"])
        women, men = (
            ask(by_sex, "estimate", question=question, category="Sex", stratum=sex) for sex in ("Female", "Male")
        )
        assert both.column("location") == women.column("location") == men.column("location")
        halves = zip(women.column("estimate"), men.column("estimate"), strict=True)
        assert list(both.column("estimate")) == pytest.approx([(float(w or 0) + float(m or 0)) / 2 for w, m in halves])


def test_puerto_rico_is_an_outlier_in_inactivity_of_women(by_sex: Snapshot) -> None:
    table = ask(by_sex, "distribution", question=INACTIVITY, years="2023", **WOMEN)
    outliers = zip(table.column("location"), table.column("outlier"), strict=True)
    assert [pair for pair in outliers if pair[1]] == [("Puerto Rico", "high")]


def test_every_method_is_there_for_obesity_of_women_and_moves_someone(by_sex: Snapshot) -> None:
    figures = ask(by_sex, "sensitivity", question=OBESITY, years="2023", show="figures", **WOMEN)
    assert set(figures.column("not_available")) == {None}
    assert all(0.8 < float(tau or 0) <= 1 for tau in figures.column("kendall_tau"))
    assert int(figures.column("moves_most")[-1] or 0) == 11


def test_ages_have_the_weights_of_2000(subset: Snapshot) -> None:
    ages = {"category": "Age (years)", "standard": ["us_2000"]}
    table = ask(subset, "standardised", question=OBESITY, years="2018", **ages)
    assert any("Klein and Schoenborn" in note for note in table.notes)
    # The subset has all ages of few locations; those that lack one are named.
    assert table.warnings[0].startswith("Not shown: ")


def test_every_two_questions_and_those_that_are_related_by_definition(by_sex: Snapshot) -> None:
    for one, other in combinations(by_sex.cube.labels.questions, 2):
        table = ask(by_sex, "association", question=one, other=other, **WOMEN)
        assert table.column("method") == ["Pearson", "Spearman"]
        assert len(table.findings) == 1
        by_definition = [warning for warning in table.warnings if warning.startswith("By definition")]
        assert len(by_definition) == (relation(one, other) is not None)


def test_what_can_be_detected_is_what_the_comparison_needs(by_sex: Snapshot) -> None:
    for question in by_sex.cube.labels.questions:
        table = ask(by_sex, "detectable", question=question, **WOMEN)
        names = ("detectable", "detectable_among_all")
        alone, among_all = (np.array(table.column(name), dtype=float) for name in names)
        assert (alone > 0).all()
        assert (among_all / alone > 1.3).all()
        assert (among_all / alone < 1.6).all()
