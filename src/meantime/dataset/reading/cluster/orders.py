"""What is sent to a worker, and what comes back beside the tally itself. As JSON, so that versions may differ."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from meantime.dataset.reading.arrangement import Arrangement
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.evidence import Evidence
from meantime.dataset.reading.file_table import FileTable
from meantime.dataset.reading.reader_messages import ReaderError
from meantime.dataset.reading.sniff import TextForm
from meantime.dataset.reading.source import READING_VERSION, Source
from meantime.dataset.reading.staging import OpenedFile
from meantime.dataset.snapshot import Rejected
from meantime.later import duckdb


class TableOfFile(msgspec.Struct, frozen=True, kw_only=True):
    """The table that a file becomes, of ``FileTable``; and the columns of the file as its header has them."""

    columns: tuple[str, ...]
    arrangement: Arrangement
    roles: dict[str, str]
    sample: list[list[str]] = []  # rows of the table, where somebody looks at them

    @classmethod
    def of(cls, columns: tuple[str, ...], table: FileTable, *, with_sample: bool = True) -> TableOfFile:
        """Return the same of a table."""
        sample = [list(row) for row in table.evidence.rows] if with_sample else []
        return cls(columns=columns, arrangement=table.arrangement, roles=dict(table.roles), sample=sample)

    @property
    def table(self) -> FileTable:
        """The table."""
        evidence = Evidence(self.arrangement.columns, self.sample)
        return FileTable(arrangement=self.arrangement, roles=self.roles, evidence=evidence)


class OpenFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a file before its rows were read, of ``OpenedFile``."""

    name: str
    columns: tuple[str, ...]
    text: TextForm | None
    roles: dict[str, str]
    title: str
    said: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, opened: OpenedFile) -> OpenFile:
        """Return what is sent of a file."""
        return msgspec.convert(opened, cls, from_attributes=True)

    def opened(self, path: Path) -> OpenedFile:
        """Return the file as if it had been opened at this path."""
        return OpenedFile(path=path, **msgspec.structs.asdict(self))


class Tallied(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file beside its tally."""

    file: OpenFile
    table: TableOfFile
    lines: int = 0  # that are rows
    rejected_total: int = 0
    rejected: tuple[Rejected, ...] = ()  # the first ones
    most_rejected: float | None = None  # the file is refused beyond it; None if that is not known
    notes: tuple[tuple[int, str], ...] = ()


class TallyOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be tallied, or only looked at."""

    source: Source
    description: Description
    columns_by_hand: dict[str, str]
    title: str
    described_in: str
    rejected_limit: float
    memory_mb: int
    reserve_mb: int = 0
    # Of the file, and of this Meantime: set when it is sent.
    path: str = ""
    size_bytes: int = 0
    modified_ns: int = 0
    versions: dict[str, str] = {}
    first: TableOfFile | None = None  # the table of the first file; None to look at that, without tallying it


class TallyReply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order: either ``error`` or ``tallied`` is set, or ``digest`` where that has to agree first."""

    worker: str
    error: ReaderError | None = None
    tallied: Tallied | None = None
    digest: str | None = None  # of the file, where its time differs
    token: str = ""  # of this very tally: pieces of two must not be mixed
    size_bytes: int = 0  # of the tally


def our_versions() -> dict[str, str]:
    """Return what must be the same on all machines for a file to be read the same."""
    return {
        "meantime": f"{version('meantime')}, reading {READING_VERSION}",
        "python": ".".join(platform.python_version_tuple()[:2]),
        "duckdb": duckdb.__version__,
    }


def differing_versions(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return in words how the versions of a worker differ; "" if they do not.

    >>> differing_versions({"duckdb": "2.0.0", "python": "3.13"}, {"duckdb": "1.4.0", "python": "3.13"})
    'duckdb 1.4.0 instead of 2.0.0'
    """
    return " and ".join(
        f"{name} {there.get(name, '(none)')} instead of {number}"
        for name, number in here.items()
        if there.get(name) != number
    )


# Made at import, by one thread: see formats/document.py.
ORDER = msgspec.json.Decoder(TallyOrder)
REPLY = msgspec.json.Decoder(TallyReply)
TALLIED = msgspec.json.Decoder(Tallied)
