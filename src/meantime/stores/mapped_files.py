"""Whether a file that is mapped into memory can be written to whatever happens.

SQLite maps the index of its log. Where a file system copies each page before it changes it, as Btrfs does, a full disk
or an exceeded quota turns such a write into SIGBUS, which ends the process; there is nobody whom it could tell.
"""

from __future__ import annotations

import re
from pathlib import Path

# The mounts of this process; see proc_pid_mountinfo(5). Other systems have no Btrfs.
MOUNTS = Path("/proc/self/mountinfo")
_COPYING = frozenset({"btrfs"})


def may_break(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether writing to mapped files of this folder may end the process."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    kind, depth = "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]))
        # Of two at one point, the later one hides the other.
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = after.split(" ")[0], len(point.parts)
    return kind in _COPYING
