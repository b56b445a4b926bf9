"""The engine against a model: any calls, in any order, with crashes in between."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from meantime.engine.engine import Engine
from meantime.engine.ports import JobFilter
from meantime.errors import JobEnded, JobUnfinished, JobUnknown, KeyReused, RequestInvalid
from meantime.model import IdempotencyKey, JobState, Request, Work
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import FakeCompute, make_engine, request, unexpected
from tests.support.waiting import PATIENCE_S

# Which job a rule is about, whatever there is. Not drawn from what there is: how far the threads have come differs from
# run to run, and what hypothesis draws must not.
PICK = st.integers(0, 1000)


class Expected:
    """What the model knows of a job."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.order = threading.Event()  # its work may come to an end
        self.outcome = JobState.DONE  # which, if nobody cancels it
        self.ended: JobState | None = None  # seen so; it must stay so
        self.crashes = 0  # that it went through unfinished
        self.key_sent: IdempotencyKey | None = None  # which it was accepted under


class EngineMachine(RuleBasedStateMachine):
    """Jobs work until they are ordered to end, so that crashes and cancellations find them at every place."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="meantime-model-"))
        self.expected: dict[int, Expected] = {}
        self.by_key: dict[int, Expected] = {}
        self.given = 0  # the highest number
        self.engine = self._open("0")
        self.generation = 0

    @initialize(count=st.integers(1, 4))
    def begin_with_some(self, count: int) -> None:
        self._submit(count)

    @rule(count=st.integers(0, 3))
    def accept(self, count: int) -> None:
        self._submit(count)

    @rule(name=st.sampled_from("ab"), digest=st.sampled_from("xy"), count=st.integers(1, 3), racers=st.integers(1, 3))
    def accept_once(self, name: str, digest: str, count: int, racers: int) -> None:
        """Several clients send the same at once; the key may have been used before, and its jobs been removed since."""
        idempotency_key = IdempotencyKey(key=name, digest=digest)
        made = [
            number for number, job in self.expected.items() if job.key_sent is not None and job.key_sent.key == name
        ]
        if not made:
            self._submit(count, key=idempotency_key, racers=racers)
        elif self.expected[made[0]].key_sent == idempotency_key:
            repeated = [self.engine.submit([request("obey", key=-1)], key=idempotency_key) for _ in range(racers)]
            assert [[job.number for job in again.result(PATIENCE_S)] for again in repeated] == [made] * racers
        else:
            with pytest.raises(KeyReused):
                self.engine.submit([request("obey", key=-1)], key=idempotency_key)

    @rule(pick=PICK)
    def remove(self, pick: int) -> None:
        if (number := self._picked(pick)) is None:
            return
        job = self.expected[number]
        try:
            self.engine.remove(number).result(PATIENCE_S)
        except JobUnfinished:
            assert job.ended is None
        else:
            assert job.ended or job.order.is_set() or job.crashes >= 3
            del self.expected[number]
            with pytest.raises(JobUnknown):
                self.engine.describe(number)

    @rule(limit=st.integers(1, 4), states=st.sets(st.sampled_from(JobState)))
    def find_page_by_page(self, limit: int, states: set[JobState]) -> None:
        before, seen = None, list[int]()
        while page := self.engine.find(JobFilter(), before=before, limit=limit):
            assert len(page) <= limit
            seen += [detail.record.number for detail in page]
            for detail in page:
                self._see(detail.record.number, detail.state)
            before = seen[-1]
        assert seen == sorted(self.expected, reverse=True)
        jobs = self.engine.find(JobFilter(states=frozenset(states)), limit=1000)
        assert {detail.state for detail in jobs} <= states
        ended = {number for number, job in self.expected.items() if job.ended in states}
        assert ended <= {detail.record.number for detail in jobs}

    @rule(pick=PICK, outcome=st.sampled_from([JobState.DONE, JobState.FAILED]))
    def order_an_end(self, pick: int, outcome: JobState) -> None:
        if (number := self._picked(pick)) is None:
            return
        job = self.expected[number]
        if not job.order.is_set():
            job.outcome = outcome
            job.order.set()

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if (number := self._picked(pick)) is None:
            return
        job = self.expected[number]
        try:
            cancelled = self.engine.cancel(number).result(PATIENCE_S)
        except JobEnded:
            state = self.engine.look_up(number).state
            assert state.is_ended
            assert job.ended or job.order.is_set() or job.crashes >= 3
        else:
            assert cancelled.state is JobState.CANCELLED
            assert job.ended is None
            job.ended = JobState.CANCELLED

    @rule()
    def look_at_all(self) -> None:
        states = self.engine.jobs()
        assert [number for number, _ in states] == sorted(self.expected)
        for number, state in states:
            self._see(number, state)

    @rule(pick=PICK, is_lost=st.booleans())
    def read(self, pick: int, is_lost: bool) -> None:
        done = [number for number, job in self.expected.items() if job.ended is JobState.DONE]
        if not done:
            return
        number = done[pick % len(done)]
        if is_lost:
            (self.folder / str(self.generation) / "results" / f"job_id_{number}").unlink(missing_ok=True)
            # All threads may be held by jobs that work until they are ordered to end.
            self._order_all()
        assert self.engine.read_result(number).result(PATIENCE_S) == f"{self.expected[number].key}".encode()

    @rule()
    def stop_and_start(self) -> None:
        self.engine.stop()
        self.engine = self._open(str(self.generation))

    @rule()
    def crash(self) -> None:
        """Go on from what is on disk at this moment, as after a SIGKILL."""
        before, after = self.folder / str(self.generation), self.folder / str(self.generation + 1)
        with closing(sqlite3.connect(before / "jobs.sqlite3", isolation_level=None)) as other:
            # Nobody commits while this is held, so the copy is of one moment. It writes nothing itself.
            other.execute("BEGIN IMMEDIATE")
            seen = self.engine.jobs()
            shutil.copytree(before, after, ignore=shutil.ignore_patterns("*-shm", ".writing-*"))
            other.execute("ROLLBACK")
        for number, state in seen:
            self._see(number, state)
        self.engine.stop()
        for job in self.expected.values():
            job.crashes += job.ended is None
        self.generation += 1
        self.engine = self._open(str(self.generation))

    @rule()
    def drain(self) -> None:
        self._order_all()
        assert self.engine.wait_drained(PATIENCE_S)
        for number, job in self.expected.items():
            self._see(number, self.engine.look_up(number).state)
            assert job.ended

    @invariant()
    def unfinished_are_those_that_have_not_ended(self) -> None:
        seen_ended = sum(job.ended is not None for job in self.expected.values())
        assert self.engine.unfinished <= len(self.expected) - seen_ended
        facts = self.engine.stats()
        assert sum(facts.jobs.values()) == len(self.expected)
        assert facts.working <= facts.threads

    def teardown(self) -> None:
        try:
            self.drain()
            self.engine.stop()
            kept = {f"job_id_{number}" for number in self.expected}
            assert {file.name for file in (self.folder / str(self.generation) / "results").iterdir()} <= kept
        finally:
            self.engine.stop()
            shutil.rmtree(self.folder)

    def _submit(self, count: int, *, key: IdempotencyKey | None = None, racers: int = 1) -> None:
        keys = range(len(self.by_key), len(self.by_key) + count)
        added = {key: Expected(key) for key in keys}
        self.by_key |= added
        requests = [request("obey", key=key) for key in keys]
        with ThreadPoolExecutor(racers) as clients:
            sent = [
                clients.submit(self.engine.submit, requests, key=key, client="abc"[(len(keys) + racer) % 3])
                for racer in range(racers)
            ]
            made = [each.result(PATIENCE_S).result(PATIENCE_S) for each in sent]
        numbers = list(range(self.given + 1, self.given + 1 + count))
        assert [[job.number for job in jobs] for jobs in made] == [numbers] * racers
        self.given += count
        for number, job in zip(numbers, added.values(), strict=True):
            job.key_sent = key
            self.expected[number] = job

    def _see(self, number: int, state: JobState) -> None:
        job = self.expected[number]
        if job.ended is not None:
            assert state is job.ended
        elif state.is_ended:
            view = self.engine.look_up(number)
            detail = self.engine.describe(number)
            assert (detail.record.failure, detail.state, detail.record.idempotency_key) == (
                view.failure,
                state,
                job.key_sent,
            )
            if view.failure is not None and view.failure.code == "lost-thrice":
                assert job.crashes >= 3
            else:
                assert job.order.is_set()
                assert state is job.outcome
            job.ended = state

    def _order_all(self) -> None:
        for job in self.expected.values():
            job.order.set()

    def _picked(self, pick: int) -> int | None:
        return sorted(self.expected)[pick % len(self.expected)] if self.expected else None

    def _open(self, generation: str) -> Engine:
        folder = self.folder / generation
        folder.mkdir(exist_ok=True)
        engine = make_engine(
            FakeCompute(obey=self._obey),
            jobs=SqliteJobStore(folder / "jobs.sqlite3", on_broken=unexpected),
            results=ResultFiles(folder / "results"),
            clock=time.time,
        )
        engine.start()
        return engine

    def _obey(self, request: Request, work: Work) -> bytes:
        job = self.by_key[request.parameters["key"]]
        while not job.order.wait(0.001):
            work.check()
        if job.outcome is JobState.FAILED:
            raise RequestInvalid("It was ordered to fail.")
        return f"{job.key}".encode()


TestEngineMachine: Any = EngineMachine.TestCase
TestEngineMachine.settings = settings(stateful_step_count=30)
