from __future__ import annotations

import errno
import gc
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import ref

import msgspec
import pytest

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_queue import LoadQueue
from meantime.dataset.load_status import Failed, Loading, Ready, ReloadOutcome, Status
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.row_files import RowFiles
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import fingerprint_of, open_snapshot
from meantime.engine.ports import Gate
from meantime.errors import (
    DatasetNotReady,
    DatasetUnknown,
    LoadCancelled,
    LoadFailed,
    LoadMemoryTooSmall,
    SettingInvalid,
    SnapshotDamaged,
    SourceChanged,
    SourceEmpty,
    SourceUnreadable,
)
from meantime.model import Request
from tests.support.catalogs import ReadGate, Workspace
from tests.support.waiting import PATIENCE_S

REQUEST = Request(dataset="a", statistic="best5", parameters={})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@contextmanager
def held_midway(workspace: Workspace, catalog: Catalog) -> Iterator[None]:
    """While a source is being read; it is read to its end afterwards."""
    entered, go_on = threading.Event(), threading.Event()

    def hold(_source: Source, _cancelled: threading.Event) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_S)

    workspace.ingestor.midway = hold
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


def test_sources_are_loaded_in_order_and_a_failed_one_does_not_stop_the_others(workspace: Workspace) -> None:
    sources = [workspace.source("b", "1"), workspace.source("empty"), workspace.source("a", "2")]
    with workspace.serving(*sources) as catalog:
        assert workspace.ingestor.read == ["b", "empty", "a"]
        assert catalog.names == ("b", "empty", "a")
        assert catalog.default == "b"
        statuses = [catalog.status(name) for name in catalog.names]
        assert [type(status) for status in statuses] == [Ready, Failed, Ready]
        assert catalog.snapshot("a").cube.by_question.mean.tolist() == [2.0]


def test_a_bug_in_reading_fails_its_data_set_only(workspace: Workspace) -> None:
    def stumble(source: Source, _cancelled: threading.Event) -> None:
        if source.name == "a":
            raise ZeroDivisionError("a secret of the inside")

    workspace.ingestor.midway = stumble
    with workspace.settled(workspace.source("a", "1"), workspace.source("b", "1")) as catalog:
        status = catalog.status("a")
        assert isinstance(status, Failed)
        assert isinstance(status.error, LoadFailed)
        assert "ZeroDivisionError" in status.error.reason
        assert "secret" not in status.error.reason
        assert isinstance(catalog.status("b"), Ready)


# ---- trouble that is not the files' ----


def _fails(error: Exception) -> Callable[[Source, threading.Event], None]:
    def fail(_source: Source, _cancelled: threading.Event) -> None:
        raise error

    return fail


TROUBLE = LoadFailed("The process was killed.").for_operator("/srv/a.csv: the process was killed.")
TOO_SMALL = LoadMemoryTooSmall("Reading needs more memory than the 256 MB it may use.")


@pytest.mark.parametrize("error", [TROUBLE, TOO_SMALL, SourceChanged("a.json was replaced"), RuntimeError("a bug")])
def test_the_gate_stays_shut_while_reading_fails_through_no_fault_of_the_files(
    workspace: Workspace, error: Exception
) -> None:
    workspace.ingestor.midway = _fails(error)
    with workspace.settled(workspace.source("a", "1")) as catalog:
        assert isinstance(catalog.status("a"), Failed)
        assert not catalog.is_open("a")
        with pytest.raises(DatasetNotReady, match=r"could not be loaded: .* Jobs for this data set are kept"):
            catalog.snapshot("a")


def test_who_runs_the_server_reads_paths_and_clients_do_not(workspace: Workspace) -> None:
    workspace.ingestor.midway = _fails(TROUBLE)
    with workspace.settled(workspace.source("a", "1")) as catalog, pytest.raises(DatasetNotReady) as caught:
        catalog.bind(REQUEST)
    assert "The process was killed." in caught.value.reason
    assert "/srv" not in caught.value.reason
    assert "/srv/a.csv: the process was killed." in caught.value.operator_reason


def test_reading_is_tried_again_by_itself_until_the_trouble_has_passed(workspace: Workspace) -> None:
    failures = queue.SimpleQueue[str]()
    opened = queue.SimpleQueue[str]()
    workspace.ingestor.midway = _fails(TROUBLE)
    catalog = workspace.catalog(workspace.source("a", "1"))
    catalog.on_change(lambda name, status: failures.put(name) if _has_just_failed(status) else None)
    catalog.on_open(opened.put)
    catalog.start()
    try:
        failures.get(timeout=PATIENCE_S)
        workspace.now_s += 1.0
        failures.get(timeout=PATIENCE_S)
        assert opened.empty()
        workspace.ingestor.midway = lambda _source, _cancelled: None
        workspace.now_s += 2.0
        assert opened.get(timeout=PATIENCE_S) == "a"
        assert workspace.ingestor.read == ["a"] * 3
        assert isinstance(catalog.status("a"), Ready)
    finally:
        catalog.close()


