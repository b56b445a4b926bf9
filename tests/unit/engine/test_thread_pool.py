from __future__ import annotations

import queue
import threading

from meantime.engine.thread_pool import Task, ThreadPool
from tests.support.waiting import PATIENCE_S, poll


class Tasks:
    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.deaths: list[tuple[str, BaseException]] = []

    def pool(self, size: int) -> ThreadPool:
        return ThreadPool(
            size=size, take=self.waiting.get, on_death=lambda role, error: self.deaths.append((role, error))
        )


def test_tasks_run_in_all_threads_each_with_its_own_name() -> None:
    tasks, together, names = Tasks(), threading.Barrier(3), []
    pool = tasks.pool(3)

    def meet() -> None:
        together.wait(PATIENCE_S)  # passes only if three run at the same time
        names.append(threading.current_thread().name)

    pool.start()
    for _ in range(3):
        tasks.waiting.put(meet)
    for _ in range(3):
        tasks.waiting.put(None)
    assert pool.join() == 0
    assert sorted(names) == ["meantime-worker-1", "meantime-worker-2", "meantime-worker-3"]
    assert tasks.deaths == []


def test_join_returns_how_many_threads_still_run_after_the_wait() -> None:
    tasks, go_on = Tasks(), threading.Event()
    pool = tasks.pool(2)
    pool.start()
    tasks.waiting.put(lambda: _wait(go_on))
    tasks.waiting.put(None)
    poll(tasks.waiting.qsize, lambda left: left == 0)  # both have taken what they get
    assert pool.join(0.01) >= 1
    go_on.set()
    tasks.waiting.put(None)
    assert pool.join(PATIENCE_S) == 0


def _wait(go_on: threading.Event) -> None:
    go_on.wait(PATIENCE_S)


def test_a_thread_that_dies_is_reported() -> None:
    tasks = Tasks()
    pool = tasks.pool(1)

    def die() -> None:
        raise SystemExit("a bug")

    pool.start()
    tasks.waiting.put(die)
    assert pool.join(PATIENCE_S) == 0
    [(role, error)] = tasks.deaths
    assert role == "worker-1"
    assert isinstance(error, SystemExit)
