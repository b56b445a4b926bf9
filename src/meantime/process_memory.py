"""How much memory another process has."""

from __future__ import annotations

import os
from pathlib import Path


def resident_mb(process: int) -> float:
    """Return the memory that a process has; 0 where it has ended, or where the system does not show it."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
