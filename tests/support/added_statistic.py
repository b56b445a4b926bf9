"""Meantime with one statistic more: a file that is put into ``families``, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import excess
from tests.support.command_line import meantime
from tests.support.server_process import RunningServer, environment
from tests.support.waiting import PATIENCE_S

# The folder is a part of the package, as if the file were in the package's own folder.
_PROGRAM = """
import sys
from meantime.statistics import families
families.__path__.append(sys.argv.pop(1))
from meantime.cli import main
main(prog_name="meantime")
"""


class MeantimeWithExcess:
    """Runs commands that know the statistic ``excess``, over the built-in sample."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.families = folder / "families"
        self.families.mkdir()
        shutil.copy(excess.__file__, self.families)
        self.sample = folder / "sample.csv"
        assert meantime("sample", "--rows", "20000", "--out", str(self.sample)).returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(self.families), *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    @contextmanager
    def serving(self) -> Iterator[RunningServer]:
        """Serve the sample."""
        command = ("-c", _PROGRAM, str(self.families), "serve")
        server = RunningServer(f"sample={self.sample}", state_dir=self._folder / "state", command=command)
        try:
            yield server.ready()
        finally:
            server.close()
