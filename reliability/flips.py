"""Bit flips in every file of the state: an answer is right or refused, never another number or another record.

Each file is opened in this process, as the server does at its start or before it reads, so that thousands of flips are
cheap; ``flips_served`` has real servers.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import structlog

from meantime import assembly
from meantime.access.keys import Key, KeyFile, Role
from meantime.dataset.known_sources import KnownSources
from meantime.dataset.samples import synthetic
from meantime.dataset.snapshot import fingerprint
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.engine.ports import JobFilter, LastSeen, Transition
from meantime.errors import MeantimeError
from meantime.model import JobRecord, Receipt, Unwatched
from meantime.settings import read_settings
from meantime.statistics.check import check
from meantime.stores.last_seen import LastSeenFile
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from meantime.stores.state_files import LastNumber
from meantime.web.explorer import drawing
from reliability.outcome import Outcome
from reliability.scene import ASKS, Ask, Front, closing, write_table
from tests.support.waiting import PATIENCE_S

# What a look at a damaged file came to, besides a violation, which is a sentence.
RIGHT, REFUSED = "right", "refused"
_MEDIANS = {"question": ASKS[0].question, "by": ["location"]}
# Jobs of a state, more than fit on one page of the database.
_JOBS = 40


class Kind(NamedTuple):
    """A kind of file: one of them, and how it is looked at; that returns RIGHT, REFUSED or what is wrong."""

    path: Path
    look: Callable[[], str]


class State(NamedTuple):
    """A state directory of a server that has ended, and the answers it gave."""

    table: Path
    folder: Path
    jobs: Mapping[str, Ask]


def made_state(front: Front, folder: Path) -> State:
    """Let a server fill a state directory."""
    table, state = _table_with_medians(folder / "table.csv"), folder / "state"
    jobs: dict[str, Ask] = {}
    with closing(front.start(table, state)) as server:
        server.ready()
        for ask in (ASKS * 2)[:_JOBS]:
            jobs[server.ask(ask.statistic, **ask.parameters)] = ask
        for job_id in jobs:
            server.result(job_id)
        body = {"statistic": "summary", "parameters": _MEDIANS}
        server.client.post("/v1/jobs", json=body, headers={"Idempotency-Key": "medians"}).raise_for_status()
        server.result(f"job_id_{len(jobs) + 1}")
        assert server.end() == 0
    return State(table, state, jobs)


def _table_with_medians(path: Path) -> Path:
    """Write a table with four rows for each of its cells: a cell of up to three tells all its values without them."""
    parts = [write_table(path, seed=seed).read_text(encoding="utf-8").partition("\n") for seed in range(1, 5)]
    path.write_text("".join([parts[0][0], "\n", *(rows for _, _, rows in parts)]), encoding="utf-8")
    return path


def flips(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Flip a bit ``number`` times in each kind of file, looking at the file each time."""
    return flips_of(made_state(front, folder), folder, number=number, seed=seed)


def flips_of(state: State, folder: Path, *, number: int, seed: int, only: str = "") -> Outcome:
    """Flip bits of a state that was made, in each kind of file or in ``only`` this one."""
    violations: list[str] = []
    told = []
    with _quiet():
        for name, make in _KINDS.items():
            if only in ("", name):
                chance = random.Random(f"{seed} {name}")  # noqa: S311 - the same flips each time
                (folder / name).mkdir()
                counts = _flip(name, make(state, folder / name), number, chance, violations)
                told.append(f"{name} ({counts[REFUSED]:,} refused)")
    return Outcome("bit flips, files opened one by one", f"{number:,} in each of: {', '.join(told)}", violations)


def _flip(name: str, kind: Kind, number: int, chance: random.Random, violations: list[str]) -> Counter[str]:
    sound = kind.path.read_bytes()
    # Of a database much is empty; nothing is there to be damaged.
    used = [at for at, byte in enumerate(sound) if byte]
    assert kind.look() == RIGHT, f"{name} is not read as it is"
    counts: Counter[str] = Counter()
    for _ in range(number):
        at, bit = chance.choice(used), chance.randrange(8)
        damaged = bytearray(sound)
        damaged[at] ^= 1 << bit
        kind.path.write_bytes(damaged)
        try:
            found = kind.look()
        except MeantimeError as error:
            found = REFUSED if _is_clear(error.reason) else f"an unclear error: {error.reason}"
        except Exception as error:  # noqa: BLE001 - a bug, which is what is looked for
            found = f"{type(error).__name__}: {error}"
        counts[found] += 1
        if found not in (RIGHT, REFUSED):
            violations.append(f"{name}, byte {at}, bit {bit}: {found[:300]}")
    kind.path.write_bytes(sound)
    return counts


