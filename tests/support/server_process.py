"""A real server in a real process, for tests that ask it over real HTTP."""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx

from tests.support.server_copies import ServerTemplate
from tests.support.waiting import PATIENCE_S, poll

# For all questions of the sample: 30 s on an idle machine, ten times as long on one where much else runs.
_CONFORMANCE_S = 500
_SERVE = ("-m", "meantime", "serve")


class RunningServer:
    """`meantime serve` as a child process, on a free port, with a state directory of the test's own.

    One that ends although no test has ended it fails the test that closes it, with its exit code and its output.
    """

    def __init__(
        self,
        *arguments: str,
        state_dir: Path,
        command: Sequence[str] = _SERVE,
        listens: str = r"listens at (http://\S+?)/? ",
        **settings: str,
    ) -> None:
        self.state_dir = state_dir
        self.output: list[str] = []
        self._has_output = threading.Condition()
        self._may_end = False
        self.process = self._popen(
            [*command, *arguments],
            environment() | {"MEANTIME_PORT": "0", "MEANTIME_STATE_DIR": str(state_dir)} | settings,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.url = self.wait_for(listens)[1]
        except BaseException:
            self._may_end = True  # the exception says more
            self.close()
            raise
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_S)

    def _popen(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        template = _template(os.getpid()) if tuple(command[:3]) == _SERVE else None
        if template and template.serves(environment):
            return cast("subprocess.Popen[str]", template.copy(list(command[1:]), environment))
        return subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._has_output:
                self.output.append(line)
                self._has_output.notify_all()
        with self._has_output:
            self.output.append("<end>\n")
            self._has_output.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the server has printed a line that matches."""

        def search() -> re.Match[str] | None:
            return next((match for line in self.output if (match := re.search(pattern, line))), None)

        with self._has_output:
            self._has_output.wait_for(lambda: search() or "<end>\n" in self.output, timeout=PATIENCE_S)
        match = search()
        assert match, f"the server never said {pattern}; {self._standing()}"
        return match

    def _standing(self) -> str:
        """Say whether it runs, and all that it has said."""
        if "<end>\n" in self.output:
            # It has closed its standard error, and so is about to end.
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=PATIENCE_S)
        code = self.process.poll()
        standing = "it runs" if code is None else f"it has ended with exit code {code}"
        return f"{standing}. Its output:\n{''.join(self.output)}"

    def still_runs(self) -> None:
        """Fail with the exit code and the output of a server that has ended by itself."""
        assert self._may_end or self.process.poll() is None, f"nobody ended the server, but {self._standing()}"

    def ready(self) -> RunningServer:
        """Wait until every data set is decided."""
        self.wait_for("data set (ready|failed)")
        return self

    def ask(self, statistic: str, **body: str) -> str:
        """Post a question and return the job id."""
        reply = self.client.post(f"/api/{statistic}", json=body)
        assert reply.status_code == 200, reply.text
        job_id: str = reply.json()["job_id"]
        return job_id

    def result(self, job_id: str) -> Any:
        """Wait for the result as any client of the classic API does: by asking again."""
        reply = poll(
            lambda: self.client.get(f"/api/get_results/{job_id}").json(), lambda body: body["status"] != "running"
        )
        assert reply["status"] == "done", reply
        return reply["data"]

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        self.process.send_signal(signum)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, also of what the server started, and return the exit code."""
        self._may_end = True
        code = self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=PATIENCE_S)
        is_silent = not self._reader.is_alive()
        self.close()
        assert is_silent, f"{PATIENCE_S} s after the server a process that it started still runs"
        return code

    def close(self) -> None:
        """Leave no processes, whatever happened: none that the server started either."""
        ended_by_itself = self.process.poll() is not None and not self._may_end
        self._may_end = True
        if self.process.poll() is None or self._reader.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=PATIENCE_S)
        # Closing a stream that is still read would wait without a bound.
        assert not self._reader.is_alive(), (
            f"somebody still holds the standard error of a server killed {PATIENCE_S} s ago"
        )
        if self.process.stderr:
            self.process.stderr.close()
        if hasattr(self, "client"):
            self.client.close()
        assert not ended_by_itself, f"nobody ended the server, but {self._standing()}"


@cache
def _template(process: int) -> ServerTemplate | None:  # noqa: ARG001 - the cache is by it
    """Return what the servers of a process are copied from; None outside of tests, and where copies may lack something.

    Each process has its own: one that was forked from another would read answers that are meant for that.
    """
    if sys.platform != "linux" or "PYTEST_VERSION" not in os.environ:
        return None
    template = ServerTemplate(environment())
    atexit.register(template.close)
    return template


def environment() -> dict[str, str]:
    """The environment without Meantime's settings."""
    ours = ("MEANTIME_", "TP_NUM_OF_THREADS", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # A crash of the interpreter says where every thread was.
    return kept | {"NO_COLOR": "1", "PYTHONFAULTHANDLER": "1"}


@contextmanager
def serving(*arguments: str, state_dir: Path, **settings: str) -> Iterator[RunningServer]:
    server = RunningServer(*arguments, state_dir=state_dir, **settings)
    try:
        yield server
    finally:
        server.close()


def keeps_the_contract(url: str, data: Path, *, question: str | None = None, may_stop: bool = True) -> None:
    """Run the conformance tests against a server over this file; one that may stop takes no jobs any more at their end.

    Thousands of jobs ask all questions for every state; a ``question`` alone has all claims and is asked in a tenth of
    the time.
    """
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/conformance", "-m", "live", "-q", "-n", "0"),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "--no-cov"),
        ],
        cwd=Path(__file__).parents[2],
        env={
            "PATH": os.environ["PATH"],
            "MEANTIME_URL": url,
            "DATA": str(data),
            "MEANTIME_MAY_STOP": str(int(may_stop)),
            **({"QUESTION": question} if question else {}),
        },
        capture_output=True,
        text=True,
        timeout=_CONFORMANCE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
