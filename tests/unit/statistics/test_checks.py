"""Every statistic can be stopped: how much is done between two checks, and that each check ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from meantime.compute.local import document_of
from meantime.dataset.snapshot import Snapshot
from meantime.errors import JobCancelled
from meantime.statistics.check import check
from meantime.statistics.methods import blocks
from meantime.statistics.methods.pairs import Pairs
from tests.support.cost_requests import REQUESTS
from tests.support.counting import Counted, count_work
from tests.support.many_places import places

# So few that the pairs of 150 places are several blocks; the draws of the gap of one location are just one.
BLOCK = 9_000


class Watching:
    """Work that notes what was done between two checks, and stops at one of them."""

    def __init__(self, counted: Counted, *, stop_at: int | None = None) -> None:
        self.checks = 0
        self.pairs = 0  # since the last check
        self.most_pairs, self.most_draws = 0, 0  # between two checks
        self._counted = counted
        self._draws = 0
        self._stop_at = stop_at

    def progress(self, share: float) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Note, and stop if it is time."""
        self.most_pairs, self.pairs = max(self.most_pairs, self.pairs), 0
        self.most_draws, self._draws = max(self.most_draws, self._counted.draws - self._draws), self._counted.draws
        self.checks += 1
        if self.checks == self._stop_at:
            raise JobCancelled("Enough.")


@pytest.fixture(scope="module")
def table() -> Snapshot:
    """A table of more places than have their pairs in a block."""
    return places(150, years=range(2014, 2020))


def _watched(monkeypatch: pytest.MonkeyPatch, work: Watching) -> None:
    real = Pairs._blocks

    def watching(self: Pairs, *given: Any) -> Iterator[Any]:
        for some, differs in real(self, *given):
            work.pairs += differs.size
            yield some, differs

    monkeypatch.setattr(Pairs, "_blocks", watching)


@pytest.mark.parametrize(("name", "raw"), REQUESTS)
def test_no_more_than_a_block_is_worked_on_between_two_checks_and_each_of_them_stops_it(
    name: str, raw: Mapping[str, Any], table: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", BLOCK)
    prepared, counted = check(name, raw, table), Counted()
    count_work(monkeypatch, counted)
    work = Watching(counted)
    _watched(monkeypatch, work)
    document_of(prepared, "many", work)
    # Two of these are around the computation.
    assert work.checks >= (3 if prepared.statistic.reads_cells else 2)
    # Pairs between a low z and a high one are gone through for both.
    assert work.most_pairs <= 2 * BLOCK
    assert work.most_draws <= BLOCK
    assert (prepared.cost.pairs > BLOCK) <= (work.most_pairs < prepared.cost.pairs)
    for stop_at in {1, work.checks // 2, work.checks}:
        stopped = Watching(counted, stop_at=stop_at)
        with pytest.raises(JobCancelled):
            document_of(prepared, "many", stopped)
        assert stopped.checks == stop_at
