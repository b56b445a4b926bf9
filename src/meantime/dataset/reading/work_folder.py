"""The folder for temporary files of a reading: locked while it lasts, removed at its end or before the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from meantime.errors import LoadFailed

_WORK = ".reading-"


@contextmanager
def work_folder(into: Path) -> Iterator[Path]:
    """Make a folder for temporary files and remove it afterwards; also remove those of crashed runs.

    A folder is locked while its run lasts; the system releases the lock when the process ends.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        # Locked while folders are made and checked: a new one has no lock yet and would seem abandoned.
        with _locked(into):
            for folder in into.glob(f"{_WORK}*"):
                _remove_if_abandoned(folder)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=into))
            held = os.open(work, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        raise LoadFailed(f"The server cannot store snapshots: {error.strerror}.").for_operator(
            f"Snapshots cannot be stored in {into}: {error.strerror}. Set another state_dir."
        ) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(held)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(FileNotFoundError):
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another run is using it
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(held)
