"""A snapshot: a cube, its rows and its fingerprint, written to disk once and never changed.

This much of the file is the value; how it is written, checked and opened is below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from meantime.dataset.cube import Cube

Polarity = Literal["lower", "higher"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a question beside its rows. Polarity is data, never guessed."""

    text: str
    topic: str = ""
    unit: str | None = None  # "percent"; None where neither the file nor a description says
    polarity: Polarity | None = None  # which values are good


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str  # name of the file, without its folder
    line: int  # physical line, from 1, the header included
    reason: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself beside its numbers."""

    title: str
    synthetic: bool  # made by `meantime sample`; must be said wherever it is served
    roles: dict[str, str]  # role -> column of the file
    columns: tuple[str, ...]  # all columns of the file, in its order
    questions: tuple[Question, ...]  # in the order of the cube's question codes
    rows: int
    rejected_total: int
    rejected: tuple[Rejected, ...]  # the first ones, by file and line
    files: tuple[str, ...]  # names of the files, without their folders
    encoding: str
    delimiter: str
    decimal_mark: str
    warnings: tuple[str, ...] = ()  # what a reader should know: columns not used, a decimal mark that was guessed


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a statistic is computed from."""

    fingerprint: str
    cube: Cube
    about: About
