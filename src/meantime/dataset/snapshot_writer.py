"""Writes a snapshot, a question at a time; the folder is described in ``snapshot_folder``."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.block_bytes import CODED, encode_block, encode_columns
from meantime.dataset.cells_file import CELLS_FILE, Piece, QuestionEntry, Totals
from meantime.dataset.cube import ABSENT, Cells, Cube, Group, Integers, Labels, Moments, Outline
from meantime.dataset.row_files import measure, row_file
from meantime.dataset.snapshot import About, fingerprint_of_questions, question_digest
from meantime.dataset.snapshot_folder import (
    FORMAT_VERSION,
    ROWS,
    TEMPORARY,
    Manifest,
    RowsManifest,
    edition_of,
    set_aside,
)
from meantime.dataset.snapshot_parts import MANIFEST, seal
from meantime.durable import rename_if_free, sync
from meantime.errors import LoadFailed

# The kinds of labels that an outline has codes of.
_OUTLINED = ("period", "value_type", "category", "stratum", "reason")


class _Written(NamedTuple):
    """A question whose cells are in the file. Its codes count its own labels."""

    content: str
    block: Piece
    cells: int
    scale: int
    totals: Moments  # of all its rows, at that scale
    outline: Outline  # with the codes of ``_Names``
    codes: Mapping[str, Integers]  # of its labels, by kind, as ``_Names`` numbers them


class SnapshotWriter:
    """Writes a snapshot, holding one question in memory at a time.

    ::

        with SnapshotWriter(into, work=work) as writer:
            for text in sorted(texts):
                writer.add_question(roll_up(labels, cells, scale=scale))  # a cube of this question alone
            folder = writer.finish(about, rows)

    Questions come in the order of their texts, each once. The labels of each cube may be just its own: the writer joins
    them. The scales may differ too: that of the table is the largest of them, so each must be the smallest that holds
    the question's values. ``about`` describes the questions in the same order. ``rows`` are the Parquet files of
    ``about.files``; they are moved.

    The folder appears complete or not at all, when ``finish`` returns. An existing sound folder of the same edition is
    kept, a damaged one is replaced. Several processes may write the same snapshot at the same time. It is built in
    ``work``, a folder on the same disk that the parent process removes; without it, in a temporary folder in ``into``.
    """

    def __init__(self, into: Path, *, work: Path | None = None) -> None:
        self._into = into
        self._work = work
        self._names = {axis: _Names() for axis in CODED}
        self._texts: list[str] = []
        self._written: list[_Written] = []
        self._location_cells = np.zeros(0, dtype=np.int64)
        self._size_bytes = 0

    def __enter__(self) -> SnapshotWriter:
        """Make the folder.

        Raises:
            LoadFailed: the disk is full or cannot be written to.
        """
        with _explained(self._into):
            self._into.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}writing-", dir=self._work or self._into))
            self._file = (self._folder / CELLS_FILE).open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is not finished."""
        with suppress(OSError):  # what could not be written is of no use
            self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def add_question(self, cube: Cube) -> None:
        """Write the cells of a cube that has one question.

        Raises:
            LoadFailed: the disk is full or cannot be written to.
            ValueError: the cube has not one question, or one that comes before those already written; a bug.
        """
        [_] = cube.labels.questions
        self.add_questions(cube)

    def add_questions(self, cube: Cube) -> None:
        """Write all questions of a cube; raises as ``add_question``."""
        numbers = {axis: self._names[axis].numbers(getattr(cube.labels, name)) for axis, name in CODED.items()}
        recode = _Recode(numbers)
        for code in range(len(cube.labels.questions)):
            self._add(cube, code, recode(cube.outline(code)))

    def finish(self, about: About, rows: Sequence[Path]) -> Path:
        """Write what belongs to all questions, give the folder its name, and return it.

        Raises:
            LoadFailed: the disk is full or cannot be written to. Nothing is left behind except ``rows`` not yet moved.
            ValueError: ``about`` has other questions or another number of files; a bug.
        """
        if len(rows) != len(about.files):
            raise ValueError(f"{len(about.files)} files were read, but rows of {len(rows)} files were passed")
        if self._texts != [question.text for question in about.questions]:
            raise ValueError("the questions that were written are not those that are described")
        with _explained(self._into):
            fingerprint = self._write_manifest(about)
            edition = _keep_rows(self._folder, about, rows, fingerprint)
            # Files before their folders, and all before the rename: after a power cut, no name may exist without its
            # bytes.
            for name in (CELLS_FILE, MANIFEST, ROWS, "rows", "."):
                sync(self._folder / name)
            return settle(self._folder, self._into, fingerprint, edition)

    def _add(self, cube: Cube, code: int, outline: Outline) -> None:
        text, cells = cube.labels.questions[code], cube.block(code).cells
        if self._texts and text <= self._texts[-1]:
            raise ValueError(f"the question {text!r} comes after {self._texts[-1]!r}")
        written = encode_block(cube.labels, cells, scale=cube.scale)
        block = self._append(written.body)
        codes = {axis: self._names[axis].numbers(getattr(written.labels, name)) for axis, name in CODED.items()}
        self._count_locations(codes["location"], written.cells)
        self._texts.append(text)
        self._written.append(
            _Written(
                content=written.content,
                block=block,
                cells=len(cells),
                scale=cube.scale,
                totals=cube.by_question.moments[[code]],
                outline=outline,
                codes=codes,
            )
        )

    def _append(self, body: bytes) -> Piece:
        with _explained(self._into):
            self._file.write(body)
        piece = Piece(offset=self._size_bytes, size_bytes=len(body), digest=hashlib.sha256(body).hexdigest())
        self._size_bytes += len(body)
        return piece

    def _count_locations(self, numbers: Integers, cells: Cells) -> None:
        more = int(numbers.max(initial=-1)) + 1 - len(self._location_cells)
        if more > 0:
            self._location_cells = np.pad(self._location_cells, (0, more))
        self._location_cells[numbers] += np.bincount(cells.keys[:, 1], minlength=len(numbers))

    def _write_manifest(self, about: About) -> str:
        """Write the cells' last pieces and the manifest, and return the fingerprint."""
        sorted_names = {axis: names.sorted() for axis, names in self._names.items()}
        labels = Labels(questions=tuple(self._texts), **{name: sorted_names[axis][0] for axis, name in CODED.items()})
        scale = max((each.scale for each in self._written), default=0)
        digests = [
            question_digest(each.content, question)
            for each, question in zip(self._written, about.questions, strict=True)
        ]
        places = {axis: places for axis, (_, places) in sorted_names.items()}
        recode = _Recode(places)
        known: dict[bytes, Piece] = {}  # by their numbers: questions with the same labels share a piece
        entries = []
        for each, digest in zip(self._written, digests, strict=True):
            key = b"\n".join(numbers.tobytes() for numbers in each.codes.values())
            if key not in known:
                codes = {axis: places[axis][numbers] for axis, numbers in each.codes.items()}
                known[key] = self._append(encode_columns(codes))
            entries.append(_entry(each, recode(each.outline), known[key], digest, by=10 ** (scale - each.scale)))
        self._file.close()
        location_cells = np.empty_like(self._location_cells)
        location_cells[sorted_names["location"][1]] = self._location_cells
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            fingerprint=fingerprint_of_questions(digests, about, scale=scale),
            about=about,
            labels=labels,
            scale=scale,
            questions=tuple(entries),
            location_cells=tuple(location_cells.tolist()),
            cells_bytes=self._size_bytes,
        )
        (self._folder / MANIFEST).write_bytes(seal(msgspec.json.encode(manifest)))
        return manifest.fingerprint


