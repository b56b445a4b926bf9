"""The store of jobs that several hosts share, and the group of hosts that share it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import msgspec
import psycopg

from meantime.engine.futures import uncancellable_future
from meantime.engine.ports import Changes, JobFilter, Transition
from meantime.errors import StoreBroken
from meantime.model import IdempotencyKey, JobRecord, Request
from meantime.stores import queries
from meantime.stores.job_rows import SqlRow, as_json
from meantime.stores.postgres.database import Connection, Database
from meantime.stores.postgres.errors import PostgresErrors, translated
from meantime.stores.postgres.rows import record_of, row_to_update
from meantime.stores.postgres.transactions import Call, Identity
from meantime.stores.postgres.wakeups import Wakeups
from meantime.stores.postgres.writer import PostgresWriter

_ABOVE_ALL = 2**63 - 1
# Rows of a walk through all jobs that are fetched at once: a megabyte or so.
_FETCHED = 2_000


class HostAddress(NamedTuple):
    """Where another host is reached, and the secret by which hosts know each other."""

    address: str
    secret: str


class PostgresJobStore:
    """A job store and a group of hosts in one database. ``name`` is this host's own, kept over restarts.

    Other hosts reach this one at ``address``. One that they see no beat of for ``lease_s`` loses its jobs to them.
    ``on_broken`` is called once, in the store's thread, when only a restart helps; it must not close the store.

    Raises:
        SettingInvalid: the database cannot be reached or written to, or does not keep what it commits.
        StoreTooNew: a newer Meantime wrote it.
    """

    me: int | None

    def __init__(
        self,
        database: str,
        *,
        name: str,
        address: str,
        lease_s: float,
        on_broken: Callable[[StoreBroken], None],
        on_death: Callable[[str, BaseException], None],
    ) -> None:
        self._database = Database(database)
        self._sql = queries.load("postgres/queries.sql")
        self._database.prepare()
        try:
            connection = self._database.connect()
            [(host, term)] = connection.execute(self._sql["enter"], (name, address)).fetchall()
            [(_, secret)] = connection.execute(self._sql["address"], (host,)).fetchall()
        except PostgresErrors as error:
            raise translated(error) from error
        self.me = host
        # A name of the group that others may see.
        self.group = hmac.new(secret.encode(), b"group", hashlib.sha256).hexdigest()[:16]
        self._is_joined = False
        self._writer = PostgresWriter(
            self._database,
            connection,
            sql=self._sql,
            me=Identity(host, term),
            lease_s=lease_s,
            on_broken=on_broken,
        )
        self._single_reads = _Reader(self._database, self._writer)  # of single jobs: microseconds
        self._list_reads = _Reader(self._database, self._writer)
        self._wakeups: Wakeups | None = None
        self._on_death = on_death

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
        parameters = [as_json(request.parameters) for request in requests]
        return self._writer.submit(
            Call(
                kind="add",
                future=uncancellable_future(),
                requests=tuple(requests),
                parameters=parameters,
                at_s=at_s,
                key=idempotency_key,
                started=started,
                host=host,
            )
        )

    def update(self, transitions: Sequence[Transition]) -> Future[frozenset[int]]:
        """Replace records by their next versions, but for those that another host has changed before."""
        moves = [row_to_update(move) for move in transitions]  # here, so that what cannot be kept fails in the call
        numbers = [before.number for before, _ in transitions]
        return self._writer.submit(Call(kind="update", future=uncancellable_future(), moves=moves, numbers=numbers))

    def remove(self, numbers: Sequence[int]) -> Future[list[JobRecord]]:
        """Delete ended jobs, and return the records that this call deleted."""
        return self._writer.submit(Call(kind="remove", future=uncancellable_future(), numbers=tuple(numbers)))

    def get(self, number: int) -> JobRecord | None:
        """Read one record as last committed; raises as every read.

        Raises:
            StorePaused: the database cannot be reached for the moment.
            StoreBroken: it refuses to be read.
        """
        rows = self._single_reads.read(self._sql["job"], (number,))
        return record_of(rows[0]) if rows else None

    def jobs(self) -> Iterator[JobRecord]:
        """Go through all records as committed now, by number; raises as ``get``."""
        try:
            with self._database.connect() as connection, connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                [(position, _)] = connection.execute(self._sql["position"]).fetchall()
                if not self._is_joined:
                    self._writer.transactions.position = position
                with connection.cursor("all_jobs") as cursor:
                    cursor.itersize = _FETCHED
                    for row in cursor.execute(self._sql["jobs"]):
                        yield record_of(row)
        except PostgresErrors as error:
            raise translated(error) from error

    def find(self, job_filter: JobFilter, *, before: int | None, limit: int) -> list[JobRecord]:
        """Read the records that match, newest first; raises as ``get``."""
        values = msgspec.structs.asdict(job_filter) | {
            "states": None if job_filter.states is None else sorted(job_filter.states),
            "before": _ABOVE_ALL if before is None else min(before, _ABOVE_ALL),
            "limit": limit,
        }
        return [record_of(row) for row in self._list_reads.read(self._sql["find"], values)]

    def accepted_under(self, key: str) -> list[JobRecord]:
        """Read the jobs that came under an idempotency key and are still kept, by number; raises as ``get``."""
        records = [record_of(row) for row in self._single_reads.read(self._sql["accepted_under"], (key,))]
        return [record for record in records if not record.is_damaged]

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that kept jobs name; raises as ``get``."""
        return {fingerprint for (fingerprint,) in self._list_reads.read(self._sql["fingerprints"], ())}

    def join(self, on_changes: Callable[[Changes], None], at_work: Callable[[], Mapping[int, float]]) -> None:
        """Hear of what others do from now on; see ``HostGroup``."""
        self._is_joined = True
        self._wakeups = Wakeups(self._database, wake=self._writer.wake, on_death=self._on_death)
        to_cancel = [number for (number,) in self._list_reads.read(self._sql["to_cancel"], ())]
        if to_cancel:
            on_changes(Changes(cancelling=to_cancel))
        self._writer.join(on_changes, at_work)

    def catch_up(self) -> Future[None] | None:
        """Look what others have done; see ``HostGroup``."""
        return self._writer.look()

    def ask_to_cancel(self, number: int) -> Future[None]:
        """Have an unfinished job cancelled by whoever has it."""
        return self._writer.submit(Call(kind="cancel", future=uncancellable_future(), numbers=(number,)))

    def address_of(self, host: int) -> HostAddress | None:
        """Return where a host is reached, and the common secret; None of a host that never was; raises as ``get``."""
        rows = self._single_reads.read(self._sql["address"], (host,))
        return HostAddress(*rows[0]) if rows else None

    def is_lost(self, host: int) -> bool:
        """Whether another host has given no sign for a lease, or has left."""
        return host in self._writer.lost

    def close(self) -> None:
        """Commit all changes until now, leave the group, stop the threads, close."""
        if self._wakeups is not None:
            self._wakeups.close()
        self._writer.stop()
        self._single_reads.close()
        self._list_reads.close()


class _Reader:
    """A connection that only reads, for one thread at a time; a new one if it was lost."""

    def __init__(self, database: Database, writer: PostgresWriter) -> None:
        self._database = database
        self._writer = writer
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def read(self, query: str, values: Any) -> list[SqlRow]:
        with self._lock:
            is_old = self._connection is not None
            try:
                return self._read(query, values)
            except PostgresErrors as error:
                self._hang_up()
                if not is_old:
                    raise translated(error) from error
            try:
                return self._read(query, values)  # the server may have been restarted since the last time
            except PostgresErrors as error:
                self._hang_up()
                raise translated(error) from error

    def _read(self, query: str, values: Any) -> list[SqlRow]:
        if (trouble := self._writer.trouble) is not None:
            raise trouble  # it is known to be away: nobody should wait for that
        if self._connection is None:
            self._connection = self._database.connect()
            self._connection.read_only = True
        return self._connection.execute(query, values, prepare=True).fetchall()

    def _hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        with self._lock:
            self._hang_up()
