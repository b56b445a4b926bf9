"""What a process of Python imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.server_process import environment
from tests.support.waiting import PATIENCE_S

# What takes longer to import than all that a command for a running server needs.
SLOW_TO_IMPORT = frozenset(
    {"asgi", "starlette", "uvicorn", "duckdb", "numpy", "scipy", "nanoarrow", "xlsxwriter", "structlog"}
)


def imported_by(*arguments: str, folder: Path | None = None, code: int = 0) -> frozenset[str]:
    """Run Python with these arguments to this exit code, and return the names of all modules that it imported."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    times = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    return frozenset(line.rpartition("|")[2].strip() for line in times)