def _is_clear(reason: str) -> bool:
    return bool(reason) and "Traceback" not in reason and "Error(" not in reason


def _database(state: State, work: Path) -> Kind:
    path = work / "jobs.sqlite3"
    sound = (state.folder / path.name).read_bytes()
    path.write_bytes(sound)
    truth = {record.number: record for record in _opened(path).walk_and_close()}

    def look() -> str:
        damaged = path.read_bytes()
        for file in work.iterdir():
            file.unlink()
        path.write_bytes(damaged)
        shutil.copy(state.folder / "last-number", work)
        return _opened(path).compare_and_close(truth)

    return Kind(path, look)


class _Opened:
    def __init__(self, store: SqliteJobStore) -> None:
        self.store = store

    def walk_and_close(self) -> list[JobRecord]:
        records = list(self.store.jobs())
        self.store.close()
        return records

    def compare_and_close(self, truth: Mapping[int, JobRecord], before: Mapping[int, JobRecord] | None = None) -> str:
        try:
            return self._compare(truth, before or {})
        finally:
            self.store.close()

    def _compare(self, truth: Mapping[int, JobRecord], before: Mapping[int, JobRecord]) -> str:
        found = {record.number: record for record in self.store.jobs()}
        listed = {record.number: record for record in self.store.find(JobFilter(), before=None, limit=1000)}
        single = {number: record for number in truth if (record := self.store.get(number)) is not None}
        # Each job is there, under its number: as it was, or as one whose record is damaged.
        if missing := truth.keys() - (found.keys() & listed.keys() & single.keys()):
            return f"the jobs {sorted(missing)[:5]} are gone"
        for where, records in (("walked", found), ("listed", listed), ("single", single)):
            for number, record in records.items():
                if record not in (truth.get(number), before.get(number), JobRecord.damaged(number)):
                    return f"{where}: job {number} is another one: {record}"
        again = self.store.accepted_under("medians")
        if any(record != truth[record.number] for record in again):
            return "another job is found under a key"
        request = truth[1].request
        [new] = self.store.add([request], at_s=1.0).result(PATIENCE_S)
        if new.number in truth:
            return f"the number {new.number} was given again"
        return RIGHT if found == dict(truth) else REFUSED


def _log(state: State, work: Path) -> Kind:
    """The write-ahead log that a server leaves which is killed: what it has committed since its last checkpoint."""
    made = work / "made"
    made.mkdir()
    for name in ("jobs.sqlite3", "last-number"):
        shutil.copy(state.folder / name, made)
    store = _opened(made / "jobs.sqlite3").store
    request = next(iter(store.jobs())).request
    before: dict[int, JobRecord] = {}
    for _ in range(8):
        jobs = store.add([request] * 4, at_s=1.0).result(PATIENCE_S)
        before |= {job.number: job for job in jobs}
        store.update([Transition(job, job.start(at_s=2.0)) for job in jobs]).result(PATIENCE_S)
    truth = {record.number: record for record in store.jobs()}
    sound = {file.name: file.read_bytes() for file in made.iterdir()}
    store.close()
    path = work / "jobs.sqlite3-wal"
    path.write_bytes(sound.pop(path.name))

    def look() -> str:
        for name, content in sound.items():
            (work / name).write_bytes(content)
        # The last commit alone may be missing, as after a power cut: a job that it started is started again.
        return _opened(work / "jobs.sqlite3").compare_and_close(truth, before)

    return Kind(path, look)


def _opened(path: Path) -> _Opened:
    return _Opened(SqliteJobStore(path, on_broken=lambda _error: None))


def _results(state: State, _work: Path) -> Kind:
    files = ResultFiles(state.folder / "results")
    receipts = {record.number: record.receipt for record in _records(state)}
    number = len(state.jobs)
    receipt = receipts[number]
    assert isinstance(receipt, Receipt)
    truth = files.open(number, receipt)

    def look() -> str:
        body = files.open(number, receipt)
        # It is computed again.
        return RIGHT if body == truth else REFUSED if body is None else f"another result: {body[:200]!r}"

    return Kind(state.folder / "results" / f"job_id_{number}", look)


def _records(state: State) -> Iterator[JobRecord]:
    yield from _opened(state.folder / "jobs.sqlite3").walk_and_close()


def _part_of_snapshot(name: str, state: State, _work: Path) -> Kind:
    folder = _snapshot(state)
    truth = open_snapshot(folder)

    def look() -> str:
        found = open_snapshot(folder)
        is_same = found.about == truth.about and fingerprint(found.cube, found.about) == truth.fingerprint
        return RIGHT if is_same and found.cube.labels == truth.cube.labels else "another snapshot was opened"

    return Kind(folder / name, look)


