from __future__ import annotations

import dataclasses
import tomllib
from importlib import resources
from itertools import combinations
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from meantime.dataset.snapshot import Snapshot
from meantime.statistics import columns
from meantime.statistics.families.association import COLUMNS, STATISTIC, Association
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems
from tests.support.examples import one_case_in

RELATIONS = tomllib.loads(resources.files("meantime.dataset.facts").joinpath("relations.toml").read_text("utf-8"))[
    "relations"
]
RNG = np.random.default_rng(6)
X = np.round(30 + 4 * RNG.standard_normal(20), 1)
Y = np.round(25 + 0.8 * (X - 30) + 2 * RNG.standard_normal(20), 1)
NAMES = [f"L{place:02}" for place in range(20)]


def row(question: str, location: str, value: float, half: float = 1.0, year: int = 2020) -> dict[str, Any]:
    limits = {"low": round(value - half, 1), "high": round(value + half, 1)}
    return factories.row(question, location, f"{value:.1f}", period=(year, year), **limits)


def made(x: Any = X, y: Any = Y, half: float = 1.0, year_of_other: int = 2020) -> Snapshot:
    return factories.snapshot(
        [
            *(row("P", name, value, half) for name, value in zip(NAMES, x, strict=False)),
            *(row("Q", name, value, half, year_of_other) for name, value in zip(NAMES, y, strict=False)),
        ]
    )


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Association(question="P", other="Q", **asked)
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def pointers(snapshot: Snapshot | None, **asked: Any) -> list[tuple[str, str]]:
    given = Association(**{"question": "P", "other": "Q", **asked})
    return [(problem.pointer, problem.code) for problem in problems(STATISTIC, snapshot, given)]


def test_the_correlations_are_scipys() -> None:
    snapshot = made()
    table = of(snapshot)
    assert table.column("method") == ["Pearson", "Spearman"]
    assert table.column("locations") == [20, 20]
    assert table.column("correlation") == pytest.approx([stats.pearsonr(X, Y)[0], stats.spearmanr(X, Y)[0]])
    assert table.columns == columns.of_question(COLUMNS, "percent")


def test_the_correction_is_for_both_reliabilities_and_not_for_ranks() -> None:
    table = of(made())
    corrected, none = table.column("corrected")
    assert none is None
    assert isinstance(corrected, float)
    assert corrected > float(table.column("correlation")[0] or 0)
    assert any(note.startswith("Reliability") for note in table.notes)
    # Where most of what locations differ by is chance, there is nothing to correct with.
    assert of(made(half=9.0)).column("corrected") == [None, None]


def test_findings_are_of_pearson_and_hedged() -> None:
    start = 'In places where "P" is higher, "Q" tends to be'
    assert of(made()).findings[0].startswith(f"{start} higher too (2020; 20 places; r = 0.8")
    assert of(made(y=60 - Y)).findings[0].startswith(f"{start} lower (2020; 20 places; r = −0.8")
    unrelated = np.round(25 + RNG.standard_normal(20), 1)
    [none] = of(made(y=unrelated)).findings
    assert none.startswith('These data do not show that "P" and "Q" go together across the 20 places (2020; r = ')


def test_the_two_p_values_are_adjusted_by_holm_and_the_finding_rests_on_that() -> None:
    unadjusted = np.array(of(made()).column("p"), dtype=float)
    least, most = sorted(np.array(of(made()).column("p_adjusted"), dtype=float))
    assert least == pytest.approx(2 * unadjusted.min())
    assert most == pytest.approx(max(2 * unadjusted.min(), unadjusted.max()))


def test_what_only_ranks_see_is_told_by_ranks() -> None:
    rising = np.arange(20.5, 40.5)
    # One location far out, where the line would have it highest.
    y = np.append(50 + rising[:-1] / 5, 1.5)
    (said,) = of(made(x=rising, y=y)).findings
    assert said.startswith(
        'In places where "P" is higher, "Q" tends to be higher too (2020; 20 places; correlation of ranks = 0.71'
    )


