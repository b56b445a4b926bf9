"""Jobs in SQLite: a future that has resolved means that the change survives a power cut.

* Exactly one connection writes, and no other ever checkpoints: up to SQLite 3.51.2, two that do so at the same time can
  lose a commit. Readers are opened read-only, and closed before the writer is.
* ``sqlite_writer`` commits calls in groups, in its own thread; ``sqlite_files`` opens the file, durably;
  ``sqlite_repairs`` and ``write_ahead_log`` notice damage at the start; ``sqlite_errors`` knows which errors are final;
  ``job_rows`` turns records into rows and back, with a checksum; ``state_files`` notices when a file was deleted, and
  keeps the last number.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec

from meantime.engine.ports import JobFilter, Transition
from meantime.errors import StoreBroken
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.stores import queries
from meantime.stores.job_rows import as_json, record_of, row_to_update
from meantime.stores.sqlite_errors import SqliteErrors, translated
from meantime.stores.sqlite_files import Connect, Reader, SqliteFile
from meantime.stores.sqlite_writer import GroupWriter, WriteCall
from meantime.stores.state_files import LastNumber, OpenFiles

# No job has a number as high: the largest that SQLite keeps.
_ABOVE_ALL = 2**63 - 1
_LAST_NUMBER = "last-number"


class SqliteJobStore:
    """A job store in one SQLite file.

    A damaged record is read as a failed job with nothing but its number. ``on_broken`` is called once, in the store's
    thread, when writing has failed for good; it must not close the store. So it has if one of the files was deleted or
    replaced, or their folder, or a file in it of a name in ``watched``. ``connect`` can open connections of another
    kind.

    Raises:
        StoreTooNew: a newer Meantime wrote this file.
        StoreBroken: the file cannot be opened, is no database, or cannot be written durably.
        StorePaused: the machine is short of something to begin with, such as space.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_broken: Callable[[StoreBroken], None],
        watched: Sequence[str] = (),
        connect: Connect = sqlite3.connect,
    ) -> None:
        self._sql = queries.load()
        self._file = SqliteFile(path, connect=connect)
        last_number = LastNumber(path.resolve().with_name(_LAST_NUMBER))
        noted_number = last_number.read()
        writer = self._file.open_writer(noted_number=noted_number)
        try:
            # Opened now, because there may be no descriptors left when they are needed.
            self._single_reads = Reader(self._file)  # of single jobs: microseconds
            self._list_reads = Reader(self._file)  # may take a tenth of a second, which no single read should wait for
            given = max(self._file.last_number(writer), noted_number)
        except BaseException:
            writer.close()
            raise
        self._writer = GroupWriter(
            writer,
            sql=self._sql,
            files=OpenFiles(path.resolve().parent, [*self._file.names, *watched]),
            given=given,
            last_number=last_number,
            on_broken=on_broken,
        )

    def add(
        self,
        requests: Sequence[Request],
        *,
        at_s: float,
        idempotency_key: IdempotencyKey | None = None,
        started: int = 0,
        host: int | None = None,
    ) -> Future[list[JobRecord]]:
        """Accept requests as queued jobs with consecutive numbers: all of them, or none."""
        # Here and not in the writer: what cannot be kept fails in the call, and the caller may change it afterwards.
        parameters = [as_json(request.parameters) for request in requests]
        return self._writer.submit(
            WriteCall(
                "add",
                requests=tuple(requests),
                parameters=parameters,
                at_s=at_s,
                idempotency_key=idempotency_key,
                started=started,
                host=host,
            )
        )

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        """Replace records by their next versions: all, or none."""
        rows = [row_to_update(transition) for transition in transitions]
        return self._writer.submit(WriteCall("update", rows, ids=[before.id for before, _ in transitions]))

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        """Delete ended jobs, and return the records that this call deleted."""
        return self._writer.submit(WriteCall("remove", [(as_json(numbers),)]))

    def get(self, number: int) -> JobRecord | None:
        """Read one record as last committed.

        Raises:
            StoreBroken: the file cannot be read.
        """
        rows = self._single_reads.read(self._sql["job"], (number,))
        return record_of(rows[0]) if rows else None

    def jobs(self) -> Iterator[JobRecord]:
        """Go through all records as committed now, by number.

        Raises:
            StoreBroken: the file cannot be read.
        """
        # A separate connection: its one statement sees one state of the store, however long the walk takes.
        try:
            with contextlib.closing(self._file.open_reader()) as reader:
                for row in reader.execute(self._sql["jobs"]):
                    yield record_of(row)
        except SqliteErrors as error:
            raise translated(error) from error

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
        """Read the records that match, newest first.

        Raises:
            StoreBroken: the file cannot be read.
        """
        values = msgspec.structs.asdict(job_filter) | {
            "states": None if job_filter.states is None else as_json(sorted(job_filter.states)),
            "before": _ABOVE_ALL if before is None else min(before, _ABOVE_ALL),
            "limit": limit,
        }
        return [record_of(row) for row in self._list_reads.read(self._sql["find"], values)]

    def accepted_under(self, key: str) -> list[JobRecord]:
        """Read the jobs that came under an idempotency key and are still kept, by number.

        Raises:
            StoreBroken: the file cannot be read.
        """
        # What is left of a damaged record has no key, and does not say what was asked for: that is asked anew.
        records = [record_of(row) for row in self._single_reads.read(self._sql["accepted_under"], (key,))]
        return [record for record in records if not record.is_damaged]

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name.

        Raises:
            StoreBroken: the file cannot be read.
        """
        return {fingerprint for (fingerprint,) in self._list_reads.read(self._sql["fingerprints"], ())}

    def close(self) -> None:
        """Commit all changes until now, stop the store's thread, close."""
        self._writer.stop()
        # The last connection to close is the one that may checkpoint, so readers go first.
        self._single_reads.close()
        self._list_reads.close()
        self._writer.close()
