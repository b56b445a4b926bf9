"""A snapshot on disk: written once, never changed, checked when it is opened.

It is a folder::

    <fingerprint>/
        cube.npz         the canonical cells, without labels and marginals (which follow from the cells)
        manifest.json    About, labels, and the sizes and digests of the other files, sealed by a checksum
        rows/0000.parquet, 0001.parquet, ...    the rows of each source file, in file order

Editions. Two files with the same content share a fingerprint and yet may differ in line order, title or rejected lines.
The numbers are the same; line numbers, file names and titles are not. A folder is never changed, and nobody must see
the rows of one file under the line numbers of another. So the second one gets its own folder,
``<fingerprint>.<edition>``. Either folder can answer a request bound to the fingerprint; a data set keeps the
folder that its own reading wrote.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Cells, Cube, Exact, Labels, Moments, exact, with_marginals
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.older_units import with_normalized_units
from meantime.dataset.row_files import FileDigest, RowFiles, damaged, measure, row_file
from meantime.dataset.snapshot import MOMENT_ARRAYS, PUBLISHED_ARRAYS, About, Snapshot, arrays_of, fingerprint
from meantime.durable import sync
from meantime.errors import LoadFailed, MeantimeError, SnapshotDamaged, StorePaused

# Raise it when the layout of a folder changes. A folder of another version is refused, and its source is read again.
FORMAT_VERSION = 1
# Names of unfinished folders begin with this, also after a crash. No snapshot's name does.
TEMPORARY = "."
_FOLDER = re.compile(r"([0-9a-f]{64})(?:\.[0-9a-f]{16})?", re.ASCII)


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format_version: int
    fingerprint: str
    edition: str
    about: About
    labels: Labels
    scale: int
    cube: FileDigest
    rows: tuple[FileDigest, ...]  # in the order of about.files


class _Version(msgspec.Struct, frozen=True):
    """The one field that manifests of all versions have."""

    format_version: int


# Made at import, by one thread: see formats/document.py.
_MANIFEST = msgspec.json.Decoder(_Manifest)
_VERSION = msgspec.json.Decoder(_Version)


def write_snapshot(cube: Cube, about: About, rows: Sequence[Path], into: Path, *, work: Path | None = None) -> Path:
    """Write a snapshot and return its folder. ``rows`` are the Parquet files of ``about.files``; they are moved.

    The folder appears complete or not at all. An existing sound folder of the same edition is kept, a damaged one is
    replaced. Several processes may write the same snapshot at the same time. It is built in ``work``, a folder
    on the same disk that the parent process removes; without it, in a temporary folder in ``into``.

    Raises:
        LoadFailed: the disk is full or cannot be written to. Nothing is left behind except ``rows`` not yet moved.
        ValueError: the number of ``rows`` differs from that of ``about.files``, a bug in the caller.
    """
    if len(rows) != len(about.files):
        raise ValueError(f"{len(about.files)} files were read, but rows of {len(rows)} files were passed")
    try:
        into.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}writing-", dir=work or into))
        try:
            manifest = _fill(folder, cube, about, rows)
            return _settle(folder, into, manifest)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        what = error.strerror or error
        raise LoadFailed(f"The snapshot could not be written to the server's disk: {what}.").for_operator(
            f"The snapshot could not be written to {into}: {what}. Free some space there, or set another state_dir."
        ) from error


def open_snapshot(folder: Path, *, on_damage: Callable[[], None] = lambda: None) -> Snapshot:
    """Open a snapshot and check it: every byte of the manifest and the cube, presence and size of the row files.

    The bytes of the row files are not read: gigabytes would cost seconds at every start. They are compared with their
    digests before they are first used (``row_files.RowFiles``). ``on_damage`` is called when that finds a difference.

    Raises:
        SnapshotDamaged: something is missing, or differs from what was written.
        StorePaused: the system has no descriptors or memory left to look.
    """
    manifest = _read_manifest(folder)
    for name, facts in _row_files(manifest):
        if (size_bytes := _size_bytes(folder, name)) != facts.size_bytes:
            raise damaged(folder, f"{name} has {size_bytes} bytes instead of {facts.size_bytes}")
    cube, about = with_normalized_units(_read_cube(folder, manifest), manifest.about)
    rows = RowFiles(folder, manifest.rows, on_damage=on_damage)
    _ = cube.fewest_locations  # computed here once, and kept: requests need it in the event loop
    return Snapshot(fingerprint=manifest.fingerprint, cube=cube, about=about, row_files=rows)


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


def _fill(folder: Path, cube: Cube, about: About, rows: Sequence[Path]) -> _Manifest:
    (folder / "rows").mkdir()
    kept = [folder / row_file(number) for number in range(len(rows))]
    for path, target in zip(rows, kept, strict=True):
        shutil.move(path, target)
    with (folder / "cube.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays_of(cube.cells))
    facts = tuple(measure(path) for path in kept)
    manifest = _Manifest(
        format_version=FORMAT_VERSION,
        fingerprint=fingerprint(cube, about),
        edition=hashlib.sha256(msgspec.json.encode((about, facts))).hexdigest()[:16],
        about=about,
        labels=cube.labels,
        scale=cube.scale,
        cube=measure(folder / "cube.npz"),
        rows=facts,
    )
    (folder / "manifest.json").write_bytes(_seal(msgspec.json.encode(manifest)))
    # Files before their folders, and all before the rename: after a power cut, no name may exist without its bytes.
    for path in (*kept, folder / "cube.npz", folder / "manifest.json", folder / "rows", folder):
        sync(path)
    return manifest


def _settle(written: Path, into: Path, manifest: _Manifest) -> Path:
    """Give the folder its final name, or return the existing sound folder of the same edition."""
    for name in (manifest.fingerprint, f"{manifest.fingerprint}.{manifest.edition}"):
        folder = into / name
        while not _rename(written, folder):
            edition = _edition(folder)
            if edition == manifest.edition:
                return folder
            if edition is not None:
                break  # another edition of the same content has this name
            shutil.rmtree(set_aside(folder), ignore_errors=True)
        else:
            sync(into)
            return folder
    raise AssertionError(f"two snapshots have the edition {manifest.edition}")


def _rename(written: Path, folder: Path) -> bool:
    """Whether the name was free. Renaming never replaces a folder that has files in it, so there is no race."""
    try:
        written.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def _edition(folder: Path) -> str | None:
    """Return the edition of a snapshot if every byte of it is sound, row files included; else None."""
    try:
        open_snapshot(folder)
        manifest = _read_manifest(folder)
        is_sound = all(measure(folder / name) == facts for name, facts in _row_files(manifest))
    except (SnapshotDamaged, FileNotFoundError):
        return None
    return manifest.edition if is_sound else None


def _read_manifest(folder: Path) -> _Manifest:
    sealed = _read_bytes(folder, "manifest.json")
    body = sealed[len(_seal(b"")) - 1 : -1]
    if _seal(body) != sealed:
        raise damaged(folder, "manifest.json has changed since it was written")
    try:
        version = _VERSION.decode(body).format_version
        if version != FORMAT_VERSION:
            raise damaged(folder, f"it has format {version}; this Meantime reads format {FORMAT_VERSION}")
        manifest = _MANIFEST.decode(body)
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"manifest.json cannot be read ({error})") from error
    if fingerprint_of(folder.name) != manifest.fingerprint:
        raise damaged(folder, f"it contains the snapshot {manifest.fingerprint}")
    return manifest


def _read_cube(folder: Path, manifest: _Manifest) -> Cube:
    body = _read_bytes(folder, "cube.npz")
    if _digest_of(body) != manifest.cube:
        raise damaged(folder, "cube.npz has changed since it was written")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return with_marginals(manifest.labels, _cells(arrays), scale=manifest.scale)
    except Exception as error:
        raise damaged(folder, f"cube.npz does not contain a cube ({error})") from error


def _cells(arrays: Mapping[str, npt.NDArray[Any]]) -> Cells:
    moments = {
        name: _from_text(arrays[name]) if arrays[name].dtype == np.uint8 else arrays[name] for name in MOMENT_ARRAYS
    }
    return Cells(
        keys=arrays["keys"],
        moments=Moments(**moments),
        **{name: arrays[name] for name in PUBLISHED_ARRAYS},
    )


def _from_text(text: npt.NDArray[np.uint8]) -> Exact:
    return exact([int(line, 16) for line in text.tobytes().split(b"\n")])


def _row_files(manifest: _Manifest) -> Iterator[tuple[str, FileDigest]]:
    for number, digest in enumerate(manifest.rows):
        yield row_file(number), digest


def _read_bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _size_bytes(folder: Path, name: str) -> int:
    try:
        return (folder / name).stat().st_size
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _unreadable(folder: Path, name: str, error: OSError) -> MeantimeError:
    what = f"{name} cannot be read ({error.strerror or error})"
    if is_machine_trouble(error):
        return StorePaused("The stored copy of the data cannot be opened at the moment. Try again later.").for_operator(
            f"The snapshot in {folder} cannot be opened at the moment: {what}."
        )
    return damaged(folder, what)


def _digest_of(body: bytes) -> FileDigest:
    return FileDigest(size_bytes=len(body), digest=hashlib.sha256(body).hexdigest())


def _seal(body: bytes) -> bytes:
    """Add a checksum to the manifest: with a flipped bit in a title it would still be valid JSON."""
    return b'{"sha256":"%s","manifest":%s}' % (hashlib.sha256(body).hexdigest().encode(), body)
