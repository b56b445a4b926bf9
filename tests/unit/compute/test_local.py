"""A request becomes a result: checked again, computed, written in the requested view."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace

import msgspec
import pytest

from meantime.compute import local
from meantime.compute.local import LocalCompute
from meantime.dataset.snapshot import Snapshot
from meantime.errors import JobInterrupted, RequestInvalid, SnapshotDamaged
from meantime.formats import document
from meantime.model import Request, Unwatched
from meantime.statistics.registry import STATISTICS
from tests.support.answers import document_of
from tests.support.factories import row, snapshot

TABLE = snapshot([row(location="Utah", value="3"), row(location="Ohio", value="1"), row(location="Guam", value=None)])


class Shelf:
    """One snapshot, and what it was asked for by."""

    def __init__(self, kept: Snapshot = TABLE) -> None:
        self.kept = kept
        self.requested: list[tuple[str, str | None]] = []

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        self.requested.append((name, fingerprint))
        return self.kept


class Watched(Unwatched):
    def __init__(self) -> None:
        self.shares: list[float] = []

    def progress(self, share: float) -> None:
        self.shares.append(share)


class Stopped(Unwatched):
    def check(self) -> None:
        raise JobInterrupted("cancelled")


def request(statistic: str = "states_mean", view: str = "classic", **parameters: object) -> Request:
    return Request(
        dataset="cdc", statistic=statistic, parameters={"question": "Q"} | parameters, view=view, fingerprint="f" * 64
    )


class DamagedShelf(Shelf):
    """Its snapshot cannot be used until it is repaired."""

    is_damaged = True

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        if self.is_damaged:
            raise SnapshotDamaged("a flipped bit")
        return super().snapshot(name, fingerprint)


class Repair:
    """A repair that ends when the work has been asked a few times whether to stop."""

    def __init__(self, shelf: DamagedShelf, error: Exception | None = None) -> None:
        self.future: Future[None] = Future()
        self.fingerprints: list[str] = []
        self.checks = 0
        self._shelf = shelf
        self._error = error

    def __call__(self, fingerprint: str) -> Future[None]:
        self.fingerprints.append(fingerprint)
        return self.future

    def progress(self, share: float) -> None:
        pass

    def check(self) -> None:
        self.checks += 1
        if self.checks == 2:
            if self._error is not None:
                self.future.set_exception(self._error)
            else:
                self._shelf.is_damaged = False
                self.future.set_result(None)


@pytest.mark.parametrize("waits", [local._CHECK_S, 0])
def test_a_job_waits_for_the_repair_of_damaged_rows(monkeypatch: pytest.MonkeyPatch, waits: float) -> None:
    monkeypatch.setattr(local, "_CHECK_S", waits)
    shelf = DamagedShelf()
    repair = Repair(shelf)
    answer = LocalCompute(shelf, repair=repair).compute(request(), repair)
    assert answer.body == b'{"Ohio":1.0,"Utah":3.0}'
    assert repair.fingerprints == ["f" * 64]


def test_a_job_whose_snapshot_cannot_be_repaired_fails() -> None:
    shelf = DamagedShelf()
    repair = Repair(shelf, SnapshotDamaged("the file has changed"))
    with pytest.raises(SnapshotDamaged, match="a flipped bit"):
        LocalCompute(shelf, repair=repair).compute(request(), repair)
    with pytest.raises(SnapshotDamaged, match="a flipped bit"):
        LocalCompute(shelf).compute(request(), Unwatched())


def test_a_job_that_waits_for_a_repair_can_be_stopped() -> None:
    shelf = DamagedShelf()
    with pytest.raises(JobInterrupted):
        LocalCompute(shelf, repair=Repair(shelf)).compute(request(), Stopped())


def test_a_request_is_answered_from_the_snapshot_that_it_is_bound_to() -> None:
    shelf = Shelf()
    answer = LocalCompute(shelf).compute(request(), Unwatched())
    assert answer.body == b'{"Ohio":1.0,"Utah":3.0}'
    assert answer.method_version == STATISTICS["states_mean"].method_version
    assert shelf.requested == [("cdc", "f" * 64)]


def test_asked_again_the_same_bytes_come() -> None:
    compute = LocalCompute(Shelf())
    for view in ("classic", "document"):
        assert compute.compute(request(view=view), Unwatched()) == compute.compute(request(view=view), Unwatched())


def test_the_document_says_which_snapshot_and_only_the_parameters_that_count() -> None:
    answer = LocalCompute(Shelf()).compute(request("state_mean", "document", state="Utah", other=1), Unwatched())
    document = json.loads(answer.body)
    assert document["parameters"] == {"question": "Q", "state": "Utah"}
    assert document["fingerprint"] == TABLE.fingerprint
    assert document["dataset"] == "cdc"
    assert document["method_version"] == answer.method_version
    assert document["rows"] == [{"location": "Utah", "mean": 3.0, "count": 1, "withheld": 0}]


def test_the_document_is_what_the_view_of_that_name_is_written_from() -> None:
    compute = LocalCompute(Shelf())
    made = document_of(compute, request("state_mean", state="Utah", other=1))
    document = json.loads(compute.compute(request("state_mean", "document", state="Utah"), Unwatched()).body)
    assert (made.statistic, dict(made.parameters)) == ("state_mean", document["parameters"])
    assert (made.dataset, made.fingerprint, made.method_version) == (
        "cdc",
        TABLE.fingerprint,
        document["method_version"],
    )
    assert [list(each) for each in made.table.rows()] == [list(each.values()) for each in document["rows"]]


@pytest.mark.parametrize("view", ["classic", "document"])
def test_the_document_can_be_had_unwritten_whatever_the_view(view: str) -> None:
    compute = LocalCompute(Shelf())
    written = compute.compute(request(view="document"), Unwatched()).body
    assert document.encode(document_of(compute, request(view=view))) == written


def test_a_document_says_how_to_cite_it_and_loudly_when_it_is_synthetic() -> None:
    compute = LocalCompute(Shelf())
    citation = document_of(compute, request()).citation
    for part in ("states_mean", '"Q"', '"cdc"', TABLE.fingerprint, "Meantime"):
        assert part in citation
    assert "SYNTHETIC" not in citation
    made_up = replace(TABLE, about=msgspec.structs.replace(TABLE.about, synthetic=True))
    assert document_of(LocalCompute(Shelf(made_up)), request()).citation.startswith("SYNTHETIC")


@pytest.mark.parametrize("view", ["classic", "document"])
def test_a_request_that_was_accepted_unseen_and_is_wrong_is_refused_with_all_that_is_wrong(view: str) -> None:
    wrong = request("state_mean", view, question="R", state="Guamm")
    compute = LocalCompute(Shelf())
    for call in (compute.prepare, lambda wrong: compute.compute(wrong, Unwatched())):
        with pytest.raises(RequestInvalid) as caught:
            call(wrong)
        problems = caught.value.problems
        assert [problem.pointer for problem in problems] == ["/question", "/state"]
        assert caught.value.reason == " ".join(problem.detail for problem in problems)


def test_a_pair_without_a_value_is_refused_with_the_reason() -> None:
    with pytest.raises(RequestInvalid, match="its only row there is withheld"):
        LocalCompute(Shelf()).compute(request("state_mean", state="Guam"), Unwatched())


def test_a_statistic_that_is_not_there_any_more_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="no statistic"):
        LocalCompute(Shelf()).compute(request("median"), Unwatched())


def test_a_view_that_there_is_not_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="no view 'parquet'"):
        LocalCompute(Shelf()).compute(request(view="parquet"), Unwatched())


def test_work_that_is_to_stop_stops_and_other_work_tells_when_it_is_done() -> None:
    with pytest.raises(JobInterrupted):
        LocalCompute(Shelf()).compute(request(), Stopped())
    work = Watched()
    LocalCompute(Shelf()).compute(request(), work)
    assert work.shares == [1.0]


def test_a_long_result_is_checked_before_each_piece_of_its_document() -> None:
    rows = 3 * document.ROWS_A_PIECE
    long = LocalCompute(Shelf(snapshot([row(location=f"Place {index}", value="1") for index in range(rows)])))

    class Counting(Unwatched):
        checks = 0

        def check(self) -> None:
            self.checks += 1

    classic, whole = Counting(), Counting()
    long.compute(request(), classic)
    long.compute(request(view="document"), whole)
    assert whole.checks - classic.checks >= 3
