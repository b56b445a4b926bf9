"""The thread that changes the database, and hears what other hosts have changed: all in one order.

It takes all calls that wait, commits them together, reports what others have changed before, and resolves the futures.
A connection that is lost with a commit leaves open whether that was made. Nobody is told anything about these calls
until the database is back and says so; all other calls fail meanwhile, as on a full disk.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from meantime import threads
from meantime.engine.futures import uncancellable_future
from meantime.engine.ports import Changes, Clock
from meantime.errors import IllegalTransition, MeantimeError, ShuttingDown, StoreBroken, StorePaused
from meantime.stores.call_queue import CallQueue, thread_died
from meantime.stores.postgres.database import Connection, Database, run
from meantime.stores.postgres.errors import PostgresErrors, translated
from meantime.stores.postgres.neighbors import Neighbors
from meantime.stores.postgres.transactions import Call, Identity, Transactions, WriteGroup

# As in SQLite: a group this large takes some milliseconds.
_GROUP_LIMIT = 512
# How often others hear what threads have, while they have something: often enough for a bar that moves.
_SHOWN_S = 0.1
# Beats in a lease: two may be late.
_BEATS = 3
# Between two attempts to connect.
_RETRY_S = 0.5

_Look = Future[None]
_json = msgspec.json.Encoder()


class PostgresWriter:
    """Commits calls in groups, in its own thread. ``on_broken`` is called once, there, when only a restart helps."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        *,
        sql: Mapping[str, str],
        me: Identity,
        lease_s: float,
        on_broken: Callable[[StoreBroken], None],
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._database = database
        self._connection: Connection | None = connection
        self._sql = sql
        self._me = me
        self.transactions = Transactions(sql, me)
        self._neighbors = Neighbors(lease_s=lease_s, monotonic=monotonic)
        self._beat_every_s = lease_s / _BEATS
        self._monotonic = monotonic
        self._on_broken = on_broken
        self._on_changes: Callable[[Changes], None] | None = None
        self._at_work: Callable[[], Mapping[int, float]] = dict
        self._shown = "{}"
        self._beat_at_s = 0.0
        self._retry_at_s = 0.0
        self.lost: frozenset[int] = frozenset()  # other hosts that gave no sign for a lease
        self.trouble: StorePaused | None = None  # why the database cannot be reached, if it cannot
        self._in_doubt: WriteGroup | None = None
        self._calls: CallQueue[Call | _Look] = CallQueue(_future_of, most=_GROUP_LIMIT)
        self._lock = threading.Lock()
        self._is_woken = False  # guarded by the lock
        self._thread = threads.start("store", self._run, on_death=self._on_death)

    def submit(self, call: Call) -> Future[Any]:
        """Have a call committed; its future resolves after that."""
        self._calls.put(call)
        return call.future

    def look(self) -> Future[None]:
        """Look what others have changed since this call at the latest."""
        future: Future[None] = uncancellable_future()
        self._calls.put(future)
        return future

    def wake(self) -> None:
        """Look soon, unless that is about to be done."""
        with self._lock:
            is_due, self._is_woken = not self._is_woken, True
        if is_due:
            self._calls.put(uncancellable_future())

    def join(self, on_changes: Callable[[Changes], None], at_work: Callable[[], Mapping[int, float]]) -> None:
        """Report what others change from now on; see ``HostGroup.join``."""
        self._at_work = at_work
        self._on_changes = on_changes
        self.wake()

    def stop(self) -> None:
        """Commit all calls until now, leave, then end the thread. May be called twice."""
        self._calls.close()
        self._thread.join()
        if self._connection is not None:  # of a thread that died
            self._connection.close()

    def _run(self) -> None:
        is_open = True
        while is_open and not self._calls.is_broken:
            # Or until it is time to look or to beat.
            group, is_open = self._calls.take(self._pause_s())
            try:
                self._serve(group)
            except StoreBroken as error:
                self._break(error)
        self._leave()

    def _pause_s(self) -> float:
        if self._connection is None:
            return max(0.0, self._retry_at_s - self._monotonic())
        if self._shown != "{}" or (self._on_changes is not None and self._at_work()):
            return _SHOWN_S
        return max(0.0, self._beat_at_s - self._monotonic())

    def _serve(self, group: Sequence[Call | _Look]) -> None:
        calls = [each for each in group if isinstance(each, Call)]
        looks = [each for each in group if not isinstance(each, Call)]
        with self._lock:
            self._is_woken = False
        try:
            connection = self._connected()
            if calls:
                self._commit(connection, calls)
            self._show(connection)
            if looks:
                self._look(connection)
        except PostgresErrors as error:
            self._lose(translated(error), calls, looks)
        except StorePaused as error:
            self._fail(error, calls, looks)
        else:
            for look in looks:
                look.set_result(None)

    def _connected(self) -> Connection:
        """Return the connection, a new one if it was lost; then it is known what became of the last group.

        Raises:
            StorePaused: there is none for the moment.
        """
        if self._connection is not None:
            return self._connection
        if self.trouble is not None and self._monotonic() < self._retry_at_s:
            raise self.trouble
        connection = None
        try:
            connection = self._database.connect()
            if self._in_doubt is not None:
                group = self._in_doubt
                is_committed = self.transactions.was_committed(connection, group)
                self._in_doubt = None
                if is_committed:
                    self._committed(group)
                else:
                    self._fail(_not_written(), group.calls, ())
        except PostgresErrors as error:
            self._retry_at_s = self._monotonic() + _RETRY_S
            if connection is not None:
                connection.close()
            self.trouble = _as_paused(translated(error))
            raise self.trouble from error
        self._neighbors.forget()
        self._connection, self.trouble = connection, None
        return connection

    def _commit(self, connection: Connection, calls: Sequence[Call]) -> None:
        group = WriteGroup(calls=calls)
        try:
            self.transactions.commit(connection, group)
        except (IllegalTransition, StoreBroken) as error:
            connection.execute("ROLLBACK")
            if isinstance(error, StoreBroken):
                raise
            # One of them is wrong; the others must not suffer for it.
            if len(calls) == 1:
                calls[0].future.set_exception(error)
            else:
                for call in calls:
                    self._commit(connection, [call])
            return
        except PostgresErrors as error:
            if connection.broken and group.is_committing:
                self._in_doubt = group
            elif not connection.broken:
                connection.execute("ROLLBACK")
                self._fail(_as_paused_or_raise(translated(error)), calls, ())
                return
            raise
        self._committed(group)

    def _committed(self, group: WriteGroup) -> None:
        """Report what others changed before a group, then tell its callers."""
        if self._on_changes is not None:
            self.transactions.position = group.change
            if group.changes.jobs or group.changes.removed or group.changes.cancelling:
                self._on_changes(group.changes)
        for call in group.calls:
            call.resolve()

    def _look(self, connection: Connection) -> None:
        if self._on_changes is None:
            return
        changes = self.transactions.changes(connection)
        [hosts] = run(connection, [(self._sql["hosts"], (self._me.host,))])
        at_work, self.lost = self._neighbors.look(hosts)
        if any(changes) or at_work or self.lost:
            self._on_changes(changes._replace(at_work=at_work, lost=self.lost))

    def _show(self, connection: Connection) -> None:
        """Beat when it is time, and show others what the threads of this host have, if that has changed."""
        now_s = self._monotonic()
        if self._on_changes is None:
            return
        at_work = _json.encode(self._at_work()).decode()
        is_new = at_work != self._shown
        if not is_new and now_s < self._beat_at_s:
            return
        beats = (self._sql["beat"], (at_work, *self._me))
        # Not worth an fsync: another follows, or a lease is over.
        statements = [("BEGIN", ()), ("SET LOCAL synchronous_commit = off", ()), beats]
        *_, mine, _, _ = run(
            connection, [*statements, (self._sql["wake"] if is_new else "SELECT 1 WHERE false", ()), ("COMMIT", ())]
        )
        self.transactions.require_current(mine, 0)
        self._shown, self._beat_at_s = at_work, now_s + self._beat_every_s

    def _lose(self, error: StorePaused | StoreBroken, calls: Sequence[Call], looks: Sequence[_Look]) -> None:
        """Go on without a connection until there is a new one."""
        if self._connection is not None:
            with contextlib.suppress(*PostgresErrors):
                self._connection.close()
            self._connection = None
        if isinstance(error, StoreBroken):
            raise error
        self.trouble = error
        self._retry_at_s = self._monotonic() + _RETRY_S
        self._fail(error, calls, looks)

    def _fail(self, error: MeantimeError, calls: Sequence[Call], looks: Sequence[_Look]) -> None:
        """Tell callers that nothing was written, but for those of whom that is not known."""
        in_doubt = self._in_doubt.calls if self._in_doubt is not None else ()
        for call in calls:
            if not call.future.done() and not any(call is each for each in in_doubt):
                call.future.set_exception(error)
        for look in looks:
            look.set_exception(error)

    def _leave(self) -> None:
        with contextlib.suppress(*PostgresErrors):
            if self._connection is not None:
                self._connection.execute(self._sql["leave"], self._me)
                self._connection.execute(self._sql["wake"])
                self._connection.close()
        group, self._in_doubt = self._in_doubt, None
        if group is not None:
            # The next start finds out.
            self._fail(ShuttingDown("The server has stopped before it knew whether this was done."), group.calls, ())

    def _break(self, error: StoreBroken) -> None:
        self._calls.fail_all(error)
        group, self._in_doubt = self._in_doubt, None
        if group is not None:
            self._fail(error, group.calls, ())
        self._on_broken(error)

    def _on_death(self, role: str, error: BaseException) -> None:
        self._break(thread_died(role, error))


def _future_of(call: Call | _Look) -> Future[Any]:
    return call.future if isinstance(call, Call) else call


def _not_written() -> StorePaused:
    return StorePaused("The database of jobs was away for a moment; nothing was written. Try again.")


def _as_paused(error: StorePaused | StoreBroken) -> StorePaused:
    """Return a trouble with a new connection as one that passes: at the start it would have been refused."""
    if isinstance(error, StorePaused):
        return error
    return StorePaused(str(error)).for_operator(error.operator_reason)


def _as_paused_or_raise(error: StorePaused | StoreBroken) -> StorePaused:
    if isinstance(error, StoreBroken):
        raise error
    return error
