from __future__ import annotations

import errno
import gc
import json
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import ref

import msgspec
import pytest

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Ready, ReloadOutcome, Status
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import fingerprint_of, open_snapshot
from meantime.engine.ports import Gate
from meantime.errors import (
    DatasetNotReady,
    LoadCancelled,
    LoadFailed,
    SettingInvalid,
    SnapshotDamaged,
    SourceEmpty,
    SourceUnreadable,
)
from meantime.model import Request
from tests.support.catalogs import PATIENCE_S, Gateway, Place

REQUEST = Request(dataset="a", statistic="best5", parameters={})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def held_midway(place: Place, catalog: Catalog) -> Iterator[None]:
    """While a source is being read; it is read to its end afterwards."""
    entered, go_on = threading.Event(), threading.Event()

    def hold(_source: Source, _cancelled: threading.Event) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_S)

    place.ingestor.midway = hold
    catalog.start()
    try:
        assert entered.wait(PATIENCE_S)
        yield
    finally:
        go_on.set()
        catalog.close()


def mean(snapshot: Snapshot) -> float:
    """The one mean of a table with one question."""
    [only] = snapshot.cube.by_question.mean.tolist()
    assert isinstance(only, float)
    return only


# ---- loading ----


def test_sources_are_loaded_in_order_and_a_failed_one_does_not_stop_the_others(place: Place) -> None:
    sources = [place.source("b", "1"), place.source("empty"), place.source("a", "2")]
    with place.serving(*sources) as catalog:
        assert place.ingestor.read == ["b", "empty", "a"]
        assert catalog.names == ("b", "empty", "a")
        assert catalog.default == "b"
        statuses = [catalog.status(name) for name in catalog.names]
        assert [type(status) for status in statuses] == [Ready, Failed, Ready]
        assert catalog.snapshot("a").cube.by_question.mean.tolist() == [2.0]


def test_a_bug_in_reading_fails_its_data_set_only(place: Place) -> None:
    def stumble(source: Source, _cancelled: threading.Event) -> None:
        if source.name == "a":
            raise ZeroDivisionError("a secret of the inside")

    place.ingestor.midway = stumble
    with place.serving(place.source("a", "1"), place.source("b", "1")) as catalog:
        status = catalog.status("a")
        assert isinstance(status, Failed)
        assert isinstance(status.error, LoadFailed)
        assert "ZeroDivisionError" in status.error.reason
        assert "secret" not in status.error.reason
        assert isinstance(catalog.status("b"), Ready)


