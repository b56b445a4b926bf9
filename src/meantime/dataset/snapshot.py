"""A snapshot: a table rolled up to a cube, what is known of it, and the fingerprint of its content.

How it is written to disk is in ``snapshot_writer``, how it is opened again in ``snapshot_folder``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from meantime.dataset.block_bytes import encode_block
from meantime.dataset.cube import Cube
from meantime.dataset.handover import Handover
from meantime.dataset.points import Points
from meantime.dataset.row_files import RowFiles
from meantime.dataset.standard_population import StandardPopulation

# Raise it when the same content would get another fingerprint. Version 1 was a digest of all cells at once. That some
# rows are exact copies became part of the content later; a table without copies has the fingerprint that it had before.
FINGERPRINT_VERSION = 2

# The roles that a tally has and the rows that it counts have not.
COUNTS = ("row_count", "distinct_rows")

Polarity = Literal["lower", "higher"]


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a survey, for the questions that have it. Part of the manifest on disk, so field names are kept."""

    year: int  # the first year with the change
    reason: str  # what changed
    source: str  # who says so


class QuestionMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a question apart from its rows. Polarity is data and is never guessed."""

    text: str
    topic: str = ""
    unit: str | None = None  # "percent"; None where neither the file nor a description gives one
    polarity: Polarity | None = None  # whether low or high values are good
    is_unit_inferred: bool = False  # the unit is only in the words of the question: "Percent of ..."
    # Breaks within its years, the earliest first; None where they are those that its text alone shows.
    breaks: tuple[Break, ...] | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str  # name of the file, without its folder
    line: int  # physical line, from 1, the header included
    reason: str


class TableOrigin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a table is from, as people or a portal said. Part of the manifest on disk, so field names are kept."""

    source: str = ""  # of its numbers: a survey and its year
    publisher: str = ""
    url: str = ""
    license: str = ""
    updated: str = ""  # when it was published

    def __str__(self) -> str:
        """Return what follows "Source:"; "" where nothing was said.

        >>> str(TableOrigin(source="Health Survey 2019", publisher="Health Office of Ruritania", license="CC BY 4.0"))
        'Health Survey 2019, Health Office of Ruritania, CC BY 4.0'
        """
        updated = f"updated {self.updated}" if self.updated else ""
        return ", ".join(filter(None, (self.source, self.publisher, updated, self.url, self.license)))


class SharedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a cluster has read, at a path that all machines share. Part of the manifest on disk."""

    path: str
    size_bytes: int
    modified_ns: int
    table: int = 0  # number of its table among those of ``SharedFiles.how``


class SharedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows are of which a snapshot has only tallies. Part of the manifest on disk."""

    files: tuple[SharedFile, ...]  # in the order of About.files
    how: str  # to read them again: ``HowToRead`` as JSON
    memory_mb: int  # that this may take


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a snapshot apart from its numbers. Part of the manifest on disk, so field names are kept."""

    title: str
    synthetic: bool  # made by `meantime sample`; shown wherever the data set is served
    roles: dict[str, str]  # role -> column in the file
    columns: tuple[str, ...]  # all columns of the file, in order
    questions: tuple[QuestionMetadata, ...]  # in order of the cube's question codes
    rows: int
    rejected_total: int
    rejected: tuple[Rejected, ...]  # the first of them, by file and line
    files: tuple[str, ...]  # names of the files, without their folders
    encoding: str
    delimiter: str
    decimal_mark: str
    warnings: tuple[str, ...] = ()  # for people: columns not used, a guessed decimal mark
    # What 95% limits were computed from when the file was read, in words: "margins of error". "" where it has them.
    limits_from: str = ""
    points: Points = Points()  # where locations are, for maps
    standards: tuple[StandardPopulation, ...] = ()  # those that its description declares, by name
    origin: TableOrigin = TableOrigin()
    rows_differ_in: tuple[str, ...] = ()  # columns that tell rows of one cell apart
    copies: int | None = None  # rows that are exact copies of another; None where an older version did not count them
    why: dict[str, str] = {}  # role -> why it has its column, in words
    constants: dict[str, str] = {}  # role -> what all rows have, where no column of the file says it
    plain: tuple[str, ...] = ()  # roles whose texts are not plain: the rows have a plain column beside the file's
    table: str = ""  # the address of the table in a database that was counted; it has no password
    left_out: tuple[str, ...] = ()  # columns of that table by which it was not counted: they are empty in the rows
    shared: SharedFiles | None = None  # of a table that a cluster has read: its row files are tallies


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """What statistics are computed from."""

    fingerprint: str
    cube: Cube
    about: About
    # Where its rows are on disk; None for a snapshot made in memory. They are not part of the content: results depend
    # on the rows, not on where they are stored.
    row_files: RowFiles | None = None
    handover: Handover = field(default_factory=Handover, repr=False)


def fingerprint(cube: Cube, about: About) -> str:
    """Return the digest of the content: the same for the same content, whatever the row order or the file format.

    It covers everything a result can depend on: cells, labels, scale, reasons for missing values, roles, each
    question's unit, polarity and breaks, standard populations, where the table is from (which results name), and
    whether it is synthetic. It does not cover the title, file names, rejected lines, encoding, delimiter, line numbers,
    points, or columns without a role.

    It is a digest over the questions' digests, so that two tables tell which of their questions differ.
    """
    contents = (
        encode_block(cube.labels, cube.block(code).cells, scale=cube.scale).content
        for code in range(len(cube.labels.questions))
    )
    return fingerprint_of_questions(map(question_digest, contents, about.questions), about, scale=cube.scale)


def question_digest(content: str, question: QuestionMetadata) -> str:
    """Return the digest of a question: of its cells (``block_bytes``) and what else results can depend on."""
    breaks = None if question.breaks is None else msgspec.to_builtins(question.breaks)
    return _digest([content, question.unit, question.polarity, breaks])


def fingerprint_of_questions(digests: Iterable[str], about: About, *, scale: int) -> str:
    """Return the fingerprint of a table from the digests of its questions, in the order of their texts."""
    content: dict[str, Any] = {
        "version": FINGERPRINT_VERSION,
        "scale": scale,
        # A tally has the content of the rows that it counts.
        "roles": {role: column for role, column in about.roles.items() if role not in COUNTS},
        "synthetic": about.synthetic,
        "standards": msgspec.to_builtins(about.standards),
        "questions": list(digests),
    }
    if origin := msgspec.to_builtins(about.origin):
        content["origin"] = origin
    return _digest(content)


def _digest(content: Any) -> str:
    # Not msgspec's JSON: its escaping may change between versions, and a fingerprint must not.
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
