"""Every statistic is documented, and the documented numbers are those that it gives."""

from __future__ import annotations

import doctest
import inspect

import msgspec
import pytest

from meantime.dataset.samples import example, survey_example
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics import columns
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.check import check, check_form
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from tests.support.statistic_pages import PAGES, assert_documented, page_of
from tests.support.table_files import read


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_every_statistic_and_all_its_parameters_are_documented_on_its_page(row: AnyStatistic) -> None:
    assert_documented(row)


def test_there_is_no_page_of_a_statistic_that_there_is_not() -> None:
    pages = {page_of(row) for row in STATISTICS.values()}
    assert {path.name for path in PAGES.iterdir()} == pages | {"README.md", "common-ground.md"}


@pytest.mark.parametrize("page", ["classic.md", "summary.md"])
def test_the_worked_example_of_a_page_is_what_comes_out(page: str) -> None:
    outcome = doctest.testfile(str(PAGES / page), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_every_statistic_shows_in_a_doctest_what_it_does(row: AnyStatistic) -> None:
    told = inspect.getdoc(row.compute) or ""
    assert ">>>" in told
    for word in ("withheld", "tied"):
        assert word in told.lower().replace("ties", "tied"), (
            f"the docstring of {row.name} does not say what {word} input does"
        )


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_a_row_of_the_registry_is_whole(row: AnyStatistic) -> None:
    assert STATISTICS[row.name] is row
    assert row.help
    assert row.estimates
    assert row.method_version >= 1
    assert "question" in row.parameters.__struct_fields__
    assert set(row.example) <= set(row.parameters.__struct_fields__)
    parameters = check_form(row.name, row.example, refuse_unknown=True)
    assert row.columns_of(parameters)


# Needs ten locations, which no worked example has: its own tests see to its columns.
_OF_MANY_LOCATIONS = ("association",)


@pytest.mark.parametrize("row", [row for row in STATISTICS.values() if row.name not in _OF_MANY_LOCATIONS])
def test_the_columns_that_a_row_tells_are_those_of_its_tables(row: AnyStatistic) -> None:
    # A trend needs years, which the smaller example has not.
    is_of_survey = issubclass(row.parameters, CellParameters)
    snapshot = survey_example.snapshot() if is_of_survey else example.snapshot()
    question = survey_example.SOUP if is_of_survey else example.BREAKFAST
    given = {"state": "Avalon", "location": "Avalon", "reference": "Avalon", "target": 24.0, "since": "2016"}
    if "reference_stratum" in row.example:
        given |= {"category": "Sex", "stratum": "Female", "reference_stratum": "Male"}
    if "standard" in row.example:
        given |= {"category": "Sex", "standard": ["Female=1", "Male=1"]}
    raw = {"question": question} | {name: value for name, value in given.items() if name in row.example}
    prepared = check(row.name, raw, snapshot)
    unit = snapshot.about.questions[snapshot.cube.question_codes[question]].unit
    told = columns.of_question(row.columns_of(prepared.parameters), unit)
    assert prepared.compute(Unwatched()).columns == told
    assert all(column.meaning for column in told)


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_every_parameter_says_what_it_is_and_has_an_example(row: AnyStatistic) -> None:
    schema = msgspec.json.schema(row.parameters)["$defs"][row.parameters.__name__]
    for name, each in schema["properties"].items():
        assert each.get("description", "").endswith("."), name
        assert each.get("examples"), name


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    with path.open("wb") as out:
        write_sample(out, rows=20_000, seed=1)
    return read(path)


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_the_rows_of_an_example_are_those_of_the_built_in_sample(row: AnyStatistic, sample: Snapshot) -> None:
    answer = tuple(check(row.name, row.example, sample).compute(Unwatched()).rows())
    assert row.example_rows
    for told, found in zip(row.example_rows, answer, strict=False):
        assert len(told) == len(found)
        # To nine digits: logarithms may differ in the last one from one machine to the next.
        assert [cell if isinstance(cell, str | None) else pytest.approx(cell, rel=1e-9) for cell in told] == list(found)
