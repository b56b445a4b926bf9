"""The command line for a test: in this process where that shows the same, otherwise in a separate one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from meantime.cli import main
from meantime.dataset.reading import ingestor
from meantime.dataset.reading.source_reader import read_source
from tests.support.waiting import PATIENCE_S

# Wide enough that no table is cut, and without colors; a test may say otherwise.
_TERMINAL = {"NO_COLOR": "1", "COLUMNS": "200"}
# The command must not inherit settings of the developer's shell, or of coverage.
_NOT_INHERITED = ("MEANTIME_", "COV_")


def meantime(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process. An unforeseen error ends the test: in a process it would be a traceback."""
    unset = dict.fromkeys(name for name in os.environ if name.startswith(_NOT_INHERITED))
    ran = CliRunner(catch_exceptions=False).invoke(
        main, arguments, prog_name="meantime", env={**unset, **_TERMINAL, **environment}
    )
    return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)


@contextmanager
def reading_here() -> Iterator[None]:
    """Let commands read files in this process, by what the reading process runs: to start one takes longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ingestor, "run_reader", lambda task, _watch, on_progress, _cancelled: read_source(task, on_progress)
        )
        yield


def meantime_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process, to its end: for what an interpreter, signals, pipes and locks have to do with."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return subprocess.run(
        [sys.executable, "-m", "meantime", *arguments],
        env={**inherited, **_TERMINAL, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
