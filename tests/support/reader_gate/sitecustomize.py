"""Makes a reading process wait at a gate: imported by every Python process that has this folder in PYTHONPATH.

See tests/support/held_reading.py, which holds the gate.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

if sys.orig_argv[-1] == "meantime.dataset.reading.reader_process":
    from meantime.dataset.reading import source_reader
    from meantime.dataset.reading.progress import Progress

    _read_source = source_reader.read_source

    def _read_when_let_through(task: source_reader.ReadingTask, on_progress: Callable[[Progress], None]) -> Path:
        with Path(os.environ["READER_GATE"]).open("rb") as gate:
            fcntl.flock(gate, fcntl.LOCK_SH)
        return _read_source(task, on_progress)

    source_reader.read_source = _read_when_let_through
