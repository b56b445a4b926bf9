"""A server without a web: started by test_crash.py, and killed by it.

python crash_driver.py FOLDER accept ROUND   takes up what is there, then accepts jobs without end and tells of each
python crash_driver.py FOLDER poison         accepts jobs among which one kills the process, then works until all ended
python crash_driver.py FOLDER work           works until all ended
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from meantime.engine.engine import Engine
from meantime.engine.wiring import create_engine
from meantime.model import IdempotencyKey, JobRecord, Request, Work
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import FakeCompute, FakeGate, request

# Jobs whose acceptance is under way at a time: enough for groups in which several calls are committed together.
_IN_FLIGHT = 48


def open_engine(folder: Path) -> Engine:
    """An engine over the real stores in a folder."""
    return create_engine(
        jobs=SqliteJobStore(folder / "jobs.sqlite3", on_broken=_die),
        results=ResultFiles(folder / "results"),
        compute=FakeCompute(poison=_poison),
        gate=FakeGate(),
        clock=time.time,
        threads=2,
        queue_limit=1_000_000,
        job_time_limit_s=1000.0,
        keep_ended_s=1e9,
        keep_ended_jobs=1_000_000,
        on_fatal=_die,
    )


def key_of(token: str) -> IdempotencyKey | None:
    """What a job is accepted under: every second one has a key."""
    return IdempotencyKey(key=token, digest="d") if int(token.rpartition("-")[2]) % 2 else None


def _die(error: BaseException) -> None:
    print("fatal", repr(error), file=sys.stderr, flush=True)  # noqa: T201 - told to the test
    os._exit(3)


def _poison(_request: Request, _work: Work) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def _accept(engine: Engine, round_name: str) -> None:
    # What the last kill has left comes to its end first: each job may be killed under at most twice.
    engine.wait_drained(None)
    slots = threading.Semaphore(_IN_FLIGHT)
    index = 0
    while True:
        slots.acquire()
        token = f"{round_name}-{index}"
        engine.submit([request(token=token)], key=key_of(token)).add_done_callback(partial(_tell, token, slots))
        index += 1


def _tell(token: str, slots: threading.Semaphore, accepted: Future[list[JobRecord]]) -> None:
    [job] = accepted.result()
    # One write, so that a kill leaves a whole line or none.
    os.write(1, f"{job.number} {token}\n".encode())
    slots.release()


def main(folder: str, action: str, *more: str) -> None:
    """Do one of the actions above."""
    engine = open_engine(Path(folder))
    engine.start()
    if action == "accept":
        _accept(engine, *more)
    if action == "poison":
        # One among others, all claimed together.
        engine.submit([request("poison" if index == 3 else "echo", index=index) for index in range(8)]).result()
    engine.wait_drained(None)
    engine.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
