"""Which errors are the machine's trouble and not a file's: they may pass, and say nothing about what is in a file."""

from __future__ import annotations

import errno
import os

from meantime.descriptors import NO_SPACE, PASSING
from meantime.later import duckdb

# Besides what the machine has too little of: a disk or a network share that does not answer.
_TROUBLES = PASSING | {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN}
# DuckDB quotes the system's text but not its number. When the disk has no space to spill to, it names this setting.
_FULL_TEXTS = (*map(os.strerror, NO_SPACE), "max_temp_directory_size")
_TROUBLE_TEXTS = tuple(map(os.strerror, _TROUBLES))


def is_disk_full(error: BaseException) -> bool:
    """Whether an error of the system or of DuckDB says that there is no space or no quota left."""
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    return isinstance(error, duckdb.Error) and any(text in str(error) for text in _FULL_TEXTS)


def is_machine_trouble(error: BaseException) -> bool:
    """Whether an error of the system or of DuckDB is a trouble of the machine: memory, disk space, descriptors."""
    if isinstance(error, OSError):
        return error.errno in _TROUBLES
    if isinstance(error, duckdb.IOException):
        return is_disk_full(error) or any(text in str(error) for text in _TROUBLE_TEXTS)
    return isinstance(error, MemoryError | duckdb.OutOfMemoryException | duckdb.InterruptException)