def _snapshot(state: State) -> Path:
    [folder] = [path for path in (state.folder / "snapshots").iterdir() if len(path.name) == 64]
    return folder


def _rows(state: State, _work: Path) -> Kind:
    def medians() -> Any:
        # Opened anew: what was once read from the rows is remembered.
        return list(check("summary", _MEDIANS, open_snapshot(_snapshot(state))).compute(Unwatched()).rows())

    truth = medians()

    def look() -> str:
        found = medians()
        return RIGHT if found == truth else f"other medians: {found} for {truth}"[:300]

    return Kind(_snapshot(state) / "rows" / "0000.parquet", look)


def _known_source(state: State, _work: Path) -> Kind:
    path = state.folder / "snapshots" / "sources.json"
    [(identity, name)] = json.loads(path.read_bytes()).items()

    def look() -> str:
        found = KnownSources(path.parent).folder_of(identity)
        # It is read again.
        return REFUSED if found is None else RIGHT if found.name == name else f"another snapshot: {found}"

    return Kind(path, look)


def _sample(suffix: str, _state: State, folder: Path) -> Kind:
    settings = read_settings(environment={"MEANTIME_STATE_DIR": str(folder)})
    path = Path(assembly.built_in_sample(settings).path)
    truth = path.read_bytes()

    def look() -> str:
        # Making it takes a second, and is always the same.
        with mock.patch.object(synthetic, "write_sample", lambda out, **_kinds: out.write(truth)):
            assembly.built_in_sample(settings)
        return RIGHT if path.read_bytes() == truth else "the damaged sample is served"

    return Kind(path.with_suffix(suffix), look)


def _last_seen(_state: State, folder: Path) -> Kind:
    path, truth = folder / "last-seen", LastSeen(at_s=1_750_000_000.5, held_s=3_600.25)
    LastSeenFile(path).write(truth)

    def look() -> str:
        found = LastSeenFile(path).read()
        return RIGHT if found == truth else REFUSED if found is None else f"another time: {found}"

    return Kind(path, look)


def _last_number(_state: State, folder: Path) -> Kind:
    path, truth = folder / "last-number", 48_151
    file = LastNumber(path)
    file.write(truth)
    file.close()

    def look() -> str:
        found = LastNumber(path).read()
        # Without it, the number that the database knows counts.
        return RIGHT if found == truth else REFUSED if found == 0 else f"another number: {found}"

    return Kind(path, look)


def _chart_library(_state: State, folder: Path) -> Kind:
    home = folder / "explorer"
    truth = drawing.Drawing(home).gzip_bytes()
    [path] = home.iterdir()

    def look() -> str:
        def make(_self: drawing.Drawing) -> bytes:
            return truth

        with mock.patch.object(drawing.Drawing, "_make", make):  # takes a second, and is always the same
            found = drawing.Drawing(home).gzip_bytes()
        # The header has a time and a system, which change nothing of what is unpacked.
        return RIGHT if gzip.decompress(found) == plain else "another library"

    plain = gzip.decompress(truth)
    return Kind(path, look)


def _keys(_state: State, folder: Path) -> Kind:
    file = KeyFile(folder)
    for role in Role:
        file.create(role, name=f"a key to {role}", at_s=1_750_000_000.0)
    truth = {key.id: key for key in file.read()}

    def look() -> str:
        found = file.read()
        for key in found:
            known = truth.get(key.id)
            # A key whose hash has changed opens nothing; one with another role would open more.
            if known is not None and key.digest == known.digest and key.role is not known.role:
                return f"a key of {known.role} has the role {key.role}"
        return RIGHT if _what_opens(found) == _what_opens(truth.values()) else REFUSED

    return Kind(file.path, look)


def _what_opens(keys: Any) -> set[tuple[str, str, Role]]:
    return {(key.id, key.digest, key.role) for key in keys if isinstance(key, Key)}


_KINDS: dict[str, Callable[[State, Path], Kind]] = {
    "jobs.sqlite3": _database,
    "jobs.sqlite3-wal": _log,
    "results": _results,
    "manifest.json": partial(_part_of_snapshot, "manifest.json"),
    "cells.bin": partial(_part_of_snapshot, "cells.bin"),
    "rows": _rows,
    "sources.json": _known_source,
    "sample": partial(_sample, ".csv"),
    "digest of the sample": partial(_sample, ".sha256"),
    "last-seen": _last_seen,
    "last-number": _last_number,
    "chart library": _chart_library,
    "keys.json": _keys,
}


@contextmanager
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent
