"""Snapshots of format 1, which versions before 2 of the format wrote: all cells in one file, read when it is opened.

Jobs, results, links and citations of those versions name them by their fingerprints, which no snapshot of today's
format has: it was a digest of all cells at once. So they are opened as they are, and keep their fingerprints. Nothing
writes them any more.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Cells, Cube, Labels, Moments
from meantime.dataset.moments import Exact, exact
from meantime.dataset.older_units import with_normalized_units
from meantime.dataset.row_files import FileDigest, RowFiles, damaged
from meantime.dataset.snapshot import About, Snapshot
from meantime.dataset.snapshot_parts import MANIFEST, check_sizes, read_bytes, row_sizes

FORMAT_VERSION = 1
_CUBE = "cube.npz"


class OlderManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was written beside the cells and the rows."""

    format_version: int
    fingerprint: str
    edition: str
    about: About
    labels: Labels
    scale: int
    cube: FileDigest
    rows: tuple[FileDigest, ...]  # in the order of about.files


# Made at import, by one thread: see formats/document.py.
_MANIFEST = msgspec.json.Decoder(OlderManifest)


def open_folder(folder: Path, body: bytes, *, on_damage: Callable[[], None]) -> Snapshot:
    """Open a snapshot whose manifest this is: every byte of the cells is checked, presence and size of the row files.

    Raises:
        SnapshotDamaged: something is missing, or differs from what was written.
        StorePaused: the system has no descriptors or memory left to look.
    """
    try:
        manifest = _MANIFEST.decode(body)
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"{MANIFEST} cannot be read ({error})") from error
    check_sizes(folder, row_sizes(manifest.rows))
    cube, about = _cube(folder, manifest)
    rows = RowFiles(folder, manifest.rows, on_damage=on_damage)
    return Snapshot(fingerprint=manifest.fingerprint, cube=cube, about=about, row_files=rows)


def _cube(folder: Path, manifest: OlderManifest) -> tuple[Cube, About]:
    body = read_bytes(folder, _CUBE)
    if (len(body), hashlib.sha256(body).hexdigest()) != (manifest.cube.size_bytes, manifest.cube.digest):
        raise damaged(folder, f"{_CUBE} has changed since it was written")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return with_normalized_units(manifest.labels, _cells(arrays), manifest.about, scale=manifest.scale)
    except Exception as error:
        raise damaged(folder, f"{_CUBE} does not contain a cube ({error})") from error


def _cells(arrays: Mapping[str, npt.NDArray[Any]]) -> Cells:
    moments = {field.name: _integers(arrays[field.name]) for field in fields(Moments)}
    published = [field.name for field in fields(Cells) if field.name not in ("keys", "moments", "copies")]
    return Cells(
        keys=arrays["keys"],
        moments=Moments(**moments),
        copies=np.zeros(len(arrays["keys"]), dtype=np.int64),  # which that format did not tell from other rows
        **{name: arrays[name] for name in published},
    )


def _integers(numbers: npt.NDArray[Any]) -> Exact:
    """Return integers; those that did not fit in 64 bits were written as lines of hexadecimal text."""
    if numbers.dtype != np.uint8:
        return numbers
    return exact([int(line, 16) for line in numbers.tobytes().split(b"\n")])
