"""``cells.bin``: the cells of a snapshot, read a question at a time and compared with their digests each time.

It has a piece for each question (``block_bytes``), and then pieces with the codes that the questions' labels have in
the whole table. Questions with the same labels share such a piece. The manifest says where each piece is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from meantime.dataset.block_bytes import CODED, decode_block, decode_columns
from meantime.dataset.cube import Block, Cube, Group, Labels, Outline, question_totals
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.moments import Moments, exact
from meantime.dataset.open_blocks import OpenBlocks
from meantime.dataset.row_files import damaged
from meantime.errors import SnapshotDamaged, StorePaused

CELLS_FILE = "cells.bin"


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the file, and what it must be. Part of the manifest on disk, so field names are kept."""

    offset: int
    size_bytes: int
    digest: str  # SHA-256, hexadecimal


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all rows of a question, at the scale of the table; hexadecimal text, since they may be of any size."""

    count: int
    withheld: int
    total: str
    squares: str
    minimum: str
    maximum: str


class QuestionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest has of a question. On disk, so field names are kept."""

    content: str  # digest of its cells and labels, whatever other questions there are
    digest: str  # of the question: of that, its unit, its polarity and its breaks
    block: Piece
    codes: Piece
    cells: int
    totals: Totals
    periods: tuple[int, ...]
    value_types: tuple[int, ...]
    groups: tuple[Group, ...]
    reasons: tuple[tuple[int, int], ...]
    fewest_locations: int


def cube_on_disk(
    folder: Path,
    *,
    labels: Labels,
    scale: int,
    questions: Sequence[QuestionEntry],
    location_cells: Sequence[int],
    open_blocks: OpenBlocks,
    on_damage: Callable[[], None],
) -> Cube:
    """Return the cube of a snapshot's folder. Its blocks are read when they are asked for."""
    totals = [each.totals for each in questions]
    moments = Moments(
        count=np.array([each.count for each in totals], dtype=np.int64),
        withheld=np.array([each.withheld for each in totals], dtype=np.int64),
        **{
            name: exact([int(getattr(each, name), 16) for each in totals])
            for name in ("total", "squares", "minimum", "maximum")
        },
    )
    starts = np.cumsum([0, *(each.cells for each in questions)], dtype=np.int64)
    return Cube(
        labels=labels,
        scale=scale,
        starts=starts,
        by_question=question_totals(moments, scale=scale),
        location_cells=np.array(location_cells, dtype=np.int64),
        blocks=_BlocksOnDisk(folder, questions, starts.tolist(), scale, open_blocks, on_damage),
    )


class _BlocksOnDisk:
    """The blocks of a snapshot. Any thread may use them."""

    def __init__(
        self,
        folder: Path,
        questions: Sequence[QuestionEntry],
        starts: Sequence[int],
        scale: int,
        open_blocks: OpenBlocks,
        on_damage: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._questions = questions
        self._starts = starts
        self._scale = scale
        self._open = open_blocks
        self._on_damage = on_damage

    def block(self, question: int) -> Block:
        return self._open.get((self, question), lambda: self._read(question))

    def outline(self, question: int) -> Outline:
        entry = self._questions[question]
        return Outline(
            periods=entry.periods,
            value_types=entry.value_types,
            groups=entry.groups,
            reasons=entry.reasons,
            fewest_locations=entry.fewest_locations,
        )

    def _read(self, question: int) -> Block:
        entry = self._questions[question]
        try:
            body, codes = read_pieces(self._folder, (entry.block, entry.codes))
            try:
                columns, _ = decode_columns(codes)
                known = {axis: columns[axis] for axis in CODED}
                return decode_block(body, known, question=question, start=self._starts[question], scale=self._scale)
            except (ValueError, KeyError, IndexError) as error:
                raise damaged(self._folder, f"{CELLS_FILE} does not contain cells ({error})") from error
        except SnapshotDamaged:
            self._on_damage()
            raise


def read_pieces(folder: Path, pieces: Sequence[Piece]) -> list[bytes]:
    """Read pieces of the file, compared with their digests.

    Raises:
        SnapshotDamaged: one is not there, or is not what was written.
        StorePaused: the machine cannot read them at the moment.
    """
    bodies = []
    try:
        with (folder / CELLS_FILE).open("rb") as file:
            for piece in pieces:
                file.seek(piece.offset)
                bodies.append(file.read(piece.size_bytes))
    except OSError as error:
        if is_machine_trouble(error):
            raise StorePaused("The data cannot be read at the moment. Try again later.").for_operator(
                f"The cells of the snapshot in {folder} cannot be read at the moment: {error}"
            ) from error
        raise damaged(folder, f"{CELLS_FILE} cannot be read ({error.strerror or error})") from error
    for piece, body in zip(pieces, bodies, strict=True):
        if len(body) != piece.size_bytes or hashlib.sha256(body).hexdigest() != piece.digest:
            raise damaged(folder, f"{CELLS_FILE} has changed since it was written")
    return bodies
