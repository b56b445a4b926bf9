"""Runs a server under another clock, or with few descriptors.

python -m reliability.conditions CONDITION VALUE -m MODULE ...
"""

from __future__ import annotations

import resource
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

from reliability.scene import Front


def under(front: Front, condition: str, value: object) -> Front:
    """Return the front under a condition of ``CONDITIONS``."""
    command = ("-m", "reliability.conditions", condition, str(value), *front.command)
    return front._replace(name=f"{front.name}, {condition}", command=command)


def _clock(file: str) -> None:
    """Let the time of day be as many seconds ahead as the file says, which is read each time."""
    true_time, ahead = time.time, Path(file)
    time.time = lambda: true_time() + float(ahead.read_text(encoding="ascii"))


def _descriptors(limit: str) -> None:
    """Let the process have so many descriptors, and raise no limit."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), int(limit)))


CONDITIONS: dict[str, Callable[[str], None]] = {"clock": _clock, "descriptors": _descriptors}

if __name__ == "__main__":
    _, condition, value, _, module, *arguments = sys.argv
    CONDITIONS[condition](value)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
