"""A DuckDB connection for reading, with a bound on its memory; and its errors in words that help."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meantime.dataset.machine_trouble import is_disk_full, is_machine_trouble
from meantime.dataset.reading.source import Source, label_of
from meantime.errors import LoadFailed, LoadMemoryTooSmall
from meantime.later import duckdb

# DuckDB's part of the memory; the rest is for Python, numpy, and what DuckDB does not count. With half it writes with
# a single thread and takes twice as long (5 million rows: 11.1 s instead of 5.9 s).
_DUCKDB_SHARE_OF_MEMORY = 2 / 3
# What getrusage counts in.
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
# More threads hold more rows at a time, and memory is limited.
_MOST_THREADS = 4


@contextmanager
def connect(*, work: Path, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to an empty database that spills to ``work`` and reads nothing but local files."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{int(memory_mb * _DUCKDB_SHARE_OF_MEMORY)}MiB",
        "threads": min(cores, _MOST_THREADS),
        "temp_directory": str(work / "spilled"),
        # DuckDB must not download extensions: what it cannot do by itself, it does not do.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
    with duckdb.connect(config=config) as database:
        database.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        database.execute("SET lock_configuration = true")
        yield database


def explain(error: Exception, *, source: Source, into: str, memory_mb: int) -> Exception:
    """Return the error in our words where we know what to do about it; other errors as they are."""
    label = label_of(source)
    if is_disk_full(error):
        return disk_full(into, "is full")
    if isinstance(error, duckdb.OutOfMemoryException):
        # Of its own limit DuckDB says how much of it is in use, of a refusal by the system it cannot.
        return memory_too_small(memory_mb) if " used)" in str(error) else memory_refused(memory_mb)
    if isinstance(error, OSError) or is_machine_trouble(error):
        text = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        return LoadFailed(f"Reading {label} failed because of a trouble of the server's machine.").for_operator(
            f"Reading {source.path} failed: {text}"
        )
    return error


def disk_full(folder: str | Path, how: str) -> LoadFailed:
    """Return the error that asks for space on the disk with a folder; ``how`` says what is wrong with the disk."""
    what = "Reading needs about as much free space as the files take"
    return LoadFailed(f"The server's disk {how}. {what}.").for_operator(
        f"The disk with {folder} {how}. {what}. Free some space, or set another state_dir."
    )


def memory_refused(memory_mb: int) -> LoadFailed:
    """Return the error of this process, to which the system gave no more memory, below the limit of our own."""
    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES / 2**20
    return LoadFailed(
        f"The system refused memory to the reading process, which used {used_mb:,.0f} MB and may use {memory_mb:,} MB "
        "(load_memory_mb). Free some memory, raise the system's limit (ulimit -v, or that of the container), or lower "
        "load_memory_mb, which makes reading slower."
    )


def memory_too_small(memory_mb: int) -> LoadMemoryTooSmall:
    """Return the error that asks for a higher limit of our own."""
    return LoadMemoryTooSmall(
        f"Reading needs more memory than the {memory_mb:,} MB it may use. Raise the setting load_memory_mb: start with "
        f"MEANTIME_LOAD_MEMORY_MB={2 * memory_mb}, or remove questions, places, groups or years from the file."
    )


def first_line(error: BaseException) -> str:
    """Return what an error of DuckDB says, without the query that it quotes below."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
