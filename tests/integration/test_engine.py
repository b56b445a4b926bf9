"""The engine over its real stores."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from meantime.engine.engine import Engine, Event
from meantime.errors import JobEnded, JobUnfinished, JobUnknown, StoreFull
from meantime.model import IdempotencyKey, JobState, Request, Work, job_id
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import (
    FakeCompute,
    HeldTask,
    echo,
    end_of,
    request,
    running,
    submit,
    unexpected,
)
from tests.support.waiting import PATIENCE_S, join


@contextmanager
def server(
    folder: Path, compute: FakeCompute | None = None, *, connect: Any = sqlite3.connect, **more: Any
) -> Iterator[Engine]:
    """An engine over the stores in a folder, as the assembly puts it together."""
    store = SqliteJobStore(folder / "jobs.sqlite3", on_broken=unexpected, connect=connect)
    with running(compute, jobs=store, results=ResultFiles(folder / "results"), clock=time.time, **more) as engine:
        yield engine


def test_many_clients_get_numbers_of_their_own_and_all_results(tmp_path: Path) -> None:
    numbers: dict[int, str] = {}

    def ask(engine: Engine, client: int) -> None:
        for index in range(25):
            token = f"{client}-{index}"
            numbers[submit(engine, request(token=token))[0]] = token

    with server(tmp_path, threads=3) as engine:
        clients = [threading.Thread(target=ask, args=(engine, client)) for client in range(8)]
        for client in clients:
            client.start()
        join(*clients)
        assert engine.wait_drained(PATIENCE_S)
        assert sorted(numbers) == list(range(1, 201))
        for number, token in numbers.items():
            assert engine.read_result(number).result(0) == repr([("token", token)]).encode()


def test_deleting_the_results_under_a_running_server_costs_no_answer(tmp_path: Path) -> None:
    with server(tmp_path) as engine:
        numbers = submit(engine, *[request(n=n) for n in range(5)])
        assert engine.wait_drained(PATIENCE_S)
        shutil.rmtree(tmp_path / "results")
        for number in numbers:
            assert engine.read_result(number).result(PATIENCE_S) == f"[('n', {number - 1})]".encode()
        assert sorted(file.name for file in (tmp_path / "results").iterdir()) == [f"job_id_{n}" for n in numbers]


def test_a_restart_knows_all_jobs_runs_those_that_waited_and_counts_on(tmp_path: Path) -> None:
    held = HeldTask()
    with server(tmp_path, FakeCompute(hold=held), threads=1) as engine:
        [done] = submit(engine, request())
        end_of(engine, done)
        submit(engine, request("hold"), request(n=1))
        held.wait_begun()
    held.go_on.set()
    with server(tmp_path, FakeCompute(hold=held)) as engine:
        assert engine.look_up(done).state is JobState.DONE
        assert engine.wait_drained(PATIENCE_S)
        assert [state for _, state in engine.jobs()] == [JobState.DONE] * 3
        assert submit(engine, request()) == [4]


def test_a_full_disk_refuses_jobs_but_not_reads_and_all_goes_on_when_there_is_space(tmp_path: Path) -> None:
    made: list[sqlite3.Connection] = []

    class Noted(sqlite3.Connection):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            made.append(self)

    with server(tmp_path, connect=partial(sqlite3.connect, factory=Noted)) as engine:
        [done] = submit(engine, request())
        end_of(engine, done)
        made[0].execute("PRAGMA max_page_count = 1")  # SQLite takes the least that there is: full
        refused = engine.submit([request(text="x" * 100_000)])
        assert isinstance(refused.exception(PATIENCE_S), StoreFull)
        assert engine.read_result(done).result(PATIENCE_S) == b"[]"
        made[0].execute("PRAGMA max_page_count = 1000000")
        assert end_of(engine, submit(engine, request(text="x" * 100_000))[0]).state is JobState.DONE


def test_whatever_clients_do_at_once_events_come_in_order_and_no_removed_job_leaves_a_file(tmp_path: Path) -> None:
    events_of: dict[int, list[Event]] = {}

    def work(request: Request, work: Work) -> bytes:
        for index in range(20):
            work.progress(index / 20)
            work.check()
        return echo(request, work)

    def client(engine: Engine, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - each client wants the same each time
        mine: list[int] = []
        for index in range(60):
            key = chance.choice([None, IdempotencyKey(key=f"{seed}-{index // 2}", digest="d")])
            with suppress(JobUnknown, JobEnded, JobUnfinished, ValueError):  # removed, or not as far as hoped
                match chance.choice(["submit", "cancel", "remove", "read"] if mine else ["submit"]):
                    case "submit":
                        requests = [request("work")] * chance.randint(1, 5)
                        mine += [job.number for job in engine.submit(requests, key=key).result(PATIENCE_S)]
                    case "cancel":
                        engine.cancel(chance.choice(mine)).result(PATIENCE_S)
                    case "remove":
                        engine.remove(chance.choice(mine)).result(PATIENCE_S)
                    case _:
                        engine.read_result(chance.choice(mine)).result(PATIENCE_S)

    with server(tmp_path, FakeCompute(work=work), threads=3, keep_ended_jobs=30) as engine:
        engine.follow(lambda event: events_of.setdefault(event.detail.record.number, []).append(event))
        with ThreadPoolExecutor(4) as clients:
            list(clients.map(partial(client, engine), range(4)))
        assert engine.wait_drained(PATIENCE_S)
    kept = {number for number, _ in engine.jobs()}
    for number, events in events_of.items():
        kinds = " ".join(event.kind for event in events)
        assert re.fullmatch("accepted( started( progress)*)? ended( removed)?", kinds)
        assert kinds.endswith("removed") == (number not in kept)
        shares = [event.detail.progress for event in events if event.kind == "progress"]
        assert shares == sorted(shares)
    assert {file.name for file in (tmp_path / "results").iterdir()} <= {job_id(number) for number in kept}