@pytest.mark.parametrize(("kind", "said"), [("exclude", "nobody is counted"), ("overlap", "many are counted")])
def test_questions_that_are_related_by_definition_are_told(kind: str, said: str) -> None:
    pair = next(each["questions"][:2] for each in RELATIONS if each["kind"] == kind)
    both = zip(pair, (X, Y), strict=True)
    snapshot = factories.snapshot(
        row(question, name, value) for question, values in both for name, value in zip(NAMES, values, strict=True)
    )
    table = STATISTIC.answer(snapshot, Association(question=pair[0], other=pair[1]))
    assert any(said in warning for warning in table.warnings)
    assert table.findings[0].startswith("Partly by definition, since ")
    assert any("is not known. If they do" in warning for warning in of(made()).warnings)


def test_the_ecological_caution_is_always_there() -> None:
    table = of(made())
    assert any(note.startswith("About locations, not people") for note in table.notes)
    assert any("same respondents" in warning for warning in table.warnings)


def test_what_does_not_vary_or_has_no_standard_error_has_no_numbers() -> None:
    table = of(made(y=np.full(20, 25.5)))
    assert table.column("correlation") == [None, None]
    assert table.findings == ()
    bare = factories.snapshot(
        factories.row(question, name, f"{value:.1f}")
        for question, values in (("P", X), ("Q", Y))
        for name, value in zip(NAMES, values, strict=True)
    )
    assert of(bare).column("corrected") == [None, None]
    assert not any(note.startswith("Reliability") for note in of(bare).notes)


def test_only_locations_that_have_both_count_and_the_others_are_told() -> None:
    table = of(made(x=X[:18]))
    assert table.column("locations") == [18, 18]
    assert of(made(y=Y[:17])).column("locations") == [17, 17]
    snapshot = factories.snapshot(
        [
            *(row("P", name, value) for name, value in zip(NAMES, X, strict=True)),
            *(row("Q", name, value) for name, value in zip(NAMES[1:], Y[1:], strict=True)),
            factories.row("Q", NAMES[0], None, period=(2020, 2020), reason="~"),
        ]
    )
    assert 'Not shown: L00 is suppressed or missing in 2020 ("~") for the other question.' in of(snapshot).warnings


def test_aggregates_are_left_out() -> None:
    states = ["National", "Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Idaho", "Iowa", "Ohio"]
    both = [row(question, name, 30.0 + place) for question in "PQ" for place, name in enumerate([*states, "Utah"])]
    table = of(factories.snapshot(both))
    assert table.column("locations") == [10, 10]
    assert "Not shown: National is an aggregate." in table.warnings


def test_what_cannot_be_answered_is_refused() -> None:
    assert pointers(made(x=X[:9])) == [("/locations", "absent")]
    for few, told in ((1, "Only one location has"), (9, "Only 9 locations have")):
        (problem,) = problems(STATISTIC, made(x=X[:few]), Association(question="P", other="Q"))
        assert problem.detail.startswith(f"{told} both questions, and a correlation needs 10")
    assert pointers(made(), other="P") == [("/other", "contradiction")]
    assert pointers(made(year_of_other=2019)) == [("/years", "absent")]
    (problem,) = problems(STATISTIC, made(year_of_other=2019), Association(question="P", other="Q"))
    assert problem.detail == "Of the other question: The question has no value for 2020. It has: 2019."
    assert pointers(made(), years="soon") == [("/years", "type")]
    assert pointers(None) == []


def test_each_location_can_be_shown_with_both_estimates_and_their_limits() -> None:
    table = of(made(half=1.5), show="locations")
    assert table.column("location") == NAMES
    assert table.column("estimate") == X.tolist()
    assert table.column("other_low") == np.round(Y - 1.5, 1).tolist()
    assert set(table.column("flags")) == {""}
    # What is said of the correlation is said beside its locations, too.
    assert (table.findings, table.notes) == (of(made(half=1.5)).findings, of(made(half=1.5)).notes)


