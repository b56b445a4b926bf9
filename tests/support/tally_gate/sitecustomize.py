"""Makes the child process of a worker wait at a gate, and workers ones of another version or that send small pieces.

Imported by every Python process that has this folder in PYTHONPATH; see tests/support/dask_cluster.py.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

if sys.orig_argv[-1] == "meantime.dataset.reading.reader_process":
    import meantime.dataset.reading.cluster.tallying as tallying

    _tally_file = tallying.tally_file

    def _tally_when_let_through(task: tallying.TallyTask) -> Path:
        # The look at the first file is let through: what comes after it is held.
        if task.order.first is not None:
            with Path(os.environ["TALLY_GATE"]).open("rb") as gate:
                fcntl.flock(gate, fcntl.LOCK_SH)
        return _tally_file(task)

    tallying.tally_file = _tally_when_let_through
elif os.environ.get("OTHER_DUCKDB"):
    import duckdb

    duckdb.__version__ = os.environ["OTHER_DUCKDB"]
elif os.environ.get("PIECE_BYTES"):
    import meantime.dataset.reading.cluster.dask_workers as dask_workers

    dask_workers.PIECE_BYTES = int(os.environ["PIECE_BYTES"])