def test_a_data_set_that_is_read_is_loading_and_its_gate_is_closed(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"), place.source("b", "1"))
    with held_midway(place, catalog):
        assert catalog.status("a") == Loading(Progress(phase="reading", share=0.5, rows=None))
        assert catalog.status("b") == Loading(Progress(phase="waiting", share=0.0, rows=None))
        assert not catalog.is_open("a")
        for ask in (lambda: catalog.snapshot("a"), lambda: catalog.bind(REQUEST)):
            with pytest.raises(DatasetNotReady, match="'a' is still loading"):
                ask()


def test_changes_are_reported_in_order_and_before_the_gate_opens(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"), place.source("empty"))
    told: list[tuple[str, str]] = []
    catalog.on_change(lambda name, status: told.append((name, type(status).__name__)))
    done = threading.Event()

    def opened(name: str) -> None:
        told.append((name, "open"))
        if name == "empty":
            done.set()

    catalog.on_open(opened)
    catalog.start()
    assert done.wait(PATIENCE_S)
    catalog.close()
    assert told == [
        ("a", "Loading"),
        ("a", "Ready"),
        ("a", "open"),
        ("empty", "Loading"),
        ("empty", "Failed"),
        ("empty", "open"),
    ]


def test_callbacks_may_use_the_catalog_and_wait_for_others_that_do(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"))
    answers: queue.SimpleQueue[object] = queue.SimpleQueue()

    def ask_all(name: str, _status: Status | None = None) -> None:
        def ask() -> tuple[object, ...]:
            catalog.on_open(lambda _: None)
            catalog.sweep(set())
            return catalog.status(name), catalog.is_open(name)

        with ThreadPoolExecutor(1) as pool:
            answers.put(pool.submit(ask).result(PATIENCE_S))

    catalog.on_change(ask_all)
    catalog.on_open(ask_all)
    catalog.start()
    for _ in ("reading", "ready", "open"):
        answers.get(timeout=PATIENCE_S)
    catalog.close()


def test_a_loader_that_dies_is_heard_of(place: Place) -> None:
    died: queue.SimpleQueue[tuple[str, BaseException]] = queue.SimpleQueue()
    catalog = place.catalog(place.source("a", "1"), on_death=lambda role, error: died.put((role, error)))
    cause = ValueError("a bug in a callback")

    def stumble(_name: str) -> None:
        raise cause

    catalog.on_open(stumble)
    catalog.start()
    assert died.get(timeout=PATIENCE_S) == ("loader", cause)
    catalog.close()


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_data_sets_without_a_name_of_their_own_are_a_bug(place: Place, names: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="needs a name of its own"):
        place.catalog(*[Source(name=name, path="x") for name in names])


def test_a_folder_that_cannot_be_created_is_an_invalid_setting(place: Place) -> None:
    source = place.source("a", "1")
    (place.folder / "state").touch()
    with pytest.raises(SettingInvalid, match="Set another state_dir"):
        place.catalog(source).start()


# ---- the gate ----


def test_a_catalog_is_a_gate(place: Place) -> None:
    gate: Gate = place.catalog(place.source("a", "1"))
    assert not gate.is_open("a")


def test_binding_gives_the_current_fingerprint_and_never_changes_one(place: Place) -> None:
    with place.serving(place.source("a", "1"), place.source("empty")) as catalog:
        bound = catalog.bind(REQUEST)
        assert bound == msgspec.structs.replace(REQUEST, fingerprint=catalog.snapshot("a").fingerprint)
        for name in ("a", "empty", "gone"):
            old = msgspec.structs.replace(REQUEST, dataset=name, fingerprint="0" * 64)
            assert catalog.bind(old) is old


def test_a_data_set_that_failed_or_is_not_served_is_decided_and_refused_with_the_reason(place: Place) -> None:
    with place.serving(place.source("empty"), place.source("b", "1")) as catalog:
        for name, reason in (
            ("empty", "'empty' could not be loaded: .* has no rows"),
            ("gone", "No data set 'gone' is served here. Available: empty, b"),
        ):
            assert catalog.is_open(name)
            with pytest.raises(DatasetNotReady, match=reason):
                catalog.bind(msgspec.structs.replace(REQUEST, dataset=name))
            with pytest.raises(DatasetNotReady, match=reason):
                catalog.snapshot(name)
        with pytest.raises(KeyError, match="gone"):
            catalog.status("gone")


# ---- starting again ----


def test_a_restart_opens_the_snapshot_without_reading(place: Place) -> None:
    source = place.source("a", "1", "2")
    before = place.load(source)
    place.ingestor.read.clear()
    assert place.load(source) == before
    assert place.ingestor.read == []


def test_a_changed_source_is_read_again_and_its_older_snapshot_still_answers(place: Place) -> None:
    before = place.load(place.source("a", "1"))
    with place.serving(place.source("a", "2")) as catalog:
        assert place.ingestor.read == ["a", "a"]
        assert catalog.snapshot("a").cube.by_question.mean.tolist() == [2.0]
        assert catalog.snapshot("a", before).cube.by_question.mean.tolist() == [1.0]
        assert catalog.snapshot("not served any more", before).fingerprint == before


def test_the_source_of_a_damaged_snapshot_is_read_again(place: Place) -> None:
    source = place.source("a", "1")
    before = place.load(source)
    (place.snapshots / before / "cube.npz").write_bytes(b"")
    place.ingestor.read.clear()
    assert place.load(source) == before
    assert place.ingestor.read == ["a"]
    assert place.on_disk() == [before]


def test_a_source_that_is_gone_fails_and_its_snapshot_still_answers_who_names_it(place: Place) -> None:
    source = place.source("a", "1")
    before = place.load(source)
    Path(source.path).unlink()
    with place.serving(source) as catalog:
        status = catalog.status("a")
        assert isinstance(status, Failed)
        assert isinstance(status.error, SourceUnreadable)
        assert catalog.snapshot("a", before).fingerprint == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"x": 1}', b"\xff", None], ids=["empty", "cut", "list", "number", "bytes", "gone"]
)
def test_a_harmed_register_costs_reading_again(place: Place, content: bytes | None) -> None:
    source = place.source("a", "1")
    before = place.load(source)
    register = place.snapshots / "sources.json"
    if content is None:
        register.unlink()
    else:
        register.write_bytes(content)
    assert place.load(source) == before
    assert place.ingestor.read == ["a", "a"]
    assert list(json.loads(register.read_text()).values()) == [before]


def test_a_register_leads_to_snapshots_in_its_folder_only(place: Place) -> None:
    source = place.source("a", "1")
    before = place.load(source)
    (place.snapshots / before).rename(place.folder / before)
    register = place.snapshots / "sources.json"
    register.write_text(register.read_text().replace(before, f"../../{before}"))
    place.load(source)
    assert place.ingestor.read == ["a", "a"]


def test_the_register_forgets_what_is_gone(place: Place) -> None:
    first = place.load(place.source("a", "1"))
    changed = place.source("a", "2")
    with place.serving(changed) as catalog:
        second = catalog.snapshot("a").fingerprint
        catalog.sweep(set())
    assert place.on_disk() == [second]
    third = place.load(place.source("a", "3"))
    known = json.loads((place.snapshots / "sources.json").read_text())
    assert sorted(known.values()) == sorted([second, third])
    assert first not in known.values()


def test_known_sources_that_cannot_be_written_are_not_an_error(place: Place) -> None:
    place.ingestor.midway = lambda _source, _cancelled: (place.snapshots / ".sources.json").mkdir()
    source = place.source("a", "1")
    place.load(source)
    place.ingestor.midway = lambda _source, _cancelled: None
    place.load(source)
    assert place.ingestor.read == ["a", "a"]


def test_a_source_that_changes_while_it_is_read_is_read_again_at_the_next_start(place: Place) -> None:
    source = place.source("a", "1")

    def touch(source: Source, _cancelled: threading.Event) -> None:
        os.utime(source.path, ns=(1, 1))

    place.ingestor.midway = touch
    place.load(source)
    place.ingestor.midway = lambda _source, _cancelled: None
    place.load(source)
    assert place.ingestor.read == ["a", "a"]


def test_a_source_that_goes_after_it_was_read_is_ready(place: Place) -> None:
    place.ingestor.midway = lambda source, _cancelled: Path(source.path).unlink()
    place.load(place.source("a", "1"))


def test_what_a_crash_left_half_written_is_removed_at_the_start(place: Place) -> None:
    (place.snapshots / ".writing-abc" / "rows").mkdir(parents=True)
    (place.snapshots / ".writing-abc" / "rows" / "0000.parquet").touch()
    (place.snapshots / ".sources.json").touch()
    assert place.on_disk() == [".sources.json", ".writing-abc"]
    fingerprint = place.load(place.source("a", "1"))
    assert place.on_disk() == [fingerprint]


# ---- reloading ----


def test_a_changed_file_is_served_after_a_reload_and_the_old_one_by_its_fingerprint(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        before = catalog.snapshot("a").fingerprint
        place.source("a", "2")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 2
        assert catalog.bind(REQUEST).fingerprint == catalog.snapshot("a").fingerprint != before
        assert mean(catalog.snapshot("a", before)) == 1
    # As after any reading, the next start need not read.
    assert mean(open_snapshot(place.snapshots / place.load(Source(name="a", path=str(place.folder / "a.json"))))) == 2
    assert place.ingestor.read == ["a", "a"]


def test_an_unchanged_file_is_not_read_again(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        before = catalog.status("a")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        assert catalog.status("a") == before
        assert place.ingestor.read == ["a"]


def test_a_file_rewritten_with_the_same_content_leaves_the_snapshot_as_it_is(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        place.source("a", "1")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        assert catalog.snapshot("a") is before
        assert place.ingestor.read == ["a", "a"]


def test_until_the_new_snapshot_is_there_the_old_one_is_served_and_the_reload_can_be_seen(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        told: queue.SimpleQueue[Status] = queue.SimpleQueue()
        catalog.on_change(lambda _name, status: told.put(status))
        way = Gateway(place)
        place.source("a", "2")
        reload = catalog.reload("a")
        way.wait_entered()
        reading = Ready(before, reloading=Progress(phase="reading", share=0.5, rows=None))
        assert told.get(timeout=PATIENCE_S) == catalog.status("a") == reading
        assert catalog.snapshot("a") is before
        assert catalog.is_open("a")
        assert catalog.bind(REQUEST).fingerprint == before.fingerprint
        way.let_on()
        reload.result(PATIENCE_S)
        assert told.get(timeout=PATIENCE_S) == Ready(catalog.snapshot("a"))
        assert told.empty()


def test_a_failed_reload_keeps_what_is_served_and_its_reason_until_one_succeeds(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        place.source("a")
        with pytest.raises(SourceEmpty) as refused:
            catalog.reload("a").result(PATIENCE_S)
        assert catalog.status("a") == Ready(before, reload_error=refused.value)
        assert catalog.snapshot("a") is before
        place.source("a", "3")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.status("a") == Ready(catalog.snapshot("a"))


def test_a_file_that_is_gone_or_a_bug_fails_a_reload_and_nothing_else(place: Place) -> None:
    source = place.source("a", "1")
    with place.serving(source) as catalog:
        Path(source.path).unlink()
        with pytest.raises(SourceUnreadable):
            catalog.reload("a").result(PATIENCE_S)
        place.source("a", "2")

        def stumble(_source: Source, _cancelled: threading.Event) -> None:
            raise ZeroDivisionError("a secret of the inside")

        place.ingestor.midway = stumble
        with pytest.raises(LoadFailed, match="ZeroDivisionError"):
            catalog.reload("a").result(PATIENCE_S)
        assert mean(catalog.snapshot("a")) == 1


def test_a_data_set_that_failed_can_be_repaired_and_its_gate_stays_open_meanwhile(place: Place) -> None:
    with place.serving(place.source("a"), place.source("b", "1")) as catalog:
        opened: list[str] = []
        catalog.on_open(opened.append)
        failed = catalog.status("a")
        assert isinstance(failed, Failed)
        way = Gateway(place)
        place.source("a", "2")
        reload = catalog.reload("a")
        way.wait_entered()
        assert catalog.status("a") == replace(failed, reloading=Progress(phase="reading", share=0.5, rows=None))
        assert catalog.is_open("a")
        with pytest.raises(DatasetNotReady, match="has no rows"):
            catalog.snapshot("a")
        way.let_on()
        assert reload.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 2
        assert opened == []


def test_who_asks_before_a_reload_begins_shares_it_and_who_asks_later_gets_another(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        way = Gateway(place)
        place.source("a", "2")
        first = catalog.reload("a")
        way.wait_entered()
        # It has read the file; what is changed now is only seen by another one.
        place.source("a", "3")
        second, third = catalog.reload("a"), catalog.reload("a")
        assert second is third is not first
        way.let_on()
        assert first.result(PATIENCE_S) is ReloadOutcome.REPLACED
        way.wait_entered()
        assert isinstance(status := catalog.status("a"), Ready)
        assert status.reloading is not None
        assert mean(status.snapshot) == 2
        way.let_on()
        assert second.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 3
        assert place.ingestor.read == ["a", "a", "a"]


def test_a_reload_requested_before_the_first_loading_begins_is_that_loading(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"))
    asked = catalog.reload("a")
    assert asked is catalog.reload("a")
    assert isinstance(catalog.status("a"), Loading)
    catalog.start()
    assert asked.result(PATIENCE_S) is ReloadOutcome.REPLACED
    catalog.close()
    assert place.ingestor.read == ["a"]


def test_a_file_that_changes_during_its_first_loading_is_read_again_on_request(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"))
    way = Gateway(place)
    catalog.start()
    way.wait_entered()
    place.source("a", "2")
    asked = catalog.reload("a")
    assert isinstance(catalog.status("a"), Loading)
    way.let_on(2)
    assert asked.result(PATIENCE_S) is ReloadOutcome.REPLACED
    assert mean(catalog.snapshot("a")) == 2
    catalog.close()


def test_data_sets_are_reloaded_one_after_another_in_the_order_of_requests(place: Place) -> None:
    with place.serving(place.source("a", "1"), place.source("b", "1")) as catalog:
        place.ingestor.read.clear()
        way = Gateway(place)
        place.source("a", "2")
        place.source("b", "2")
        asked = [catalog.reload("b"), catalog.reload("a")]
        way.wait_entered()
        assert isinstance(status := catalog.status("a"), Ready)
        assert status.reloading == Progress(phase="waiting", share=0.0, rows=None)
        way.let_on(2)
        assert [one.result(PATIENCE_S) for one in asked] == [ReloadOutcome.REPLACED] * 2
        assert place.ingestor.read == ["b", "a"]


def test_closing_ends_a_reload_and_those_who_wait_get_the_reason(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        entered = threading.Event()

        def until_cancelled(_source: Source, cancelled: threading.Event) -> None:
            entered.set()
            assert cancelled.wait(PATIENCE_S)

        place.ingestor.midway = until_cancelled
        before = catalog.snapshot("a")
        place.source("a", "2")
        running = catalog.reload("a")
        assert entered.wait(PATIENCE_S)
        waiting = catalog.reload("a")
        catalog.close()
        for asked in (running, waiting, catalog.reload("a")):
            with pytest.raises(LoadCancelled):
                asked.result(PATIENCE_S)
        assert catalog.snapshot("a") is before


def test_only_what_is_served_can_be_reloaded(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog, pytest.raises(KeyError, match="gone"):
        catalog.reload("gone")


def test_nobody_can_cancel_a_reload_that_others_wait_for(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        asked = catalog.reload("a")
        assert not asked.cancel()
        assert asked.result(PATIENCE_S) is ReloadOutcome.UNCHANGED


def test_the_memory_of_a_replaced_snapshot_is_freed_when_nothing_holds_it(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        old = ref(catalog.snapshot("a").cube)
        for value in ("2", "3"):
            place.source("a", value)
            catalog.reload("a").result(PATIENCE_S)
        gc.collect()
        assert old() is None


def test_a_file_restored_as_it_was_is_recognized_or_read_if_its_snapshot_was_swept(place: Place) -> None:
    source = place.source("a", "1")
    path = Path(source.path)
    with place.serving(source) as catalog:
        for swept in (False, True):
            aside = path.rename(path.with_suffix(f".aside{swept}"))
            place.source("a", "2")
            assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
            if swept:
                place.now_s += 4000
                catalog.sweep(set())
            path.unlink()
            aside.rename(path)
            place.ingestor.read.clear()
            assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
            assert place.ingestor.read == (["a"] if swept else [])
            assert mean(catalog.snapshot("a")) == 1


def test_a_replaced_snapshot_stays_for_an_hour(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        first = catalog.snapshot("a").fingerprint
        place.source("a", "2")
        catalog.reload("a").result(PATIENCE_S)
        place.now_s += 3599
        place.source("a", "3")
        catalog.reload("a").result(PATIENCE_S)
        catalog.sweep(set())
        assert len(place.on_disk()) == 3
        place.now_s += 2
        catalog.sweep(set())
        assert len(place.on_disk()) == 2
        assert first not in place.on_disk()


def test_a_replaced_edition_of_the_same_content_stays_for_an_hour_too(place: Place) -> None:
    source = place.source("a", "1")
    with place.serving(source) as catalog:
        folder = catalog.snapshot("a").folder
        catalog.snapshot("a")
        place.ingestor.title = "Another title"
        place.source("a", "1")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.snapshot("a").about.title == "Another title"
        catalog.sweep(set())
        assert folder is not None
        assert folder.is_dir()
        place.now_s += 4000
        catalog.sweep({catalog.snapshot("a").fingerprint})
        assert not folder.is_dir()


def test_nothing_is_swept_while_a_data_set_is_read_again(place: Place) -> None:
    older = place.load(place.source("a", "1"))
    with place.serving(place.source("a", "2")) as catalog:
        way = Gateway(place)
        place.source("a", "3")
        reload = catalog.reload("a")
        way.wait_entered()
        catalog.sweep(set())
        assert older in place.on_disk()
        way.let_on()
        reload.result(PATIENCE_S)
        catalog.sweep(set())
        assert older not in place.on_disk()


# ---- older snapshots ----


def test_the_current_snapshot_is_returned_without_touching_the_disk(place: Place) -> None:
    with place.serving(place.source("a", "1"), place.source("b", "2")) as catalog:
        a, b = catalog.snapshot("a"), catalog.snapshot("b")
        (place.snapshots / a.fingerprint).rename(place.folder / "away")
        assert catalog.snapshot("a", a.fingerprint) is a
        assert catalog.snapshot("b", a.fingerprint) is a
        assert catalog.snapshot("gone", a.fingerprint) is a
        assert catalog.snapshot("b") is b


def test_an_older_snapshot_is_opened_once_however_many_ask_for_it(place: Place) -> None:
    before = place.load(place.source("a", "1"))
    with place.serving(place.source("a", "2")) as catalog:
        together = threading.Barrier(8)

        def ask(_: int) -> Snapshot:
            together.wait(PATIENCE_S)
            return catalog.snapshot("a", before)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, range(8)))
        assert len({id(snapshot) for snapshot in found}) == 1


def test_the_few_older_snapshots_used_last_stay_open(place: Place) -> None:
    older = [place.load(place.source("a", str(value))) for value in range(5)]
    with place.serving(place.source("a", "7")) as catalog:
        opened = [catalog.snapshot("a", fingerprint) for fingerprint in older[:4]]
        assert catalog.snapshot("a", older[0]) is opened[0]
        catalog.snapshot("a", older[4])
        assert catalog.snapshot("a", older[0]) is opened[0]
        assert catalog.snapshot("a", older[1]) is not opened[1]


@pytest.mark.parametrize("fingerprint", ["0" * 64, "", "../x", "*", "sources.json"])
def test_a_snapshot_that_does_not_exist_is_reported(place: Place, fingerprint: str) -> None:
    with place.serving(place.source("empty")) as catalog:
        for _ in range(2):
            with pytest.raises(SnapshotDamaged, match="no longer"):
                catalog.snapshot("empty", fingerprint)


def test_before_the_start_there_are_no_snapshots(place: Place) -> None:
    with pytest.raises(SnapshotDamaged, match="no longer"):
        place.catalog(place.source("a", "1")).snapshot("a", "0" * 64)


def test_a_repaired_snapshot_opens_again(place: Place) -> None:
    before = place.load(place.source("a", "1"))
    with place.serving(place.source("a", "2")) as catalog:
        cube = place.snapshots / before / "cube.npz"
        content = cube.read_bytes()
        cube.write_bytes(b"")
        with pytest.raises(SnapshotDamaged, match=r"cube\.npz has changed since it was written"):
            catalog.snapshot("a", before)
        cube.write_bytes(content)
        assert catalog.snapshot("a", before).fingerprint == before


# ---- the same content twice ----


def test_two_data_sets_of_one_file_share_their_snapshot(place: Place) -> None:
    one, other = place.source("a", "1"), Source(name="b", path=str(place.folder / "a.json"))
    with place.serving(one, other) as catalog:
        assert catalog.snapshot("a") is catalog.snapshot("b")
        assert place.ingestor.read == ["a"]


def test_two_files_with_the_same_content_keep_their_own_descriptions(place: Place) -> None:
    one, other = place.source("a", "1"), place.source("b", "1")
    for _ in ("read", "opened at the next start"):
        with place.serving(one, other) as catalog:
            assert [catalog.snapshot(name).about.title for name in "ab"] == ["a", "b"]
            fingerprint = catalog.snapshot("a").fingerprint
            assert catalog.snapshot("b").fingerprint == fingerprint
            assert catalog.snapshot("b", fingerprint).about.title == "b"
            catalog.sweep(set())
            assert len(place.on_disk()) == 2
    assert place.ingestor.read == ["a", "b"]
    with place.serving(other) as catalog:
        # Only b is served: its own layout of the content stays, and answers whoever names the content.
        catalog.sweep({fingerprint})
        [folder] = place.on_disk()
        assert open_snapshot(place.snapshots / folder).about.title == "b"


def test_an_older_content_is_opened_in_any_layout_that_is_sound(place: Place) -> None:
    with place.serving(place.source("a", "1"), place.source("b", "1")) as catalog:
        fingerprint = catalog.snapshot("a").fingerprint
    (place.snapshots / fingerprint / "cube.npz").unlink()
    with place.serving(place.source("c", "2")) as catalog:
        assert catalog.snapshot("a", fingerprint).about.title == "b"


# ---- sweeping ----


def test_sweeping_removes_what_is_neither_current_nor_kept_nor_open(place: Place) -> None:
    older = [place.load(place.source("a", str(value))) for value in range(3)]
    with place.serving(place.source("a", "7")) as catalog:
        current = catalog.snapshot("a").fingerprint
        catalog.snapshot("a", older[1])
        (place.snapshots / "notes.txt").touch()
        catalog.sweep({older[2], "0" * 64})
        assert place.on_disk() == sorted([older[1], older[2], current, "notes.txt"])
        assert catalog.snapshot("a", older[1]).fingerprint == older[1]
        with pytest.raises(SnapshotDamaged, match="no longer"):
            catalog.snapshot("a", older[0])


def test_nothing_is_swept_while_a_data_set_is_loading(place: Place) -> None:
    older = place.load(place.source("a", "1"))
    catalog = place.catalog(place.source("a", "2"))
    with held_midway(place, catalog):
        catalog.sweep(set())
        assert older in place.on_disk()


def test_sweeping_twice_and_beside_itself_is_harmless(place: Place) -> None:
    for value in range(5):
        place.load(place.source("a", str(value)))
    with place.serving(place.source("a", "7")) as catalog:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: catalog.sweep(set()), range(8)))
        assert place.on_disk() == [catalog.snapshot("a").fingerprint]


def test_the_current_snapshot_stays_however_its_path_is_spelled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place.source("a", "1")
    monkeypatch.chdir(place.folder)
    place.snapshots = Path("state") / "x" / ".." / "snapshots"
    (place.folder / "state" / "x").mkdir(parents=True)
    read = place.ingestor.ingest

    def ingest_elsewhere(source: Source, into: Path, **more: Any) -> Path:
        return read(source, into.resolve(), **more)

    monkeypatch.setattr(place.ingestor, "ingest", ingest_elsewhere)
    with place.serving(source) as catalog:
        catalog.sweep(set())
        assert place.on_disk() == [catalog.snapshot("a").fingerprint]


def test_a_disk_on_which_nothing_can_be_swept_is_not_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    older = place.load(place.source("a", "1"))

    def full(_folder: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with place.serving(place.source("a", "2")) as catalog:
        monkeypatch.setattr("meantime.dataset.catalog.set_aside", full)
        catalog.sweep(set())
        assert older in place.on_disk()


# ---- closing ----


def test_closing_cancels_the_load_leaves_nothing_behind_and_opens_no_gate(place: Place) -> None:
    catalog = place.catalog(place.source("a", "1"), place.source("b", "1"))
    told: list[object] = []
    catalog.on_open(told.append)
    entered = threading.Event()

    def wait_for_the_word_to_stop(_source: Source, cancelled: threading.Event) -> None:
        entered.set()
        assert cancelled.wait(PATIENCE_S)

    place.ingestor.midway = wait_for_the_word_to_stop
    catalog.start()
    assert entered.wait(PATIENCE_S)
    catalog.close()
    assert place.ingestor.read == ["a"]
    assert told == []
    assert isinstance(catalog.status("a"), Loading)
    assert not catalog.is_open("a")
    assert place.on_disk() == []


def test_a_catalog_may_be_closed_unstarted_twice_and_by_its_own_callback(place: Place) -> None:
    source = place.source("a", "1")
    place.catalog(source).close()
    with place.serving(source) as catalog:
        catalog.close()
        catalog.close()
    by_callback = place.catalog(source)
    closed = threading.Event()

    def close(_name: str) -> None:
        by_callback.close()
        closed.set()

    by_callback.on_open(close)
    by_callback.start()
    assert closed.wait(PATIENCE_S)
    by_callback.close()


def test_a_status_can_be_compared_and_shown(place: Place) -> None:
    with place.serving(place.source("a", "1")) as catalog:
        statuses: set[Any] = {catalog.status("a"), catalog.status("a")}
        assert len(statuses) == 1
    assert fingerprint_of(place.on_disk()[0]) is not None
