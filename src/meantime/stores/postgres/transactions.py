"""Commits calls in one transaction, after reading what other hosts have changed.

Whoever changes anything first takes the one row of counters, and holds it until the commit. So the changes of all hosts
have one order, what others have changed is known before anything of ours takes effect, and no row of a job is held by
anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from meantime.engine.ports import Changes, KeyTaken
from meantime.errors import IllegalTransition, StoreBroken
from meantime.model import IdempotencyKey, JobRecord, Request, job_id
from meantime.stores.job_rows import SqlRow
from meantime.stores.postgres import database
from meantime.stores.postgres.database import Connection, Statement
from meantime.stores.postgres.rows import record_of, rows_to_add

# Removals are told as long as there are at most so many later changes: some minutes of a cluster at its limit.
_TOLD_CHANGES = 100_000


@dataclass(slots=True, kw_only=True)
class Call:
    """A call that waits for its commit."""

    kind: Literal["add", "update", "remove", "cancel"]
    future: Future[Any]
    requests: Sequence[Request] = ()
    parameters: Sequence[str] = ()  # theirs, as JSON
    at_s: float = 0.0
    key: IdempotencyKey | None = None
    started: int = 0  # how many of these jobs, the first ones
    host: int | None = None  # that starts them
    moves: Sequence[str] = ()  # as rows for the query ``update``
    numbers: Sequence[int] = ()  # of the jobs that it is about, but for those that it adds
    outcome: Any = None  # what its future resolves to, or fails with

    def resolve(self) -> None:
        """Tell the caller, after the commit."""
        if isinstance(self.outcome, Exception):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)


@dataclass(slots=True, kw_only=True)
class WriteGroup:
    """Calls that are committed together, and what others have changed before."""

    calls: Sequence[Call]
    change: int = 0  # the number of this change; 0 as long as it has none
    is_committing: bool = False  # whether it may have been committed already
    changes: Changes = field(default_factory=Changes)


class Identity(NamedTuple):
    """Which host this is, and which of its starts."""

    host: int
    term: int


class Transactions:
    """Makes the changes of one host. ``position`` is the last change that it knows; None if it need not know any."""

    def __init__(self, sql: Mapping[str, str], me: Identity) -> None:
        self._sql = sql
        self._me = me
        self.position: int | None = None

    def commit(self, connection: Connection, group: WriteGroup) -> None:
        """Do all calls of a group in one transaction, or none of them; their outcomes are set.

        Raises:
            IllegalTransition: one of several calls is wrong. Nothing was changed; each must be tried alone.
            StoreBroken: this host may change nothing any more.
            psycopg.Error: if the group ``is_committing``, it is open whether it was committed.
        """
        adding = [call for call in group.calls if call.kind == "add"]
        keys = [call.key.key for call in adding if call.key is not None]
        wanted = sum(len(call.requests) for call in adding)
        _, held, mine, changed, taken = database.run(
            connection,
            [
                ("BEGIN", ()),
                (self._sql["hold"], (wanted,)),
                (self._sql["committed"], self._me),
                self._changes_query(),
                (self._sql["taken_keys"], (keys,)) if keys else ("SELECT 1 WHERE false", ()),
            ],
        )
        [(group.change, last_number, forgotten)] = held
        self.require_current(mine, forgotten)
        group.changes = changes_of(changed)
        statements, needs_look = self._statements(connection, group, last_number, wanted, {key for (key,) in taken})
        if needs_look:
            self._run(connection, statements, last_number)
            statements = []
        if group.change % _TOLD_CHANGES == 0:
            statements.append(((self._sql["forget"], (_TOLD_CHANGES,)), ()))
        group.is_committing = True
        database.run(connection, [*(statement for statement, _ in statements), (self._sql["wake"], ()), ("COMMIT", ())])

    def require_current(self, mine: Sequence[SqlRow], forgotten: int) -> None:
        """Check that this is still the host that it was, and knows of all removals.

        Raises:
            StoreBroken: it is not, or does not.
        """
        if not mine:
            raise StoreBroken(
                "Another server has started with the identity of this one in the database of jobs: a copy of its state "
                "directory, most likely. Delete the file host-name in the copy, then start again."
            )
        if self.position is not None and self.position < forgotten:
            raise StoreBroken("This server was away for too long to hear of all that others did. Start it again.")

    def changes(self, connection: Connection) -> Changes:
        """Read what others have changed, and know it from now on.

        Raises:
            StoreBroken, psycopg.Error: as in ``commit``.
        """
        [(_, forgotten)], changed = database.run(connection, [(self._sql["position"], ()), self._changes_query()])
        self.require_current([()], forgotten)
        if changed:
            self.position = changed[-1][-1]
        return changes_of(changed)

    def was_committed(self, connection: Connection, group: WriteGroup) -> bool:
        """Whether a group was committed whose connection was lost with its commit."""
        with connection.transaction():
            # Waits until that transaction is over, if the server still knows of it.
            connection.execute("SELECT FROM meantime.counters FOR UPDATE")
            return connection.execute(self._sql["last_committed"], (self._me.host,)).fetchall() == [(group.change,)]

    def _changes_query(self) -> Statement:
        if self.position is None:
            return "SELECT 1 WHERE false", ()
        return self._sql["changes"], (self.position, self._me.host) * 2

    def _statements(
        self, connection: Connection, group: WriteGroup, last_number: int, wanted: int, taken: set[str]
    ) -> tuple[list[tuple[Statement, Sequence[Call]]], bool]:
        """Return the statements of a group, each with the calls that it is for; whether one must look at their rows."""
        statements: list[tuple[Statement, Sequence[Call]]] = []
        needs_look = False
        for kind, calls in _stages(group.calls):
            if kind == "add":
                statements += self._add(calls, group.change, last_number - wanted, taken)
            elif kind == "update":
                needs_look = True
                moves = ",".join(move for call in calls for move in call.moves)
                change = (group.change, self._me.host, self._me.host)
                statements.append(((self._sql["update"], (*change, f"[{moves}]")), calls))
            else:
                # What these are about may depend on what comes before.
                self._run(connection, statements, last_number)
                statements, needs_look = [], False
                if kind == "remove":
                    self._remove(connection, calls, group.change)
                else:
                    self._cancel(connection, calls, group.change)
        return statements, needs_look

    def _add(
        self, calls: Sequence[Call], change: int, given: int, taken: set[str]
    ) -> list[tuple[Statement, Sequence[Call]]]:
        records: list[JobRecord] = []
        parameters: list[str] = []
        for call in calls:
            if call.key is not None and call.key.key in taken:
                call.outcome = KeyTaken(call.key.key)
                continue
            call.outcome = JobRecord.accepted(
                call.requests,
                first=given + 1,
                at_s=call.at_s,
                idempotency_key=call.key,
                started=call.started,
                host=call.host,
            )
            given += len(call.requests)
            records += call.outcome
            parameters += call.parameters
        by = (change, self._me.host, self._me.host)
        added: list[tuple[Statement, Sequence[Call]]] = [
            ((self._sql["add"], (*by, rows_to_add(records, parameters))), ()),
        ]
        if taken:  # numbers have no gaps
            added.append((("UPDATE meantime.counters SET last_number = %s", (given,)), ()))
        return added

    def _run(
        self, connection: Connection, statements: Sequence[tuple[Statement, Sequence[Call]]], last_number: int
    ) -> None:
        """Run statements of a group, and note which moves were made."""
        rows = database.run(connection, [statement for statement, _ in statements])
        for (_, calls), found in zip(statements, rows, strict=True):
            self._note_updated(connection, calls, {number for (number,) in found}, last_number)

    def _note_updated(self, connection: Connection, calls: Sequence[Call], updated: set[int], last_number: int) -> None:
        """Note which moves of these calls were made; of the others, that another host was first.

        Raises:
            IllegalTransition: no other host was.
        """
        missing = [number for call in calls for number in call.numbers if number not in updated]
        movers: dict[int, int] = {}
        if missing:
            [rows] = database.run(connection, [(self._sql["movers"], (missing,))])
            movers = dict(rows)
        for number in missing:
            # One that is not there was removed, if there ever was one.
            if movers.get(number, 0 if number <= last_number else self._me.host) == self._me.host:
                raise IllegalTransition(f"{job_id(number)} is not as it was thought to be; nothing changed.")
        for call in calls:
            call.outcome = frozenset(call.numbers) - updated

    def _remove(self, connection: Connection, calls: Sequence[Call], change: int) -> None:
        numbers = sorted({number for call in calls for number in call.numbers})
        [rows] = database.run(connection, [(self._sql["named"], (numbers,))])
        ended = {record.number: record for record in map(record_of, rows) if record.state.is_ended}
        database.run(connection, [(self._sql["remove"], (list(ended), change, self._me.host, self._me.host))])
        for call in calls:
            # Each record is for the first call that names it.
            call.outcome = [ended.pop(number) for number in sorted(set(call.numbers)) if number in ended]

    def _cancel(self, connection: Connection, calls: Sequence[Call], change: int) -> None:
        asked = [number for call in calls for number in call.numbers]
        database.run(connection, [(self._sql["ask_to_cancel"], (change, self._me.host, number)) for number in asked])


def changes_of(rows: Iterable[SqlRow]) -> Changes:
    """Return the rows of the query ``changes``."""
    jobs: list[JobRecord] = []
    removed: list[JobRecord] = []
    cancelling: list[int] = []
    for *row, is_to_cancel, is_removed, _ in rows:
        record = record_of(tuple(row))
        (removed if is_removed else jobs).append(record)
        if is_to_cancel and not record.state.is_ended:
            cancelling.append(record.number)
    return Changes(jobs, removed, cancelling)


def _stages(calls: Sequence[Call]) -> list[tuple[str, list[Call]]]:
    """Put calls of one kind together, as far as none comes before another one of the same job that was before it."""
    stages: list[tuple[str, list[Call]]] = []
    next_stage: dict[int, int] = {}  # for the next call about a job
    for call in calls:
        first = max((next_stage.get(number, 0) for number in call.numbers), default=0)
        at = next((index for index in range(first, len(stages)) if stages[index][0] == call.kind), len(stages))
        if at == len(stages):
            stages.append((call.kind, []))
        stages[at][1].append(call)
        next_stage |= dict.fromkeys(call.numbers, at + 1)
    return stages
