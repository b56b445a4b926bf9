"""Writes the second part of a snapshot: its rows, with the cells or after them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from meantime.dataset.older_snapshots import snapshot_folders
from meantime.dataset.row_files import measure, row_file
from meantime.dataset.snapshot import About
from meantime.dataset.snapshot_folder import ROWS, RowsManifest, editions_of, fingerprint_of, read_about
from meantime.dataset.snapshot_parts import seal
from meantime.durable import durable_file, rename_if_free, sync
from meantime.errors import LoadFailed

_ROWS_FOLDER = "rows"


def write_rows(
    into: Path, about: About, rows: Sequence[Path], fingerprint: str, *, warnings: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """Move the rows of each file into a folder; return their edition, and their manifest with its seal."""
    kept = [into / Path(row_file(number)).name for number in range(len(rows))]
    for path, target in zip(rows, kept, strict=True):
        shutil.move(path, target)
        sync(target)
    facts = tuple(measure(path) for path in kept)
    edition = hashlib.sha256(msgspec.json.encode((about, facts))).hexdigest()[:16]
    manifest = RowsManifest(fingerprint=fingerprint, edition=edition, files=facts, warnings=warnings)
    return edition, seal(msgspec.json.encode(manifest))


def add_rows(folder: Path, rows: Sequence[Path], *, work: Path, warnings: tuple[str, ...] = ()) -> Path:
    """Add the rows to a snapshot that has only its cells, and return the folder that has both from now on.

    That is another one where the same content with the same rows was there already. ``work`` is a folder on the same
    disk. ``warnings`` are what only the whole rows show.

    Raises:
        LoadFailed: the disk is full or cannot be written to.
        SnapshotDamaged: the cells are not sound.
    """
    fingerprint = fingerprint_of(folder.name) or ""
    with explained(folder.parent):
        part = work / _ROWS_FOLDER
        part.mkdir()
        edition, sealed = write_rows(part, read_about(folder), rows, fingerprint, warnings=warnings)
        sync(part)
        for other in snapshot_folders(folder.parent):
            is_other = other != folder and fingerprint_of(other.name) == fingerprint
            if is_other and (editions := editions_of(other)) is not None and editions.rows == edition:
                return other
        while not rename_if_free(part, folder / _ROWS_FOLDER):
            if (folder / ROWS).exists():
                return folder  # another process has read the same source
            shutil.rmtree(folder / _ROWS_FOLDER)  # of a process that was ended before it sealed them
        sync(folder)
        with durable_file(folder / ROWS) as out:
            out.write(sealed)
        return folder


@contextmanager
def explained(into: Path) -> Iterator[None]:
    """Raise an error of the system as one of the reading of a source."""
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise LoadFailed(f"The snapshot could not be written to the server's disk: {what}.").for_operator(
            f"The snapshot could not be written to {into}: {what}. Free some space there, or set another state_dir."
        ) from error
