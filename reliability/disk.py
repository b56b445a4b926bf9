"""Disks that are full, at every write: work pauses, goes on when there is space, and loses nothing.

``disk_full`` fills the disk under servers, ``quota_full`` a quota. ``full_at_every_write`` opens the parts of the store
in this process on a disk with ever more free pages, so that each write of each of them is once the first for which
there is no space. These mount small disks, as only root may. ``errors_at_every_call`` needs none: system calls of the
store of results fail with each error of the system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from meantime.dataset.known_sources import KnownSources
from meantime.dataset.snapshot import fingerprint
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.dataset.snapshot_writer import write_snapshot
from meantime.descriptors import PASSING
from meantime.engine.ports import EncodedResult, LastSeen
from meantime.errors import LoadFailed, MeantimeError, StoreBroken, StorePaused
from meantime.stores.last_seen import LastSeenFile
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from reliability import invariants
from reliability.clients import Connection, Ledger, submit
from reliability.outcome import Outcome
from reliability.scene import ASKS, Front, closing, kill, write_table
from reliability.small_disks import DISK_MB, MakeDisk, SmallDisk, disk_with_quota, small_disk
from tests.support import factories
from tests.support.engine_fakes import request
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S, poll

_JOBS = 8
_NOT_MOUNTED = "not tried: no small disk can be mounted here (it takes root, and for a quota btrfs-progs)"


def disk_full(
    front: Front, folder: Path, *, number: int, seed: int, make_disk: MakeDisk = small_disk, what: str = "a full disk"
) -> Outcome:
    """Fill the disk of one server after another ``number`` times; some are killed, and started, while it is full."""
    chance = random.Random(seed)  # noqa: S311 - the same rounds each time
    table, ledger = write_table(folder / "table.csv"), Ledger()
    counts: Counter[str] = Counter()
    with make_disk(folder / "disk") as disk:
        if disk is None:
            return Outcome(f"{what}, {front.name}", _NOT_MOUNTED, ())
        state = disk.path / "state"
        for index in range(number):
            disk.empty()
            # Without space neither commits nor results are written; without files for more, only the results are not.
            fill = disk.use_up_files if index % 3 == 2 else partial(disk.fill, but_pages=chance.choice((0, 0, 1, 2, 5)))
            with (
                closing(front.start(table, state)) as server,
                _noting(ledger, server),
                contextlib.closing(Connection(server.ready().url)) as connection,
            ):
                _fill_and_empty(server, connection, disk, fill, ledger, table, chance, counts)
            if chance.random() < 0.3:
                _start_on_full(front, table, disk, ledger, counts)
            if ledger.violations:
                break
        disk.empty()
        with closing(front.start(table, state)) as server, _noting(ledger, server):
            invariants.every_job_ends_right(server.ready().url, ledger, table)
            invariants.ends_well(server, ledger)
        invariants.nothing_is_left(state, ledger)
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    tried = f"{number:,} rounds with {DISK_MB} MB ({told}); {len(ledger.acknowledged):,} acknowledged jobs"
    return Outcome(f"{what}, {front.name}", tried, ledger.violations)


def quota_full(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Do the same with a quota of a file system that has space."""
    return disk_full(
        front, folder, number=number, seed=seed, make_disk=disk_with_quota, what="an exceeded quota (Btrfs)"
    )


@contextlib.contextmanager
def _noting(ledger: Ledger, server: RunningServer) -> Iterator[None]:
    """Note it where a server ends, or does not get ready, in this block."""
    try:
        yield
    except (AssertionError, OSError) as error:
        ledger.violated(f"{error!r}: {''.join(server.output[-3:])}"[:500])


