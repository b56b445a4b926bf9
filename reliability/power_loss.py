"""Power loss, by replay: what was written and not synced is lost, cut off, torn, or arrives in another order.

A server is traced (by strace) while clients submit jobs. Its writes to the files of the job store become states that a
disk may be in after a power cut at any moment; each is opened by the job store, which must have every job that was
acknowledged before that moment. As a control, the same is done as if syncs did nothing: then jobs must be missing.
"""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from meantime.stores.sqlite import SqliteJobStore
from reliability.clients import Client, Ledger
from reliability.outcome import Outcome
from reliability.scene import MAIN, closing, kill, write_table
from reliability.syscalls import TracedServer
from tests.support.waiting import PATIENCE_S

# What a disk writes at once, whatever happens.
_SECTOR_BYTES = 512
_CALLS = "openat,pwrite64,write,writev,sendto,fdatasync,fsync,ftruncate,unlink"
_FILES = ("jobs.sqlite3", "jobs.sqlite3-wal", "jobs.sqlite3-journal", "last-number")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")
_ACCEPTED = re.compile(rb'"(?:job_id|id)":"job_id_(\d+)"')
_SECONDS = 3.0


class Event(NamedTuple):
    """Something that the traced server did."""

    kind: Literal["write", "truncate", "sync", "unlink", "acknowledge"]
    file: str = ""
    offset: int = 0
    data: bytes = b""
    numbers: tuple[int, ...] = ()


