"""How far a data set has come: loading, ready, or failed; and the outcome of reading it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import Snapshot
from meantime.errors import DataError, LoadMemoryTooSmall, MeantimeError, SourceChanged

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
    """It could not be loaded.

    Jobs that wait for it fail if its files are at fault. Any other trouble is not theirs: they are kept, and wait.
    """

    error: MeantimeError
    reloading: Progress | None = None

    @property
    def is_by_files(self) -> bool:
        """Whether its files are at fault, so that only other files help, with a reload or a restart."""
        # A file that was replaced while it was read is complete a moment later.
        return isinstance(self.error, DataError) and not isinstance(self.error, SourceChanged)

    @property
    def is_tried_again(self) -> bool:
        """Whether the trouble may pass, so that the files are read again without being asked to."""
        return not self.is_by_files and not isinstance(self.error, LoadMemoryTooSmall)

    @property
    def reason(self) -> str:
        """Why, and what becomes of the jobs that wait for it."""
        return self._with_outlook(self.error.reason)

    @property
    def operator_reason(self) -> str:
        """The same for who runs the server, with paths and details."""
        return self._with_outlook(self.error.operator_reason)

    def _with_outlook(self, reason: str) -> str:
        if self.is_by_files:
            return reason
        if self.is_tried_again:
            return f"{reason} Reading is tried again automatically. Jobs for this data set are kept until then."
        return f"{reason} Jobs for this data set are kept until the server is started with another setting."


Status = Loading | Ready | Failed


def progress_of(status: Status) -> Progress | None:
    """Return the progress of the reading that is running or waiting; None if there is none."""
    return status.progress if isinstance(status, Loading) else status.reloading


class ReloadOutcome(StrEnum):
    """What reading a source again led to."""

    REPLACED = "replaced"  # another snapshot is served from now on
    UNCHANGED = "unchanged"  # the files are the same, or have the same content