def _fill_and_empty(
    server: RunningServer,
    connection: Connection,
    disk: SmallDisk,
    fill: Callable[[], None],
    ledger: Ledger,
    table: Path,
    chance: random.Random,
    counts: Counter[str],
) -> None:
    before = [job_id for _ in range(_JOBS) if (job_id := _submit(connection, ledger, chance, counts))]
    # Sometimes jobs are still running when there is no space any more, and sometimes a few writes still fit.
    if chance.random() < 0.5:
        invariants.every_job_ends_right(server.url, ledger, table, only=before)
    fill()
    for _ in range(_JOBS):
        _submit(connection, ledger, chance, counts)
    for job_id in before:
        status, _ = connection.ask("GET", f"/api/get_results/{job_id}")
        if status not in (200, 503):
            ledger.violated(f"reading {job_id} on a full disk was answered {status}")
    if server.process.poll() is not None:
        ledger.violated("a full disk ended the server")
    if chance.random() < 0.3:
        counts["killed while full"] += 1
        kill(server)
        return
    disk.empty()
    poll(lambda: _submit(connection, ledger, chance, counts), lambda job_id: job_id is not None)
    invariants.every_job_ends_right(server.url, ledger, table)
    invariants.ends_well(server, ledger)


def _submit(connection: Connection, ledger: Ledger, chance: random.Random, counts: Counter[str]) -> str | None:
    status, job_id = submit(connection, ledger, chance.choice(ASKS))
    counts[f"answers {status}"] += 1
    return job_id


def _start_on_full(front: Front, table: Path, disk: SmallDisk, ledger: Ledger, counts: Counter[str]) -> None:
    """A server that is started on a full disk works, or says what is the matter."""
    disk.fill()
    try:
        server = front.start(table, disk.path / "state")
    except AssertionError as error:
        counts["starts refused while full"] += 1
        if "Traceback" in str(error):
            ledger.violated(f"no start on a full disk: {error}"[:800])
        return
    counts["starts while full"] += 1
    with closing(server), _noting(ledger, server):
        disk.empty()
        invariants.every_job_ends_right(server.ready().url, ledger, table)
        if code := server.end():
            ledger.violated(f"a server started on a full disk ended with {code}: {''.join(server.output[-5:])}")


