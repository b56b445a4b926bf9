"""Whatever was acknowledged is there after a kill, several times over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meantime.model import JobState
from tests.support import crash_driver
from tests.support.engine_fakes import request
from tests.support.examples import one_in
from tests.support.waiting import PATIENCE_S

_ROOT = Path(__file__).parents[2]
_KILLS = one_in(6)


@contextmanager
def driver(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}
    with subprocess.Popen(
        [sys.executable, crash_driver.__file__, *arguments], stdout=subprocess.PIPE, env=environment, cwd=_ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged_until_killed(folder: Path, round_name: str, after: int) -> dict[int, str]:
    """Let a server accept jobs, kill it when it has acknowledged so many, and return all that it has."""
    numbers: dict[int, str] = {}
    with driver(str(folder), "accept", round_name) as process:
        assert process.stdout is not None
        for line in process.stdout:
            number, token = line.decode().split()
            numbers[int(number)] = token
            if len(numbers) == after:
                process.send_signal(signal.SIGKILL)  # the lines that it has written until now are still read
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    return numbers


def test_every_acknowledged_job_is_there_after_several_kills_and_its_key_makes_no_other(tmp_path: Path) -> None:
    moments = random.Random(20)  # noqa: S311 - the same moments each time
    acknowledged: dict[int, str] = {}
    for kill in range(_KILLS):
        numbers = acknowledged_until_killed(tmp_path, f"round{kill}", after=moments.randint(1, 400))
        assert not numbers.keys() & acknowledged.keys()  # no number twice
        acknowledged |= numbers
    engine = crash_driver.open_engine(tmp_path)
    engine.start()
    try:
        assert engine.wait_drained(PATIENCE_S)
        states = dict(engine.jobs())
        assert {states.get(number) for number in acknowledged} == {JobState.DONE}
        for number, token in acknowledged.items():
            assert engine.read_result(number).result(PATIENCE_S) == repr([("token", token)]).encode()
            if (key := crash_driver.key_of(token)) is not None:
                # As a client does that has not heard the answer.
                again = engine.submit([request(token=token)], key=key).result(PATIENCE_S)
                assert [job.number for job in again] == [number]
    finally:
        engine.stop()


def test_a_job_that_kills_its_server_three_times_fails_and_no_other_does(tmp_path: Path) -> None:
    with driver(str(tmp_path), "poison") as process:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    for _ in range(2):
        with driver(str(tmp_path), "work") as process:
            assert process.wait(PATIENCE_S) == -signal.SIGKILL
    with driver(str(tmp_path), "work") as process:
        assert process.wait(PATIENCE_S) == 0
    engine = crash_driver.open_engine(tmp_path)
    engine.start()
    try:
        states = dict(engine.jobs())
        assert [number for number, state in states.items() if state is not JobState.DONE] == [4]
        failure = engine.look_up(4).failure
        assert failure is not None
        assert failure.code == "lost-thrice"
    finally:
        engine.stop()
