"""A snapshot on disk: written once, never changed, checked when it is opened and when it is read.

It is a folder of two parts, each sealed by itself: the cube, and the rows. ::

    <fingerprint>/
        cells.bin        the canonical cells, a piece for each question (``cells_file``), without what follows from them
        manifest.json    About, labels, and of each question its outline and the digests of its pieces
        rows.json        the edition, and the sizes and digests of the rows
        rows/0000.parquet, 0001.parquet, ...    the rows of each source file, in file order

``snapshot_writer`` writes it. Folders of format 1, which had all cells in one file, are still opened (``format_1``).

Editions. Two files with the same content share a fingerprint and yet may differ in line order, title or rejected lines.
The numbers are the same; line numbers, file names and titles are not. A folder is never changed, and nobody must see
the rows of one file under the line numbers of another. So the second one gets its own folder,
``<fingerprint>.<edition>``. Either folder can answer a request bound to the fingerprint; a data set keeps the
folder that its own reading wrote.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from meantime.dataset import format_1
from meantime.dataset.cells_file import CELLS_FILE, QuestionEntry, cube_on_disk, read_pieces
from meantime.dataset.cube import Labels
from meantime.dataset.open_blocks import OpenBlocks
from meantime.dataset.row_files import FileDigest, RowFiles, damaged, measure, row_file
from meantime.dataset.snapshot import About, Snapshot
from meantime.dataset.snapshot_parts import MANIFEST, check_sizes, read_head, row_sizes, unsealed
from meantime.errors import SnapshotDamaged

# Raise it when the layout of a folder changes. A folder of an unknown version is refused, and its source is read again.
FORMAT_VERSION = 2
ROWS = "rows.json"
# Names of unfinished folders begin with this, also after a crash. No snapshot's name does.
TEMPORARY = "."
_FOLDER = re.compile(r"([0-9a-f]{64})(?:\.[0-9a-f]{16})?", re.ASCII)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the cube. On disk, so field names are kept."""

    format_version: int
    fingerprint: str
    about: About
    labels: Labels
    scale: int
    questions: tuple[QuestionEntry, ...]  # in the order of their codes
    location_cells: tuple[int, ...]  # how many cells each location has
    cells_bytes: int  # size of the file of the cells


class RowsManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the rows. On disk, so field names are kept."""

    fingerprint: str  # of the cube
    edition: str
    files: tuple[FileDigest, ...]  # in the order of about.files


# Made at import, by one thread: see formats/document.py.
_MANIFEST = msgspec.json.Decoder(Manifest)
_ROWS_MANIFEST = msgspec.json.Decoder(RowsManifest)


def open_snapshot(
    folder: Path,
    *,
    on_damage: Callable[[], None] = lambda: None,
    open_blocks: OpenBlocks | None = None,
) -> Snapshot:
    """Open a snapshot and check it: every byte of the manifests, presence and size of the other files.

    The bytes of cells and rows are not read: gigabytes would cost seconds at every start. They are compared with their
    digests when they are read: cells each time (``cells_file``), rows before they are first used
    (``row_files.RowFiles``). ``on_damage`` is called when that finds a difference. ``open_blocks`` keeps the cells in
    memory that were read; snapshots may share it.

    Raises:
        SnapshotDamaged: something is missing, or differs from what was written.
        StorePaused: the system has no descriptors or memory left to look.
    """
    body, version = _sealed_manifest(folder)
    if version == format_1.FORMAT_VERSION:
        return format_1.open_folder(folder, body, on_damage=on_damage)
    manifest, rows_manifest = _manifests(folder, body)
    cube = cube_on_disk(
        folder,
        labels=manifest.labels,
        scale=manifest.scale,
        questions=manifest.questions,
        location_cells=manifest.location_cells,
        open_blocks=OpenBlocks() if open_blocks is None else open_blocks,
        on_damage=on_damage,
    )
    rows = RowFiles(folder, rows_manifest.files, on_damage=on_damage)
    return Snapshot(fingerprint=manifest.fingerprint, cube=cube, about=manifest.about, row_files=rows)


def fingerprint_of(name: str) -> str | None:
    """Return the fingerprint in a folder's name, or None if it is not the name of a snapshot."""
    match = _FOLDER.fullmatch(name)
    return match[1] if match else None


def set_aside(folder: Path) -> Path:
    """Move a whole snapshot out of the way in one step, and return the temporary folder that is now to be removed.

    It is not an error if the snapshot is already gone.
    """
    aside = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}aside-", dir=folder.parent))
    with suppress(FileNotFoundError):
        folder.rename(aside / folder.name)
    return aside


def edition_of(folder: Path) -> str | None:
    """Return the edition of a snapshot of this format if every byte of it is sound; else None."""
    try:
        body, version = _sealed_manifest(folder)
        if version != FORMAT_VERSION:
            return None
        manifest, rows = _manifests(folder, body)
        for question in manifest.questions:
            read_pieces(folder, (question.block, question.codes))
        is_sound = all(measure(folder / row_file(number)) == facts for number, facts in enumerate(rows.files))
    except (SnapshotDamaged, FileNotFoundError):
        return None
    return rows.edition if is_sound else None


def _sealed_manifest(folder: Path) -> tuple[bytes, int]:
    """Return the manifest without its seal, and its version, which is one that can be read."""
    body = unsealed(folder, MANIFEST)
    version = read_head(folder, body, fingerprint_of(folder.name))
    if version not in (format_1.FORMAT_VERSION, FORMAT_VERSION):
        readable = f"{format_1.FORMAT_VERSION} and {FORMAT_VERSION}"
        raise damaged(folder, f"it has format {version}; this Meantime reads formats {readable}")
    return body, version


def _manifests(folder: Path, body: bytes) -> tuple[Manifest, RowsManifest]:
    """Return both manifests of a snapshot of this format, after a look at the sizes of all that they describe."""
    try:
        manifest = _MANIFEST.decode(body)
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"{MANIFEST} cannot be read ({error})") from error
    rows = _rows_manifest(folder, manifest.fingerprint)
    check_sizes(folder, [(CELLS_FILE, manifest.cells_bytes), *row_sizes(rows.files)])
    return manifest, rows


def _rows_manifest(folder: Path, fingerprint: str) -> RowsManifest:
    try:
        manifest = _ROWS_MANIFEST.decode(unsealed(folder, ROWS))
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"{ROWS} cannot be read ({error})") from error
    if manifest.fingerprint != fingerprint:
        raise damaged(folder, f"{ROWS} is of the snapshot {manifest.fingerprint}")
    return manifest
