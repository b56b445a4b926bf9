"""How far a data set has come: loading, ready, or failed; and the outcome of reading it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import Snapshot
from meantime.errors import MeantimeError

# Reading has not begun: other data sets are read first.
WAITING = Progress(phase="waiting", share=0.0, rows=None)


@dataclass(frozen=True, slots=True)
class Loading:
    """It is being read, or waits for its turn."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Ready:
    """It is loaded."""

    snapshot: Snapshot
    reloading: Progress | None = None  # of a reload that is running or waits for its turn
    reload_error: MeantimeError | None = None  # why the last reload failed: the snapshot is older than the files


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be loaded; only a reload or a restart will try again."""

    error: MeantimeError
    reloading: Progress | None = None


Status = Loading | Ready | Failed


def progress_of(status: Status) -> Progress | None:
    """Return the progress of the reading that is running or waiting; None if there is none."""
    return status.progress if isinstance(status, Loading) else status.reloading


class ReloadOutcome(StrEnum):
    """What reading a source again led to."""

    REPLACED = "replaced"  # another snapshot is served from now on
    UNCHANGED = "unchanged"  # the files are the same, or have the same content
