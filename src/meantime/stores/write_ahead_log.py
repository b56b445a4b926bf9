"""Whether the write-ahead log of a database was damaged after it was written.

SQLite takes of a log what comes before the first frame that does not match its checksum. So it drops what a power cut
has left unfinished, which nobody was told of; but from a flipped bit on it also drops commits that were acknowledged.
Commits behind the place where SQLite ends are no proof of that: if the power fails while the log is begun anew, some
may be left that are in the database already. Whether a job is missing, its last number tells (``sqlite_files``). The
forms of the log and of its index are those of https://www.sqlite.org/walformat.html.
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
# Where the index has the number of frames that SQLite takes.
_TAKEN_AT = 16


def commits_left_out(database: Path) -> int:
    """Return how many commits of its log SQLite does not take; somebody must have the database open.

    Raises:
        OSError: a file cannot be read; FileNotFoundError if there is no log.
    """
    log = database.with_name(database.name + "-wal").read_bytes()
    index = database.with_name(database.name + "-shm").read_bytes()
    if len(log) <= _HEADER_BYTES:
        return 0
    (taken,) = struct.unpack_from("=I", index, _TAKEN_AT)
    (salt,) = struct.unpack_from(">I", log, 20)
    with database.open("rb") as file:
        page_bytes = int.from_bytes(file.read(18)[16:])
    frame_bytes = _FRAME_HEADER_BYTES + (65_536 if page_bytes == 1 else page_bytes)
    left_out = 0
    for at in range(_HEADER_BYTES + taken * frame_bytes, len(log) - frame_bytes + 1, frame_bytes):
        _, pages_after_commit, _, own_salt = struct.unpack_from(">4I", log, at)
        # Frames from before the log was begun anew have another salt, which is drawn at random. One that differs in a
        # single bit is damaged.
        left_out += pages_after_commit != 0 and (own_salt ^ salt).bit_count() <= 1
    return left_out
