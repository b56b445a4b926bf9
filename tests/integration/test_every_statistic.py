"""Every statistic that there is, over every question of the real files: it answers or says why not, and both soundly.

Looked up in the registry, so that a new statistic is tried as soon as it is there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.answers import refused
from tests.support.examples import one_case_in
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.table_files import read

OBESITY = "Percent of adults aged 18 years and older who have obesity"
INACTIVITY = "Percent of adults who engage in no leisure-time physical activity"
# Where a file cannot be asked as the example of the registry asks the sample; what a statistic has no parameter for is
# left out.
OF_FILE: dict[str, dict[str, Any]] = {
    BY_SEX: {"category": "Sex", "stratum": "Female"},
    SUBSET: {"category": "Gender", "stratum": "Male", "years": "2018", "since": "2016", "reference": None},
}
OF_STATISTIC: dict[str, dict[str, Any]] = {
    "summary": {"category": ["Sex"], "stratum": []},
    "standardised": {"standard": ["Female=51", "Male=49"], "stratum": None},
    "disparity": {"stratum": None},
}
# What is said of several locations holds for all of them at once, or is said of their estimates and not of the truth.
AT_ONCE = ("all pairs compared", "adjusted", "by their estimates", "ranges from", "One comparison")


@pytest.fixture(scope="module", params=one_case_in(2, [BY_SEX, SUBSET]))
def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def snapshot(file: str, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return read(real_file(file), into=tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_it_answers_every_question_with_finite_numbers_and_the_same_again(
    snapshot: Snapshot, file: str, statistic: str
) -> None:
    answered = 0
    for question in snapshot.cube.labels.questions:
        raw = document_of(statistic, question, file)
        if problems := refused(statistic, raw, snapshot, refuse_unknown=True):
            # The subset, two thousand rows of all years and strata, does not have all that is asked for.
            assert file == SUBSET, (question, problems)
            assert all(problem.detail.endswith((".", "?")) for problem in problems)
            continue
        answered += 1
        prepared = check(statistic, raw, snapshot)
        table = prepared.compute(Unwatched())
        again = check(statistic, raw, snapshot).compute(Unwatched())
        assert (table.data, table.findings, table.notes, table.warnings) == (
            (again.data, again.findings, again.notes, again.warnings)
        )
        assert [column.name for column in table.columns] == [
            column.name for column in STATISTICS[statistic].columns_of(prepared.parameters)
        ]
        assert not_finite(table) == []
        assert disordered(table) == []
        for sentence in (*table.findings, *table.notes, *table.warnings):
            assert is_a_sentence(sentence), sentence
    assert answered or file == SUBSET


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_finding_names_several_locations_only_by_what_holds_for_all_of_them(
    snapshot: Snapshot, file: str, statistic: str
) -> None:
    for question in snapshot.cube.labels.questions:
        try:
            prepared = check(statistic, document_of(statistic, question, file), snapshot)
        except RequestInvalid:
            continue
        table = prepared.compute(Unwatched())
        for finding in table.findings:
            named = [name for name in snapshot.cube.labels.locations if re.search(rf"\b{name}\b", finding)]
            # The reference is named next to the one that is compared with it.
            others = set(named) - {"National", getattr(prepared.parameters, "reference", None)}
            # West Virginia is no two states.
            others -= {name for name in others if any(name in other and name != other for other in others)}
            assert len(others) <= 1 or any(words in finding for words in AT_ONCE), finding


def document_of(statistic: str, question: str, file: str) -> dict[str, Any]:
    """The example of the registry, with this question, over what the file has."""
    row = STATISTICS[statistic]
    fields = row.parameters.__struct_fields__
    raw = dict(row.example)
    if "question" in fields:
        raw["question"] = question
    if "better" in fields and "overweight" in question:
        raw["better"] = "lower"  # no direction is built in: the indicator is low where obesity is high
    if "other" in fields:
        raw["other"] = INACTIVITY if question != INACTIVITY else OBESITY
    parameters = OF_FILE[file] | (OF_STATISTIC.get(statistic, {}) if file == BY_SEX else {})
    always = {"category", "stratum"} & set(fields) if "basis" in fields else set()
    return raw | {name: value for name, value in parameters.items() if name in raw or name in always}


def not_finite(table: Table) -> list[str]:
    return [name for name, cell in cells(table) if isinstance(cell, float) and not math.isfinite(cell)]


def disordered(table: Table) -> list[str]:
    """Columns of lower limits that are above their upper ones, and of p-values that are none."""
    names = [column.name for column in table.columns]
    reversed_limits = []
    for name in names:
        upper = name.removesuffix("low") + "high"
        if name.endswith("low") and upper in names:
            pairs = zip(table.column(name), table.column(upper), strict=True)
            reversed_limits += [
                name for low, high in pairs if isinstance(low, float) and isinstance(high, float) and low > high
            ]
    return reversed_limits + [
        name
        for name, cell in cells(table)
        if isinstance(cell, float) and re.fullmatch(r"p|p_.*|.*_p", name) and not 0 <= cell <= 1
    ]


def is_a_sentence(sentence: str) -> bool:
    return (
        sentence == sentence.strip()
        and sentence.endswith((".", '"'))
        and "  " not in sentence
        and "nan" not in sentence.split()
    )


def cells(table: Table) -> Iterator[tuple[str, object]]:
    return ((column.name, cell) for column in table.columns for cell in table.column(column.name))
