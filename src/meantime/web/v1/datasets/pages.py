"""Lists of data sets and of rejected lines, and the outcome of a reload, as clients see them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from meantime.dataset.snapshot import Rejected
from meantime.text import writable
from meantime.web.v1.datasets.resource import DatasetResource, DatasetSummary, described

# A page of lines for people; and all that are remembered of a file (staging.py), for programs.
PAGE = 100
PAGE_LIMIT = 1000


class DatasetList(msgspec.Struct, frozen=True, kw_only=True):
    """Every data set, in the order in which the server was given them."""

    datasets: list[DatasetSummary]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload has come to."""

    outcome: Annotated[
        Literal["replaced", "unchanged", "reading"],
        described(
            "replaced: another content is served from now on. unchanged: nothing new was in the files. "
            "reading: it is under way, and what was served still is."
        ),
    ]
    dataset: DatasetResource


class RejectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str
    line: Annotated[int, described("From 1, the header included.", ge=1)]
    reason: str


class RejectedPageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list goes on."""

    next: str | None


class RejectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rejected lines, by file and then by line."""

    dataset: str
    fingerprint: str
    total: Annotated[int, described("Lines that were rejected.")]
    known: Annotated[int, described("How many of them are remembered, and listed here: the first ones.")]
    rejected: list[RejectedLine]
    next: Annotated[str | None, described("Cursor of the page behind this one; null on the last.")]
    links: RejectedPageLinks


def _rejected(line: Rejected) -> RejectedLine:
    return RejectedLine(file=writable(line.file), line=line.line, reason=writable(line.reason))