def test_a_reload_does_not_wait_for_the_next_try(workspace: Workspace) -> None:
    workspace.ingestor.midway = _fails(TROUBLE)
    with workspace.settled(workspace.source("a", "1")) as catalog:
        workspace.ingestor.midway = lambda _source, _cancelled: None
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.is_open("a")


def test_a_gate_that_has_opened_stays_open_when_a_failed_data_set_meets_trouble(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a")) as catalog:
        workspace.source("a", "1")
        workspace.ingestor.midway = _fails(TROUBLE)
        with pytest.raises(LoadFailed):
            catalog.reload("a").result(PATIENCE_S)
        assert catalog.is_open("a")


# ---- damage ----


def rows_of(catalog: Catalog) -> RowFiles:
    rows = catalog.snapshot("a").row_files
    assert rows is not None
    return rows


def flip(rows: RowFiles) -> None:
    """Damage the rows of a snapshot in place."""
    with (rows.folder / "rows" / "0000.parquet").open("r+b") as file:
        file.write(b"X")


def notice(catalog: Catalog) -> Future[None] | None:
    """Use the rows, which are damaged, and return the future of their repair."""
    with pytest.raises(SnapshotDamaged), rows_of(catalog).opened():
        pass
    return catalog.repair(catalog.snapshot("a").fingerprint)


def test_damaged_rows_are_made_again_from_an_unchanged_source_without_being_asked_to(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1"), workspace.source("b", "2")) as catalog:
        before = catalog.snapshot("a").fingerprint
        assert catalog.repair(before) is None
        flip(rows_of(catalog))
        repair = notice(catalog)
        assert repair is not None
        assert repair.result(PATIENCE_S) is None
        with rows_of(catalog).opened():
            pass
        assert catalog.snapshot("a").fingerprint == before
        assert catalog.repair(before) is None
        assert workspace.ingestor.read == ["a", "b", "a"]
        # And again, should the disk go on like that.
        flip(rows_of(catalog))
        repair = notice(catalog)
        assert repair is not None
        repair.result(PATIENCE_S)
        assert workspace.ingestor.read == ["a", "b", "a", "a"]


def test_a_damaged_block_costs_its_question_until_it_is_made_again_without_being_asked_to(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        cells = rows_of(catalog).folder / "cells.bin"
        content = cells.read_bytes()
        cells.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(SnapshotDamaged, match=r"cells\.bin has changed since it was written"):
            before.cube.block(0)
        repair = catalog.repair(before.fingerprint)
        assert repair is None or repair.result(PATIENCE_S) is None  # it may be over by now
        assert len(catalog.snapshot("a").cube.block(0).cells) == 1
        # Whoever still has the snapshot that was damaged finds the same cells.
        assert len(before.cube.block(0).cells) == 1
        assert catalog.snapshot("a").fingerprint == before.fingerprint
        assert workspace.ingestor.read == ["a", "a"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_damaged_rows_of_a_source_that_has_changed_are_said_and_its_new_content_waits_for_a_reload(
    workspace: Workspace, is_gone: bool
) -> None:
    source = workspace.source("a", "1")
    with workspace.serving(source) as catalog:
        before = catalog.snapshot("a").fingerprint
        if is_gone:
            Path(source.path).unlink()
        else:
            workspace.source("a", "2")
        flip(rows_of(catalog))
        repair = notice(catalog)
        if repair is not None:  # it may be decided by now
            with pytest.raises(SnapshotDamaged, match="has changed since, or is gone"):
                repair.result(PATIENCE_S)
        assert notice(catalog) is None
        assert workspace.ingestor.read == ["a"]
        assert catalog.snapshot("a").fingerprint == before
        workspace.source("a", "2")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        with rows_of(catalog).opened():
            pass


def test_a_snapshot_of_two_files_is_made_again_from_the_first_of_them(workspace: Workspace) -> None:
    (workspace.folder / "copy").mkdir()
    copies = workspace.source("a", "1", file="table"), workspace.source("b", "1", file="copy/table")
    with workspace.serving(*copies) as catalog:
        assert catalog.snapshot("a") is catalog.snapshot("b")
        flip(rows_of(catalog))
        repair = notice(catalog)
        assert repair is not None
        assert repair.result(PATIENCE_S) is None
        with rows_of(catalog).opened():
            pass


def test_a_repair_that_meets_trouble_is_tried_again(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        failed = queue.SimpleQueue[str]()
        catalog.on_change(
            lambda name, status: failed.put(name) if isinstance(status, Ready) and status.reload_error else None
        )
        workspace.ingestor.midway = _fails(TROUBLE)
        flip(rows_of(catalog))
        repair = notice(catalog)
        assert repair is not None
        failed.get(timeout=PATIENCE_S)
        assert not repair.done()
        workspace.ingestor.midway = lambda _source, _cancelled: None
        workspace.now_s += 1.0
        assert repair.result(PATIENCE_S) is None
        status = catalog.status("a")
        assert isinstance(status, Ready)
        assert status.reload_error is None


def test_a_repair_ends_with_the_server(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        gate = ReadGate(workspace)
        flip(rows_of(catalog))
        repair = notice(catalog)
        assert repair is not None
        gate.wait_entered()
        gate.let_on()
        workspace.ingestor.midway = _fails(TROUBLE)
    with suppress(LoadCancelled):
        repair.result(PATIENCE_S)
    assert repair.done()


def _has_just_failed(status: Status) -> bool:
    return isinstance(status, Failed) and status.reloading is None


def next_due(waiting: LoadQueue) -> tuple[str, bool] | None:
    due = waiting.pop()
    return due and (due.name, due.is_requested)


def test_the_next_try_comes_later_each_time_and_at_most_after_a_minute() -> None:
    now_s = [100.0]
    assert LoadQueue((), lambda: 0.0).wait_s is None
    waiting = LoadQueue((), lambda: now_s[0])
    for wait_s in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        waiting.add_next_try("a")
        assert next_due(waiting) is None
        assert waiting.wait_s == wait_s
        now_s[0] += wait_s
        assert next_due(waiting) == ("a", False)
    waiting.add_next_try("a")
    waiting.add_next_try("b")
    assert waiting.wait_s == 1
    waiting.cancel_next_try("a")
    waiting.add_next_try("a")
    assert waiting.wait_s == 1
    # A reload does not wait, and does not cancel the next try: it may fail.
    waiting.add("b")
    assert next_due(waiting) == ("b", True)
    assert next_due(waiting) is None
    assert waiting.clear() == []
    assert [waiting.wait_s] == [None]


def test_a_data_set_that_is_read_is_loading_and_its_gate_is_closed(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"), workspace.source("b", "1"))
    with held_midway(workspace, catalog):
        assert catalog.status("a") == Loading(Progress(phase="reading", share=0.5, rows=None))
        assert catalog.status("b") == Loading(Progress(phase="waiting", share=0.0, rows=None))
        assert not catalog.is_open("a")
        for ask in (lambda: catalog.snapshot("a"), lambda: catalog.bind(REQUEST)):
            with pytest.raises(DatasetNotReady, match="'a' is still loading"):
                ask()


def test_changes_are_reported_in_order_and_before_the_gate_opens(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"), workspace.source("empty"))
    events: list[tuple[str, str]] = []
    catalog.on_change(lambda name, status: events.append((name, type(status).__name__)))
    done = threading.Event()

    def opened(name: str) -> None:
        events.append((name, "open"))
        if name == "empty":
            done.set()

    catalog.on_open(opened)
    catalog.start()
    assert done.wait(PATIENCE_S)
    catalog.close()
    assert events == [
        ("a", "Loading"),
        ("a", "Ready"),
        ("a", "open"),
        ("empty", "Loading"),
        ("empty", "Failed"),
        ("empty", "open"),
    ]


def test_callbacks_may_use_the_catalog_and_wait_for_others_that_do(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"))
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


def test_a_loader_that_dies_is_heard_of(workspace: Workspace) -> None:
    died: queue.SimpleQueue[tuple[str, BaseException]] = queue.SimpleQueue()
    catalog = workspace.catalog(workspace.source("a", "1"), on_death=lambda role, error: died.put((role, error)))
    cause = ValueError("a bug in a callback")

    def stumble(_name: str) -> None:
        raise cause

    catalog.on_open(stumble)
    catalog.start()
    assert died.get(timeout=PATIENCE_S) == ("loader", cause)
    catalog.close()


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_data_sets_without_a_name_of_their_own_are_a_bug(workspace: Workspace, names: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="needs a different name"):
        workspace.catalog(*[Source(name=name, path="x") for name in names])


def test_a_folder_that_cannot_be_created_is_an_invalid_setting(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    (workspace.folder / "state").touch()
    with pytest.raises(SettingInvalid, match="Set another state_dir"):
        workspace.catalog(source).start()


# ---- the gate ----


def test_a_catalog_is_a_gate(workspace: Workspace) -> None:
    gate: Gate = workspace.catalog(workspace.source("a", "1"))
    assert not gate.is_open("a")


def test_binding_gives_the_current_fingerprint_and_never_changes_one(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1"), workspace.source("empty")) as catalog:
        bound = catalog.bind(REQUEST)
        assert bound == msgspec.structs.replace(REQUEST, fingerprint=catalog.snapshot("a").fingerprint)
        for name in ("a", "empty", "gone"):
            old = msgspec.structs.replace(REQUEST, dataset=name, fingerprint="0" * 64)
            assert catalog.bind(old) is old


def test_a_data_set_that_failed_or_is_not_served_is_decided_and_refused_with_the_reason(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("empty"), workspace.source("b", "1")) as catalog:
        for name, reason in (
            ("empty", "'empty' could not be loaded: .* has no rows"),
            ("gone", "No data set 'gone' is served here. Available: empty, b"),
        ):
            assert catalog.is_open(name)
            with pytest.raises(DatasetNotReady, match=reason):
                catalog.bind(msgspec.structs.replace(REQUEST, dataset=name))
            with pytest.raises(DatasetNotReady, match=reason):
                catalog.snapshot(name)
        with pytest.raises(DatasetUnknown, match="gone"):
            catalog.status("gone")


# ---- starting again ----


def test_a_restart_opens_the_snapshot_without_reading(workspace: Workspace) -> None:
    source = workspace.source("a", "1", "2")
    before = workspace.load(source)
    workspace.ingestor.read.clear()
    assert workspace.load(source) == before
    assert workspace.ingestor.read == []


def test_a_changed_source_is_read_again_and_its_older_snapshot_still_answers(workspace: Workspace) -> None:
    before = workspace.load(workspace.source("a", "1"))
    with workspace.serving(workspace.source("a", "2")) as catalog:
        assert workspace.ingestor.read == ["a", "a"]
        assert catalog.snapshot("a").cube.by_question.mean.tolist() == [2.0]
        assert catalog.snapshot("a", before).cube.by_question.mean.tolist() == [1.0]
        assert catalog.snapshot("not served any more", before).fingerprint == before


def test_the_source_of_a_damaged_snapshot_is_read_again(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    before = workspace.load(source)
    (workspace.snapshots / before / "cells.bin").write_bytes(b"")
    workspace.ingestor.read.clear()
    assert workspace.load(source) == before
    assert workspace.ingestor.read == ["a"]
    assert workspace.on_disk() == [before]


def test_a_source_that_is_gone_fails_and_its_snapshot_still_answers_who_names_it(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    before = workspace.load(source)
    Path(source.path).unlink()
    with workspace.serving(source) as catalog:
        status = catalog.status("a")
        assert isinstance(status, Failed)
        assert isinstance(status.error, SourceUnreadable)
        assert catalog.snapshot("a", before).fingerprint == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"x": 1}', b"\xff", b'{"\xe1": "x"}', None],
    ids=["empty", "cut", "list", "number", "bytes", "no text", "gone"],
)
def test_a_harmed_register_costs_reading_again(workspace: Workspace, content: bytes | None) -> None:
    source = workspace.source("a", "1")
    before = workspace.load(source)
    register = workspace.snapshots / "sources.json"
    if content is None:
        register.unlink()
    else:
        register.write_bytes(content)
    assert workspace.load(source) == before
    assert workspace.ingestor.read == ["a", "a"]
    assert list(json.loads(register.read_text()).values()) == [before]


def test_a_register_leads_to_snapshots_in_its_folder_only(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    before = workspace.load(source)
    (workspace.snapshots / before).rename(workspace.folder / before)
    register = workspace.snapshots / "sources.json"
    register.write_text(register.read_text().replace(before, f"../../{before}"))
    workspace.load(source)
    assert workspace.ingestor.read == ["a", "a"]


def test_the_register_forgets_what_is_gone(workspace: Workspace) -> None:
    first = workspace.load(workspace.source("a", "1"))
    changed = workspace.source("a", "2")
    with workspace.serving(changed) as catalog:
        second = catalog.snapshot("a").fingerprint
        catalog.sweep(set())
    assert workspace.on_disk() == [second]
    third = workspace.load(workspace.source("a", "3"))
    known = json.loads((workspace.snapshots / "sources.json").read_text())
    assert sorted(known.values()) == sorted([second, third])
    assert first not in known.values()


def test_known_sources_that_cannot_be_written_are_not_an_error(workspace: Workspace) -> None:
    workspace.ingestor.midway = lambda _source, _cancelled: (workspace.snapshots / ".sources.json").mkdir()
    source = workspace.source("a", "1")
    workspace.load(source)
    workspace.ingestor.midway = lambda _source, _cancelled: None
    workspace.load(source)
    assert workspace.ingestor.read == ["a", "a"]


def test_a_source_that_changes_while_it_is_read_is_read_again_at_the_next_start(workspace: Workspace) -> None:
    source = workspace.source("a", "1")

    def touch(source: Source, _cancelled: threading.Event) -> None:
        os.utime(source.path, ns=(1, 1))

    workspace.ingestor.midway = touch
    workspace.load(source)
    workspace.ingestor.midway = lambda _source, _cancelled: None
    workspace.load(source)
    assert workspace.ingestor.read == ["a", "a"]


def test_a_source_that_goes_after_it_was_read_is_ready(workspace: Workspace) -> None:
    workspace.ingestor.midway = lambda source, _cancelled: Path(source.path).unlink()
    workspace.load(workspace.source("a", "1"))


def test_what_a_crash_left_half_written_is_removed_at_the_start(workspace: Workspace) -> None:
    (workspace.snapshots / ".writing-abc" / "rows").mkdir(parents=True)
    (workspace.snapshots / ".writing-abc" / "rows" / "0000.parquet").touch()
    (workspace.snapshots / ".sources.json").touch()
    assert workspace.on_disk() == [".sources.json", ".writing-abc"]
    fingerprint = workspace.load(workspace.source("a", "1"))
    assert workspace.on_disk() == [fingerprint]


# ---- reloading ----


def test_a_changed_file_is_served_after_a_reload_and_the_old_one_by_its_fingerprint(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.snapshot("a").fingerprint
        workspace.source("a", "2")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 2
        assert catalog.bind(REQUEST).fingerprint == catalog.snapshot("a").fingerprint != before
        assert mean(catalog.snapshot("a", before)) == 1
    # As after any reading, the next start need not read.
    assert (
        mean(
            open_snapshot(workspace.snapshots / workspace.load(Source(name="a", path=str(workspace.folder / "a.json"))))
        )
        == 2
    )
    assert workspace.ingestor.read == ["a", "a"]


def test_an_unchanged_file_is_not_read_again(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.status("a")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        assert catalog.status("a") == before
        assert workspace.ingestor.read == ["a"]


def test_a_file_rewritten_with_the_same_content_leaves_the_snapshot_as_it_is(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        workspace.source("a", "1")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        assert catalog.snapshot("a") is before
        assert workspace.ingestor.read == ["a", "a"]


def test_until_the_new_snapshot_is_there_the_old_one_is_served_and_the_reload_can_be_seen(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        events: queue.SimpleQueue[Status] = queue.SimpleQueue()
        catalog.on_change(lambda _name, status: events.put(status))
        read_gate = ReadGate(workspace)
        workspace.source("a", "2")
        reload = catalog.reload("a")
        read_gate.wait_entered()
        reading = Ready(before, reloading=Progress(phase="reading", share=0.5, rows=None))
        assert events.get(timeout=PATIENCE_S) == catalog.status("a") == reading
        assert catalog.snapshot("a") is before
        assert catalog.is_open("a")
        assert catalog.bind(REQUEST).fingerprint == before.fingerprint
        read_gate.let_on()
        reload.result(PATIENCE_S)
        assert events.get(timeout=PATIENCE_S) == Ready(catalog.snapshot("a"))
        assert events.empty()


def test_a_failed_reload_keeps_what_is_served_and_its_reason_until_one_succeeds(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        before = catalog.snapshot("a")
        workspace.source("a")
        with pytest.raises(SourceEmpty) as refused:
            catalog.reload("a").result(PATIENCE_S)
        assert catalog.status("a") == Ready(before, reload_error=refused.value)
        assert catalog.snapshot("a") is before
        workspace.source("a", "3")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.status("a") == Ready(catalog.snapshot("a"))


def test_a_file_that_is_gone_or_a_bug_fails_a_reload_and_nothing_else(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    with workspace.serving(source) as catalog:
        Path(source.path).unlink()
        with pytest.raises(SourceUnreadable):
            catalog.reload("a").result(PATIENCE_S)
        workspace.source("a", "2")

        def stumble(_source: Source, _cancelled: threading.Event) -> None:
            raise ZeroDivisionError("a secret of the inside")

        workspace.ingestor.midway = stumble
        with pytest.raises(LoadFailed, match="ZeroDivisionError"):
            catalog.reload("a").result(PATIENCE_S)
        assert mean(catalog.snapshot("a")) == 1


def test_a_data_set_that_failed_can_be_repaired_and_its_gate_stays_open_meanwhile(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a"), workspace.source("b", "1")) as catalog:
        opened: list[str] = []
        catalog.on_open(opened.append)
        failed = catalog.status("a")
        assert isinstance(failed, Failed)
        read_gate = ReadGate(workspace)
        workspace.source("a", "2")
        reload = catalog.reload("a")
        read_gate.wait_entered()
        assert catalog.status("a") == replace(failed, reloading=Progress(phase="reading", share=0.5, rows=None))
        assert catalog.is_open("a")
        with pytest.raises(DatasetNotReady, match="has no rows"):
            catalog.snapshot("a")
        read_gate.let_on()
        assert reload.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 2
        assert opened == []


def test_who_asks_before_a_reload_begins_shares_it_and_who_asks_later_gets_another(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        read_gate = ReadGate(workspace)
        workspace.source("a", "2")
        first = catalog.reload("a")
        read_gate.wait_entered()
        # It has read the file; what is changed now is only seen by another one.
        workspace.source("a", "3")
        second, third = catalog.reload("a"), catalog.reload("a")
        assert second is third is not first
        read_gate.let_on()
        assert first.result(PATIENCE_S) is ReloadOutcome.REPLACED
        read_gate.wait_entered()
        assert isinstance(status := catalog.status("a"), Ready)
        assert status.reloading is not None
        assert mean(status.snapshot) == 2
        read_gate.let_on()
        assert second.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert mean(catalog.snapshot("a")) == 3
        assert workspace.ingestor.read == ["a", "a", "a"]


def test_a_reload_requested_before_the_first_loading_begins_is_that_loading(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"))
    reload = catalog.reload("a")
    assert reload is catalog.reload("a")
    assert isinstance(catalog.status("a"), Loading)
    catalog.start()
    assert reload.result(PATIENCE_S) is ReloadOutcome.REPLACED
    catalog.close()
    assert workspace.ingestor.read == ["a"]


def test_a_file_that_changes_during_its_first_loading_is_read_again_on_request(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"))
    read_gate = ReadGate(workspace)
    catalog.start()
    read_gate.wait_entered()
    workspace.source("a", "2")
    reload = catalog.reload("a")
    assert isinstance(catalog.status("a"), Loading)
    read_gate.let_on(2)
    assert reload.result(PATIENCE_S) is ReloadOutcome.REPLACED
    assert mean(catalog.snapshot("a")) == 2
    catalog.close()


def test_data_sets_are_reloaded_one_after_another_in_the_order_of_requests(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1"), workspace.source("b", "1")) as catalog:
        workspace.ingestor.read.clear()
        read_gate = ReadGate(workspace)
        workspace.source("a", "2")
        workspace.source("b", "2")
        reloads = [catalog.reload("b"), catalog.reload("a")]
        read_gate.wait_entered()
        assert isinstance(status := catalog.status("a"), Ready)
        assert status.reloading == Progress(phase="waiting", share=0.0, rows=None)
        read_gate.let_on(2)
        assert [one.result(PATIENCE_S) for one in reloads] == [ReloadOutcome.REPLACED] * 2
        assert workspace.ingestor.read == ["b", "a"]


def test_closing_ends_a_reload_and_those_who_wait_get_the_reason(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        entered = threading.Event()

        def until_cancelled(_source: Source, cancelled: threading.Event) -> None:
            entered.set()
            assert cancelled.wait(PATIENCE_S)

        workspace.ingestor.midway = until_cancelled
        before = catalog.snapshot("a")
        workspace.source("a", "2")
        running = catalog.reload("a")
        assert entered.wait(PATIENCE_S)
        waiting = catalog.reload("a")
        catalog.close()
        for reload in (running, waiting, catalog.reload("a")):
            with pytest.raises(LoadCancelled):
                reload.result(PATIENCE_S)
        assert catalog.snapshot("a") is before


def test_only_what_is_served_can_be_reloaded(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog, pytest.raises(DatasetUnknown, match="gone"):
        catalog.reload("gone")


def test_nobody_can_cancel_a_reload_that_others_wait_for(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        reload = catalog.reload("a")
        assert not reload.cancel()
        assert reload.result(PATIENCE_S) is ReloadOutcome.UNCHANGED


def test_the_memory_of_a_replaced_snapshot_is_freed_when_nothing_holds_it(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        old = ref(catalog.snapshot("a").cube)
        for value in ("2", "3"):
            workspace.source("a", value)
            catalog.reload("a").result(PATIENCE_S)
        gc.collect()
        assert old() is None


def test_a_file_restored_as_it_was_is_recognized_or_read_if_its_snapshot_was_swept(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    path = Path(source.path)
    with workspace.serving(source) as catalog:
        for swept in (False, True):
            aside = path.rename(path.with_suffix(f".aside{swept}"))
            workspace.source("a", "2")
            assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
            if swept:
                workspace.now_s += 4000
                catalog.sweep(set())
            path.unlink()
            aside.rename(path)
            workspace.ingestor.read.clear()
            assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
            assert workspace.ingestor.read == (["a"] if swept else [])
            assert mean(catalog.snapshot("a")) == 1


def test_a_replaced_snapshot_stays_for_an_hour(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        first = catalog.snapshot("a").fingerprint
        workspace.source("a", "2")
        catalog.reload("a").result(PATIENCE_S)
        workspace.now_s += 3599
        workspace.source("a", "3")
        catalog.reload("a").result(PATIENCE_S)
        catalog.sweep(set())
        assert len(workspace.on_disk()) == 3
        workspace.now_s += 2
        catalog.sweep(set())
        assert len(workspace.on_disk()) == 2
        assert first not in workspace.on_disk()


def test_a_replaced_edition_of_the_same_content_stays_for_an_hour_too(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    with workspace.serving(source) as catalog:
        row_files = catalog.snapshot("a").row_files
        assert row_files is not None
        folder = row_files.folder
        catalog.snapshot("a")
        workspace.ingestor.title = "Another title"
        workspace.source("a", "1")
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.snapshot("a").about.title == "Another title"
        catalog.sweep(set())
        assert folder.is_dir()
        workspace.now_s += 4000
        catalog.sweep({catalog.snapshot("a").fingerprint})
        assert not folder.is_dir()


def test_nothing_is_swept_while_a_data_set_is_read_again(workspace: Workspace) -> None:
    older = workspace.load(workspace.source("a", "1"))
    with workspace.serving(workspace.source("a", "2")) as catalog:
        read_gate = ReadGate(workspace)
        workspace.source("a", "3")
        reload = catalog.reload("a")
        read_gate.wait_entered()
        catalog.sweep(set())
        assert older in workspace.on_disk()
        read_gate.let_on()
        reload.result(PATIENCE_S)
        catalog.sweep(set())
        assert older not in workspace.on_disk()


# ---- older snapshots ----


def test_the_current_snapshot_is_returned_without_touching_the_disk(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1"), workspace.source("b", "2")) as catalog:
        a, b = catalog.snapshot("a"), catalog.snapshot("b")
        (workspace.snapshots / a.fingerprint).rename(workspace.folder / "away")
        assert catalog.snapshot("a", a.fingerprint) is a
        assert catalog.snapshot("b", a.fingerprint) is a
        assert catalog.snapshot("gone", a.fingerprint) is a
        assert catalog.snapshot("b") is b


def test_an_older_snapshot_is_opened_once_however_many_ask_for_it(workspace: Workspace) -> None:
    before = workspace.load(workspace.source("a", "1"))
    with workspace.serving(workspace.source("a", "2")) as catalog:
        together = threading.Barrier(8)

        def ask(_: int) -> Snapshot:
            together.wait(PATIENCE_S)
            return catalog.snapshot("a", before)

        with ThreadPoolExecutor(8) as pool:
            snapshots = list(pool.map(ask, range(8)))
        assert len({id(snapshot) for snapshot in snapshots}) == 1


def test_the_few_older_snapshots_used_last_stay_open(workspace: Workspace) -> None:
    older = [workspace.load(workspace.source("a", str(value))) for value in range(5)]
    with workspace.serving(workspace.source("a", "7")) as catalog:
        opened = [catalog.snapshot("a", fingerprint) for fingerprint in older[:4]]
        assert catalog.snapshot("a", older[0]) is opened[0]
        catalog.snapshot("a", older[4])
        assert catalog.snapshot("a", older[0]) is opened[0]
        assert catalog.snapshot("a", older[1]) is not opened[1]


@pytest.mark.parametrize("fingerprint", ["0" * 64, "", "../x", "*", "sources.json"])
def test_a_snapshot_that_does_not_exist_is_reported(workspace: Workspace, fingerprint: str) -> None:
    with workspace.serving(workspace.source("empty")) as catalog:
        for _ in range(2):
            with pytest.raises(SnapshotDamaged, match="no longer"):
                catalog.snapshot("empty", fingerprint)


def test_before_the_start_there_are_no_snapshots(workspace: Workspace) -> None:
    with pytest.raises(SnapshotDamaged, match="no longer"):
        workspace.catalog(workspace.source("a", "1")).snapshot("a", "0" * 64)


def test_a_repaired_snapshot_opens_again(workspace: Workspace) -> None:
    before = workspace.load(workspace.source("a", "1"))
    with workspace.serving(workspace.source("a", "2")) as catalog:
        cube = workspace.snapshots / before / "cells.bin"
        content = cube.read_bytes()
        cube.write_bytes(b"")
        with pytest.raises(SnapshotDamaged, match=r"cells\.bin has 0 bytes instead of"):
            catalog.snapshot("a", before)
        cube.write_bytes(content)
        assert catalog.snapshot("a", before).fingerprint == before


# ---- the same content twice ----


def test_two_data_sets_of_one_file_share_their_snapshot(workspace: Workspace) -> None:
    one, other = workspace.source("a", "1"), Source(name="b", path=str(workspace.folder / "a.json"))
    with workspace.serving(one, other) as catalog:
        assert catalog.snapshot("a") is catalog.snapshot("b")
        assert workspace.ingestor.read == ["a"]


def test_two_files_with_the_same_content_keep_their_own_descriptions(workspace: Workspace) -> None:
    one, other = workspace.source("a", "1"), workspace.source("b", "1")
    for _ in ("read", "opened at the next start"):
        with workspace.serving(one, other) as catalog:
            assert [catalog.snapshot(name).about.title for name in "ab"] == ["a", "b"]
            fingerprint = catalog.snapshot("a").fingerprint
            assert catalog.snapshot("b").fingerprint == fingerprint
            assert catalog.snapshot("b", fingerprint).about.title == "b"
            catalog.sweep(set())
            assert len(workspace.on_disk()) == 2
    assert workspace.ingestor.read == ["a", "b"]
    with workspace.serving(other) as catalog:
        # Only b is served: its own layout of the content stays, and answers requests that name the content.
        catalog.sweep({fingerprint})
        [folder] = workspace.on_disk()
        assert open_snapshot(workspace.snapshots / folder).about.title == "b"


def test_an_older_content_is_opened_in_any_layout_that_is_sound(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1"), workspace.source("b", "1")) as catalog:
        fingerprint = catalog.snapshot("a").fingerprint
    (workspace.snapshots / fingerprint / "cells.bin").unlink()
    with workspace.serving(workspace.source("c", "2")) as catalog:
        assert catalog.snapshot("a", fingerprint).about.title == "b"


# ---- sweeping ----


def test_sweeping_removes_what_is_neither_current_nor_kept_nor_open(workspace: Workspace) -> None:
    older = [workspace.load(workspace.source("a", str(value))) for value in range(3)]
    with workspace.serving(workspace.source("a", "7")) as catalog:
        current = catalog.snapshot("a").fingerprint
        catalog.snapshot("a", older[1])
        (workspace.snapshots / "notes.txt").touch()
        catalog.sweep({older[2], "0" * 64})
        assert workspace.on_disk() == sorted([older[1], older[2], current, "notes.txt"])
        assert catalog.snapshot("a", older[1]).fingerprint == older[1]
        with pytest.raises(SnapshotDamaged, match="no longer"):
            catalog.snapshot("a", older[0])


def test_nothing_is_swept_while_a_data_set_is_loading(workspace: Workspace) -> None:
    older = workspace.load(workspace.source("a", "1"))
    catalog = workspace.catalog(workspace.source("a", "2"))
    with held_midway(workspace, catalog):
        catalog.sweep(set())
        assert older in workspace.on_disk()


def test_sweeping_twice_and_concurrently_is_harmless(workspace: Workspace) -> None:
    for value in range(5):
        workspace.load(workspace.source("a", str(value)))
    with workspace.serving(workspace.source("a", "7")) as catalog:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: catalog.sweep(set()), range(8)))
        assert workspace.on_disk() == [catalog.snapshot("a").fingerprint]


def test_the_current_snapshot_stays_however_its_path_is_spelled(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = workspace.source("a", "1")
    monkeypatch.chdir(workspace.folder)
    workspace.snapshots = Path("state") / "x" / ".." / "snapshots"
    (workspace.folder / "state" / "x").mkdir(parents=True)
    read = workspace.ingestor.ingest

    def ingest_elsewhere(source: Source, into: Path, **more: Any) -> Path:
        return read(source, into.resolve(), **more)

    monkeypatch.setattr(workspace.ingestor, "ingest", ingest_elsewhere)
    with workspace.serving(source) as catalog:
        catalog.sweep(set())
        assert workspace.on_disk() == [catalog.snapshot("a").fingerprint]


def test_a_disk_on_which_nothing_can_be_swept_is_not_an_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = workspace.load(workspace.source("a", "1"))

    def full(_folder: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with workspace.serving(workspace.source("a", "2")) as catalog:
        monkeypatch.setattr("meantime.dataset.older_snapshots.set_aside", full)
        catalog.sweep(set())
        assert older in workspace.on_disk()


# ---- closing ----


def test_closing_cancels_the_load_leaves_nothing_behind_and_opens_no_gate(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1"), workspace.source("b", "1"))
    events: list[object] = []
    catalog.on_open(events.append)
    entered = threading.Event()

    def wait_for_the_word_to_stop(_source: Source, cancelled: threading.Event) -> None:
        entered.set()
        assert cancelled.wait(PATIENCE_S)

    workspace.ingestor.midway = wait_for_the_word_to_stop
    catalog.start()
    assert entered.wait(PATIENCE_S)
    catalog.close()
    assert workspace.ingestor.read == ["a"]
    assert events == []
    assert isinstance(catalog.status("a"), Loading)
    assert not catalog.is_open("a")
    assert workspace.on_disk() == []


def test_a_catalog_may_be_closed_unstarted_twice_and_by_its_own_callback(workspace: Workspace) -> None:
    source = workspace.source("a", "1")
    workspace.catalog(source).close()
    with workspace.serving(source) as catalog:
        catalog.close()
        catalog.close()
    by_callback = workspace.catalog(source)
    closed = threading.Event()

    def close(_name: str) -> None:
        by_callback.close()
        closed.set()

    by_callback.on_open(close)
    by_callback.start()
    assert closed.wait(PATIENCE_S)
    by_callback.close()


def test_a_status_can_be_compared_and_shown(workspace: Workspace) -> None:
    with workspace.serving(workspace.source("a", "1")) as catalog:
        statuses: set[Any] = {catalog.status("a"), catalog.status("a")}
        assert len(statuses) == 1
    assert fingerprint_of(workspace.on_disk()[0]) is not None