def test_each_question_has_its_own_unit_and_says_which_it_is() -> None:
    rows = [row(question, name, value) for question in "PQ" for name, value in zip(NAMES, X, strict=True)]
    snapshot = factories.snapshot(rows)
    questions = tuple(
        msgspec.structs.replace(question, unit={"P": "percent", "Q": "cups"}[question.text])
        for question in snapshot.about.questions
    )
    snapshot = dataclasses.replace(snapshot, about=msgspec.structs.replace(snapshot.about, questions=questions))
    told = {column.name: (column.meaning, column.unit) for column in of(snapshot, show="locations").columns}
    assert told["estimate"] == ("P", "percent")
    assert told["other_estimate"] == ("Q", "cups")


def test_one_that_is_flagged_in_either_question_is_flagged() -> None:
    wide = [row("Q", name, value, half=12.0 if name == "L03" else 1.0) for name, value in zip(NAMES, Y, strict=True)]
    rows = [*(row("P", name, value) for name, value in zip(NAMES, X, strict=True)), *wide]
    flags = of(factories.snapshot(rows), show="locations").column("flags")
    assert [name for name, flag in zip(NAMES, flags, strict=True) if flag] == ["L03"]


def test_a_location_rests_on_the_cells_of_both_and_its_estimate_on_the_first() -> None:
    snapshot, asked = made(), Association(question="P", other="Q", show="locations")
    first, second = STATISTIC.prepared(snapshot, asked).rests_on({"location": "L03"}).parts
    assert (first.used_as, first.weights.tolist()) == ("value", [1.0])
    assert (second.used_as, second.weights.tolist()) == ("other question", [0.0])
    assert STATISTIC.prepared(snapshot, asked).rests_on(None).number is None
    assert STATISTIC.prepared(snapshot, asked).rests_on({"method": "Pearson"}).number is None


EXCLUSIVE = [pair for each in RELATIONS if each["kind"] == "exclude" for pair in combinations(each["questions"], 2)]


def survey(rng: np.random.Generator, pair: tuple[str, str], k: int, n: int, sd: float) -> Snapshot:
    """Ask the same people two questions that exclude each other; true values are not associated."""
    rows = []
    for place in range(k):
        one, other = 33 + sd * rng.standard_normal(), 35 + sd * rng.standard_normal()
        counts = rng.multinomial(n, [one / 100, other / 100, 1 - (one + other) / 100])
        for question, count in zip(pair, counts, strict=False):
            value = 100 * count / n
            half = 1.96 * np.sqrt(value * (100 - value) / n)
            limits = {"low": round(value - half, 1), "high": round(value + half, 1)}
            rows.append(factories.row(question, f"L{place:02}", f"{value:.1f}", period=(2020, 2020), **limits))
    return factories.snapshot(rows)


@pytest.mark.parametrize(("n", "sd"), one_case_in(2, [(1000, 0.5), (1000, 1.5), (400, 1.5)]))
def test_questions_that_exclude_each_other_are_seldom_said_to_go_together_by_their_errors(n: int, sd: float) -> None:
    rng, runs, pair = np.random.default_rng(n), 60, EXCLUSIVE[0]
    found, as_they_come = 0, 0
    for _ in range(runs):
        snapshot = survey(rng, pair, 50, n, sd)
        asked = Association(question=pair[0], other=pair[1])
        p = STATISTIC.answer(snapshot, asked).column("p_adjusted")
        found += min(float(str(each)) for each in p) < 0.05
        where = STATISTIC.answer(snapshot, Association(question=pair[0], other=pair[1], show="locations"))
        values = [np.array(where.column(name), dtype=float) for name in ("estimate", "other_estimate")]
        as_they_come += stats.pearsonr(*values).pvalue < 0.05
    assert found <= 8  # of 60; 5 % are 3
    assert as_they_come >= 20


def test_what_is_taken_off_is_told_and_only_for_questions_that_exclude_each_other() -> None:
    pair = EXCLUSIVE[0]
    table = STATISTIC.answer(
        survey(np.random.default_rng(1), pair, 30, 800, 2.0), Association(question=pair[0], other=pair[1])
    )
    assert any("exclude each other are correlated by a known amount" in note for note in table.notes)
    assert not any("known amount" in note for note in of(made()).notes)
