"""Synthetic samples of every level: each statistic that there is answers the example of the registry on them."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.samples.synthetic import LEVELS, Level, write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.registry import STATISTICS
from tests.support.answers import refused
from tests.support.examples import one_case_in
from tests.support.table_files import read

ROWS = 20_000
# More rows of each cell than one.
REPEATED = 2
AVERAGES_ROWS = ("states_mean", "best5", "worst5", "global_mean", "diff_from_mean", "mean_by_category", "summary")


@pytest.fixture(scope="module", params=one_case_in(2, LEVELS))
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return written(tmp_path_factory.mktemp("sample"), level=request.param)


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return written(tmp_path_factory.mktemp("sample"), level="county", rows_per_cell=REPEATED)


def written(folder: Any, *, level: Level, rows_per_cell: int = 1) -> Snapshot:
    path = folder / "sample.csv"
    with path.open("wb") as out:
        write_sample(out, rows=ROWS, seed=1, level=level, rows_per_cell=rows_per_cell)
    return read(path)


def example(statistic: str, snapshot: Snapshot) -> dict[str, Any]:
    """The example of the registry, with places that the sample has."""
    raw = dict(STATISTICS[statistic].example)
    places = [name for name in snapshot.cube.labels.locations if name.endswith(("Utah", "Ohio"))][:2]
    return raw | {
        name: {"state": places[0], "locations": places}[name] for name in ("state", "locations") if name in raw
    }


@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_answers_on_every_level(statistic: str, sample: Snapshot) -> None:
    table = check(statistic, example(statistic, sample), sample).compute(Unwatched())
    assert table.data[0]


def test_the_country_is_named_beside_the_places_and_is_none_of_them(sample: Snapshot) -> None:
    table = check("estimate", example("estimate", sample), sample).compute(Unwatched())
    assert "nationally it is" in table.findings[0]


@pytest.mark.parametrize("statistic", STATISTICS)
def test_several_rows_of_a_cell_are_averaged_or_refused_with_what_to_ask(statistic: str, repeated: Snapshot) -> None:
    problems = refused(statistic, example(statistic, repeated), repeated)
    if statistic in AVERAGES_ROWS or "state" in STATISTICS[statistic].example:
        assert problems == ()
        return
    (problem,) = problems
    assert problem.code == "mixed"
    assert "summary" in problem.detail
    assert "all_rows" in problem.detail
    assert "states_mean" in problem.detail
    assert "--rows-per-cell" in problem.detail


def test_the_basis_all_rows_averages_rows_of_a_cell(repeated: Snapshot) -> None:
    assert refused("estimate", {**STATISTICS["estimate"].example, "basis": "all_rows"}, repeated) == ()
