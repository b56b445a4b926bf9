"""The time of day that the engine last saw, in a file beside the database."""

from __future__ import annotations

import math
from pathlib import Path

from meantime.engine.ports import LastSeen
from meantime.stores.checked_file import CheckedFile


class LastSeenFile:
    """Keeps the time across restarts. After a power cut it may be older than it was; a damaged one counts as none."""

    def __init__(self, path: Path) -> None:
        self._file = CheckedFile(path)

    def read(self) -> LastSeen | None:
        """Return the last note, if there is one."""
        try:
            at_s, held_s = map(float, (self._file.read() or "").split())
        except ValueError:
            return None
        return LastSeen(at_s=at_s, held_s=held_s) if math.isfinite(at_s) and math.isfinite(held_s) else None

    def write(self, seen: LastSeen) -> None:
        """Keep a note, as far as that is possible."""
        self._file.write(f"{seen.at_s:020.3f} {seen.held_s:012.3f}")
        self._file.close()
