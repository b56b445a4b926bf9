"""What a reading process and its parent send each other: JSON objects, one a line."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.errors import MeantimeError


class ReaderTask(msgspec.Struct, frozen=True, kw_only=True):
    """What every task of a reading process has."""

    source: Source
    work: str  # a folder for temporary files, removed by its creator
    memory_mb: int


class ReaderInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent sends: the task and its own process id."""

    task: msgspec.Raw  # as JSON
    parent: int


class ReaderError(msgspec.Struct, frozen=True, kw_only=True):
    """A ``MeantimeError``, sent to the parent."""

    kind: str  # name of its class in meantime.errors
    message: str
    operator_message: str  # with paths and details
    data: dict[str, Any]  # its attributes apart from the messages

    @classmethod
    def of(cls, error: MeantimeError) -> ReaderError:
        """Return what is sent of an error; ``child_process.raised_error`` makes it one again."""
        return cls(
            kind=type(error).__name__,
            message=error.reason,
            operator_message=error.operator_reason,
            data={name: value for name, value in vars(error).items() if not name.startswith("_")},
        )


class ReaderMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line to the parent; exactly one field is set."""

    progress: Progress | None = None
    folder: str | None = None  # what the task results in, of a reading the snapshot: it is complete
    error: ReaderError | None = None


def order_of(task: ReaderTask, *, parent: int) -> bytes:
    """Return the line that a parent sends: what is to be done, and its own process id."""
    return msgspec.json.encode(ReaderInput(task=msgspec.Raw(msgspec.json.encode(task)), parent=parent)) + b"\n"
