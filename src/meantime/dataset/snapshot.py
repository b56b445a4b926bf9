"""A snapshot: a table rolled up to a cube, what is known of it, and the fingerprint of its content.

How it is written to disk and opened again is in ``snapshot_folder``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Cells, Cube, Exact, Labels, Moments
from meantime.dataset.points import Points
from meantime.dataset.row_files import RowFiles
from meantime.dataset.standard_population import StandardPopulation

# Raise it when the same content would get another fingerprint.
_FINGERPRINT_VERSION = 1

# The arrays of a cell apart from its key: exact sums, and what a cell of one row was published with.
MOMENT_ARRAYS = tuple(field.name for field in fields(Moments))
PUBLISHED_ARRAYS = tuple(field.name for field in fields(Cells) if field.name not in ("keys", "moments"))

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """What statistics are computed from."""

    fingerprint: str
    cube: Cube
    about: About
    # Where its rows are on disk; None for a snapshot made in memory. They are not part of the content: results depend
    # on the rows, not on where they are stored.
    row_files: RowFiles | None = None


def fingerprint(cube: Cube, about: About) -> str:
    """Return the digest of the content: the same for the same content, whatever the row order or the file format.

    It covers everything a result can depend on: cells, labels, scale, reasons for missing values, roles, each
    question's unit, polarity and breaks, standard populations, and whether the table is synthetic. It does not cover
    the title, file names, rejected lines, encoding, delimiter, line numbers, points, or columns without a role.
    """
    content = {
        "version": _FINGERPRINT_VERSION,
        "labels": {field.name: getattr(cube.labels, field.name) for field in fields(Labels)},
        "scale": cube.scale,
        # A tally has the content of the rows that it counts.
        "roles": {role: column for role, column in about.roles.items() if role != "row_count"},
        "synthetic": about.synthetic,
        "questions": [[question.text, question.unit, question.polarity] for question in about.questions],
    }
    # Only where there are any: a table without them has the fingerprint that it had before they could be declared.
    if breaks := {each.text: each.breaks for each in about.questions if each.breaks is not None}:
        content["breaks"] = msgspec.to_builtins(breaks)
    if about.standards:
        content["standards"] = msgspec.to_builtins(about.standards)
    digest = hashlib.sha256()
    # Not msgspec's JSON: its escaping may change between versions, and a fingerprint must not.
    digest.update(json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    for name, array in arrays_of(cube.cells).items():
        numbers = array.astype(array.dtype.newbyteorder("<"), copy=False)
        # Name, type and shape come first: without them, bytes could move from one array to the next unnoticed.
        digest.update(f"{name} {numbers.dtype.str} {numbers.shape}\n".encode())
        digest.update(numbers.tobytes())
    return digest.hexdigest()


def arrays_of(cells: Cells) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the cells by name, in a fixed order and without Python objects."""
    arrays = {"keys": cells.keys} | {name: getattr(cells.moments, name) for name in MOMENT_ARRAYS}
    arrays |= {name: getattr(cells, name) for name in PUBLISHED_ARRAYS}
    return {name: _as_text(numbers) if numbers.dtype == object else numbers for name, numbers in arrays.items()}


def _as_text(numbers: Exact) -> npt.NDArray[np.uint8]:
    """Write integers of any size as lines of text.

    Hexadecimal, because Python refuses decimal text of more than 4,300 digits. One long text, because in an array of
    texts every entry is as wide as the widest.
    """
    return np.frombuffer("\n".join(f"{number:x}" for number in numbers.tolist()).encode(), dtype=np.uint8)