@dataclass
class _Disk:
    """What a disk holds for certain, and what it may hold."""

    durable: dict[str, bytearray] = field(default_factory=dict)
    pending: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: set[int] = field(default_factory=set)

    def apply(self, event: Event, *, ignores_syncs: bool) -> None:
        match event.kind:
            case "acknowledge":
                self.acknowledged.update(event.numbers)
            case "unlink":
                self.durable.pop(event.file, None)
                self.pending.pop(event.file, None)
            case "sync":
                if not ignores_syncs:
                    content = self.durable.setdefault(event.file, bytearray())
                    for each in self.pending.pop(event.file, ()):
                        _write(content, each)
            case _:
                self.durable.setdefault(event.file, bytearray())
                self.pending[event.file].append(event)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return what may be found after a power cut now: some of what was pending."""
        how = chance.choice(("nothing", "the first", "some", "torn"))
        found = {}
        for name, durable in self.durable.items():
            content = bytearray(durable)
            for each in _survivors(self.pending[name], how, chance):
                _write(content, each)
            found[name] = bytes(content)
        return found


def power_losses(*, number: int, seed: int) -> Outcome:
    """Cut the power at ``number`` moments, and a tenth as often with syncs that do nothing."""
    if not shutil.which("strace"):
        return Outcome("power loss by replay", "not tried: strace is not installed", ())
    with tempfile.TemporaryDirectory(prefix="meantime-power-") as folder:
        events = list(_read(_trace(Path(folder), seed), Path(folder) / "state"))
        violations = _replay(events, Path(folder), number, random.Random(seed), ignores_syncs=False)  # noqa: S311
        control = _replay(events, Path(folder), number // 10, random.Random(seed), ignores_syncs=True)  # noqa: S311
    if not control:
        violations.append("the control, in which syncs do nothing, has lost no job: this harness finds nothing")
    jobs = {number for event in events for number in event.numbers}
    return Outcome(
        "power loss by replay: unsynced writes lost, cut off, torn at 512 bytes, reordered",
        f"{number:,} states of the disk, {len(jobs):,} acknowledged jobs; the control without syncs: "
        f"{len(control):,} of {number // 10:,} lose jobs",
        violations,
    )


def _trace(folder: Path, seed: int) -> Path:
    table, state, output = write_table(folder / "table.csv"), folder / "state", folder / "trace"
    strace = ("-y", "-xx", "-s", "1000000", "-o", str(output), "-e", f"trace={_CALLS}")
    with closing(MAIN._replace(server=partial(TracedServer, strace)).start(table, state)) as server:
        ledger = Ledger()
        clients = [
            Client(server.ready().url, ledger, seed=seed + each, results=state / "results", has_v1=True, removes=False)
            for each in range(4)
        ]
        for client in clients:
            client.start()
        time.sleep(_SECONDS)
        for client in clients:
            client.stop()
            client.join(PATIENCE_S)
        kill(server)
    return output


def _read(trace: Path, state: Path) -> Iterator[Event]:
    """Go through the trace; a call that another thread interrupts has two lines."""
    files = {str(state / name): name for name in _FILES}
    begun: dict[str, str] = {}
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            thread, _, rest = line.partition(" ")
            text = rest.strip()
            if text.endswith("<unfinished ...>"):
                begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
                continue
            if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
                text = begun.pop(thread, "") + resumed[1]
            if (call := _CALL.match(text)) and int(call[3]) >= 0:
                yield from _events(call[1], call[2], files)


def _events(name: str, arguments: str, files: dict[str, str]) -> Iterator[Event]:
    if name == "unlink":
        path = _bytes(arguments).decode()
        if path in files:
            yield Event("unlink", files[path])
        return
    described = re.match(r"\d+<([^>]*)>", arguments)
    path = "" if described is None else described[1]
    if "\\x" in path:
        path = bytes.fromhex(path.replace("\\x", "")).decode("utf-8", "replace")
    if path in files:
        last = arguments.rpartition(",")[2].strip()
        match name:
            case "pwrite64":
                yield Event("write", files[path], int(last), _bytes(arguments))
            case "ftruncate":
                yield Event("truncate", files[path], int(last))
            case "fsync" | "fdatasync":
                yield Event("sync", files[path])
    elif name in ("write", "writev", "sendto") and path.startswith(("socket", "TCP")):
        sent = _bytes(arguments)
        # The body of an answer is sent by itself. Other answers have ids too, of jobs that were acknowledged before.
        if numbers := tuple(int(number) for number in _ACCEPTED.findall(sent)):
            yield Event("acknowledge", numbers=numbers)


def _bytes(arguments: str) -> bytes:
    return b"".join(bytes.fromhex(part.replace("\\x", "")) for part in _STRING.findall(arguments))


def _replay(
    events: Sequence[Event], folder: Path, number: int, chance: random.Random, *, ignores_syncs: bool
) -> list[str]:
    moments = sorted(chance.randrange(1, len(events)) for _ in range(number))
    disk, at, violations = _Disk(), 0, []
    # The syncs by which the database is made come first; without these there would be none to lose jobs from.
    made = next(index for index, event in enumerate(events) if event.kind == "acknowledge")
    for moment in moments:
        for index in range(at, moment):
            disk.apply(events[index], ignores_syncs=ignores_syncs and index > made)
        at = moment
        if violation := _lost(disk, folder / "cut", chance):
            violations.append(f"at {moment} of {len(events)}: {violation}")
    return violations


def _lost(disk: _Disk, folder: Path, chance: random.Random) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in disk.after_a_cut(chance).items():
        (folder / name).write_bytes(content)
    try:
        store = SqliteJobStore(folder / "jobs.sqlite3", on_broken=lambda _error: None)
    except Exception as error:  # noqa: BLE001 - whatever it is, the start fails
        return f"the store does not open: {error!r}"
    try:
        jobs = list(store.jobs())
        lost = disk.acknowledged - {job.number for job in jobs}
        # A record that was damaged is read as a failed job.
        damaged = [job.number for job in jobs if job.failure is not None]
    except sqlite3.Error as error:
        return f"the store cannot be read: {error!r}"
    finally:
        store.close()
    if lost:
        return f"{len(lost)} acknowledged jobs are lost, such as {min(lost)}"
    return f"the records of {damaged[:3]} are damaged" if damaged else ""


def _survivors(pending: Sequence[Event], how: str, chance: random.Random) -> Sequence[Event]:
    match how:
        case "nothing":
            return ()
        case "the first":
            return pending[: chance.randrange(len(pending) + 1)]
        case "some":
            return [each for each in pending if chance.random() < 0.5]
        case _:
            share = chance.choice((0.2, 0.5, 0.9))
            torn = [piece for each in pending for piece in _torn(each) if chance.random() < share]
            chance.shuffle(torn)
            return torn


def _torn(event: Event) -> Iterator[Event]:
    if event.kind != "write":
        yield event
        return
    begin = 0
    while begin < len(event.data):
        end = begin + _SECTOR_BYTES - (event.offset + begin) % _SECTOR_BYTES
        yield event._replace(offset=event.offset + begin, data=event.data[begin:end])
        begin = end


def _write(content: bytearray, event: Event) -> None:
    end = event.offset + len(event.data)
    if event.kind == "truncate":
        del content[event.offset :]
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[event.offset : end] = event.data