def full_at_every_write(_front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Let each part write with 0, 1, 2 ... free pages, in all ``number`` times, and again when there is space."""
    chance = random.Random(seed)  # noqa: S311 - the same sizes each time
    violations: list[str] = []
    counts: Counter[str] = Counter()
    with small_disk(folder / "disk") as disk:
        if disk is None:
            return Outcome("a full disk at every write", _NOT_MOUNTED, ())
        parts = (_jobs_part, _results_part, _snapshot_part, _notes_part)
        for index in range(number):
            part, pages = parts[index % len(parts)], index // len(parts) % 40
            home = disk.path / f"{index}"
            home.mkdir()
            try:
                counts[part(home, partial(disk.fill, but_pages=pages), disk.empty, chance)] += 1
            except Exception as error:  # noqa: BLE001 - a bug, which is what is looked for
                violations.append(f"{part.__name__} with {pages} free pages: {error!r}"[:500])
            disk.empty()
            shutil.rmtree(home)
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    return Outcome("a full disk at every write of store, results and snapshots", f"{number:,} ({told})", violations)


Act = Callable[[], Any]


def _jobs_part(home: Path, full: Act, freed: Act, chance: random.Random) -> str:
    def broken(error: StoreBroken) -> None:
        raise AssertionError(f"a full disk is final: {error}")

    path = home / "jobs.sqlite3"
    store = SqliteJobStore(path, on_broken=broken)
    kept = list(store.add([request(n=n) for n in range(3)], at_s=1.0).result(PATIENCE_S))
    size = chance.choice((1, 20, 200))
    full()
    try:
        kept += store.add([request(text="x" * 200) for _ in range(size)], at_s=2.0).result(PATIENCE_S)
        told = "written"
    except StorePaused:
        told = "paused"
    assert all(store.get(record.number) == record for record in kept)
    if chance.random() < 0.5:
        freed()
        kept += store.add([request(n=9)], at_s=3.0).result(PATIENCE_S)
    store.close()
    freed()
    again = SqliteJobStore(path, on_broken=broken)
    found = list(again.jobs())
    again.close()
    assert found == kept, f"{len(kept)} were acknowledged, and {len(found)} are there"
    return told


def _results_part(home: Path, full: Act, freed: Act, chance: random.Random) -> str:
    files = ResultFiles(home / "results")
    result = EncodedResult(chance.randbytes(chance.choice((10, 5_000, 100_000))), 1)
    old = files.put(1, EncodedResult(b"old", 1))
    full()
    try:
        receipt = files.put(2, result)
        told = "written"
    except StorePaused:
        told = "paused"
        assert [path.name for path in (home / "results").iterdir()] == ["job_id_1"]
    assert files.open(1, old) == b"old"
    freed()
    receipt = files.put(2, result)
    assert files.open(2, receipt) == result.body
    return told


def _snapshot_part(home: Path, full: Act, freed: Act, chance: random.Random) -> str:
    rows = home / "rows.parquet"
    content = chance.randbytes(20_000)
    made = factories.snapshot([factories.row(value=str(n)) for n in range(chance.choice((1, 300)))])

    def write() -> Path:
        rows.write_bytes(content)
        return write_snapshot(made.cube, made.about, [rows], home / "snapshots")

    rows.write_bytes(content)
    full()
    try:
        folder = write_snapshot(made.cube, made.about, [rows], home / "snapshots")
        told = "written"
    except LoadFailed:
        told = "paused"
        assert not list(home.glob("snapshots/*")), "half a snapshot is left"
        freed()
        folder = write()
    freed()
    assert open_snapshot(folder).fingerprint == fingerprint(made.cube, made.about)
    return told


def _notes_part(home: Path, full: Act, freed: Act, _chance: random.Random) -> str:
    """What may be lost, but is never wrong."""
    sources, snapshot = KnownSources(home), home / ("0" * 64)
    snapshot.mkdir()
    sources.remember("a", snapshot)
    seen = [LastSeen(at_s=n * 1e9, held_s=0.0) for n in (1, 2)]
    LastSeenFile(home / "last-seen").write(seen[0])
    full()
    sources.remember("b" * 5_000, snapshot)
    LastSeenFile(home / "last-seen").write(seen[1])
    LastSeenFile(home / "another").write(seen[1])
    assert KnownSources(home).folder_of("a") == snapshot
    assert LastSeenFile(home / "last-seen").read() in seen
    assert LastSeenFile(home / "another").read() in (None, seen[1])
    freed()
    return "notes"


# Of the store of results, which is not SQLite's: strace gives those of SQLite their errors (syscalls.py).
_CALLS = ("open", "write", "close", "rename")
_ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EROFS", "EINTR", "EAGAIN", "ENOBUFS")


def errors_at_every_call(_front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Let system calls of the store of results fail, each with each error, in all ``number`` times."""
    chance = random.Random(seed)  # noqa: S311 - the same results each time
    files = ResultFiles(folder / "results")
    violations: list[str] = []
    counts: Counter[str] = Counter()
    cases = [(call, name) for call in _CALLS for name in _ERRORS]
    for index in range(number):
        call, name = cases[index % len(cases)]
        code = getattr(errno, name)
        result = EncodedResult(chance.randbytes(chance.choice((0, 1, 5_000))), 1)
        receipt = result.receipt()
        with mock.patch.object(os, call, _failing(getattr(os, call), OSError(code, os.strerror(code)))):
            try:
                files.put(index, result)
                outcome = "written"
            except (StorePaused, StoreBroken) as error:
                outcome = type(error).__name__
                if isinstance(error, StorePaused) != (code in PASSING) or str(folder) in error.reason:
                    violations.append(f"{call} {name}: {error!r}")
            except (OSError, MeantimeError) as error:
                outcome = "other"
                violations.append(f"{call} {name}: {error!r}")
        counts[outcome] += 1
        found = files.open(index, receipt)
        if found != (result.body if outcome == "written" else None) and not (found == result.body and call == "close"):
            violations.append(f"{call} {name}: {outcome}, and {len(found or b'')} bytes are there")
        if list((folder / "results").glob(".*")):
            violations.append(f"{call} {name}: a temporary file is left")
        if files.open(index, files.put(index, result)) != result.body:
            violations.append(f"{call} {name}: the next attempt is wrong as well")
        files.remove(index)
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    return Outcome("an error at each system call of the store of results", f"{number:,} ({told})", violations)


def _failing(call: Callable[..., Any], error: OSError) -> Callable[..., Any]:
    """Return a call that fails once; one that closes a file has closed it."""
    pending = [error]

    def fail(*arguments: Any, **more: Any) -> Any:
        if pending:
            if call.__name__ == "close":
                call(*arguments)
            raise pending.pop()
        return call(*arguments, **more)

    return fail
