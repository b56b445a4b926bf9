"""The name by which this host is known where several share their jobs: its own, and the same after a restart."""

from __future__ import annotations

import contextlib
import re
import uuid
from pathlib import Path

from meantime.durable import durable_file

_FILE = "host-name"


def host_name(state: Path) -> str:
    """Return the name that is kept in a state directory, which is there; a new one if there is none, or a damaged one.

    A host that comes back under another name has its jobs taken over by the others, as if it were lost.
    """
    path = state / _FILE
    with contextlib.suppress(OSError, ValueError):
        if re.fullmatch(r"[0-9a-f-]{36}", name := path.read_text("ascii").strip()):
            return name
    name = str(uuid.uuid4())
    with durable_file(path) as out:
        out.write(f"{name}\n".encode())
    return name