class _Names:
    """The labels of one kind, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._last: tuple[tuple[Any, ...], Integers] = ((), np.empty(0, dtype=np.int64))

    def numbers(self, labels: tuple[Any, ...]) -> Integers:
        """Return the number of each label."""
        # The questions of a table usually have the same labels, and then share the array.
        if labels != self._last[0]:
            numbers = [self._numbers.setdefault(label, len(self._numbers)) for label in labels]
            self._last = (labels, np.array(numbers, dtype=np.int64))
        return self._last[1]

    def sorted(self) -> tuple[tuple[Any, ...], Integers]:
        """Return all labels in their order, and the place in it of each number."""
        ordered = sorted(self._numbers)
        places = np.empty(len(ordered), dtype=np.int64)
        places[[self._numbers[label] for label in ordered]] = np.arange(len(ordered))
        return tuple(ordered), places


def write_snapshot(cube: Cube, about: About, rows: Sequence[Path], into: Path, *, work: Path | None = None) -> Path:
    """Write a snapshot whose cube is in memory, and return its folder; see ``SnapshotWriter``.

    Raises:
        LoadFailed: the disk is full or cannot be written to. Nothing is left behind except ``rows`` not yet moved.
        ValueError: the questions or the number of ``rows`` differ from those of ``about``, a bug in the caller.
    """
    with SnapshotWriter(into, work=work) as writer:
        writer.add_questions(cube)
        return writer.finish(about, rows)


class _Recode:
    """Gives outlines other codes, which come in the same order."""

    def __init__(self, codes: Mapping[str, Integers]) -> None:
        # One more entry, at the end, which the code -1 (ABSENT) indexes.
        self._codes = {axis: [*codes[axis].tolist(), ABSENT] for axis in _OUTLINED}

    def __call__(self, outline: Outline) -> Outline:
        of = self._codes
        return Outline(
            periods=tuple([of["period"][code] for code in outline.periods]),
            value_types=tuple([of["value_type"][code] for code in outline.value_types]),
            groups=tuple(
                [
                    Group(of["category"][each.category], of["stratum"][each.stratum], each.cells, each.with_value)
                    for each in outline.groups
                ]
            ),
            fewest_locations=outline.fewest_locations,
            reasons=tuple([(of["reason"][code], rows) for code, rows in outline.reasons]),
        )


def _entry(written: _Written, outline: Outline, piece: Piece, digest: str, *, by: int) -> QuestionEntry:
    """Describe a question with the codes and the scale of the whole table."""
    totals = written.totals
    sums = {
        name: f"{int(getattr(totals, name)[0]) * (by * by if name == 'squares' else by):x}"
        for name in ("total", "squares", "minimum", "maximum")
    }
    return QuestionEntry(
        content=written.content,
        digest=digest,
        block=written.block,
        codes=piece,
        cells=written.cells,
        totals=Totals(count=int(totals.count[0]), withheld=int(totals.withheld[0]), **sums),
        periods=outline.periods,
        value_types=outline.value_types,
        groups=outline.groups,
        fewest_locations=outline.fewest_locations,
        reasons=outline.reasons,
    )


def _keep_rows(folder: Path, about: About, rows: Sequence[Path], fingerprint: str) -> str:
    """Move the rows in, seal them, and return the edition."""
    (folder / "rows").mkdir()
    kept = [folder / row_file(number) for number in range(len(rows))]
    for path, target in zip(rows, kept, strict=True):
        shutil.move(path, target)
        sync(target)
    facts = tuple(measure(path) for path in kept)
    edition = hashlib.sha256(msgspec.json.encode((about, facts))).hexdigest()[:16]
    sealed = seal(msgspec.json.encode(RowsManifest(fingerprint=fingerprint, edition=edition, files=facts)))
    (folder / ROWS).write_bytes(sealed)
    return edition


def settle(written: Path, into: Path, fingerprint: str, edition: str) -> Path:
    """Give a folder that is on the disk its final name, or return the existing sound folder of the same edition."""
    for name in (fingerprint, f"{fingerprint}.{edition}"):
        folder = into / name
        while not rename_if_free(written, folder):
            existing = edition_of(folder)
            if existing == edition:
                return folder
            if existing is not None:
                break  # another edition of the same content has this name
            shutil.rmtree(set_aside(folder), ignore_errors=True)
        else:
            sync(into)
            return folder
    raise AssertionError(f"two snapshots have the edition {edition}")


@contextmanager
def _explained(into: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise LoadFailed(f"The snapshot could not be written to the server's disk: {what}.").for_operator(
            f"The snapshot could not be written to {into}: {what}. Free some space there, or set another state_dir."
        ) from error
