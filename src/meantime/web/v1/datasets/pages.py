"""Lists of data sets and of rejected lines, and the outcome of a reload, as clients see them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from meantime.dataset.snapshot import Rejected
from meantime.text import writable
from meantime.web.v1.datasets.resource import DatasetResource, DatasetSummary, described

# A page that people can read, and as many lines as are recorded for a file (staging.py).
PAGE = 100
PAGE_LIMIT = 1000


class DatasetList(msgspec.Struct, frozen=True, kw_only=True):
    """Every data set, in the order of the command line."""

    datasets: list[DatasetSummary]
    may_reload: Annotated[bool, described("Whether who asks may reload them.")]
    may_upload: Annotated[bool, described("Whether who asks may upload a table, and remove it.")]


class TableDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of an uploaded table: the TOML file next to it."""

    toml: Annotated[str, described("As docs/data.md describes it; empty where nothing is said.", max_length=65536)]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a reload."""

    outcome: Annotated[
        Literal["replaced", "unchanged", "reading"],
        described(
            "replaced: the new content is now served. unchanged: the files contained nothing new. reading: the "
            "reload is in progress, and the previous data is still served."
        ),
    ]
    dataset: DatasetResource


class RejectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str
    line: Annotated[int, described("Line number, from 1, including the header.", ge=1)]
    reason: str


class RejectedPageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """The next page."""

    next: str | None


class RejectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of rejected lines, by file and line."""

    dataset: str
    fingerprint: str
    total: Annotated[int, described("Number of rejected lines.")]
    known: Annotated[int, described("How many of them are recorded and can be listed; these are the first ones.")]
    rejected: list[RejectedLine]
    next: Annotated[str | None, described("Cursor of the next page; null on the last page.")]
    links: RejectedPageLinks


def rejected_line(line: Rejected) -> RejectedLine:
    """Describe a rejected line to clients."""
    return RejectedLine(file=writable(line.file), line=line.line, reason=writable(line.reason))
