"""A snapshot: a cube, its rows and its fingerprint, written to disk once and never changed.

On disk it is a folder::

    <fingerprint>/
        cube.npz         labels excepted, the canonical cells; no marginals, since those follow from them
        manifest.json    what it is: About, labels, and the sizes and digests of the other files, sealed by a checksum
        rows/0000.parquet, 0001.parquet, ...    the rows of each source file, in its order

Editions. The fingerprint is that of the content, so two layouts of one table share it: the same lines in another
order, another title, a line more that was rejected. Numbers are the same in both; line numbers, file names and titles
are not. A folder is never changed, and a reader must never see the rows of one file under the line numbers of
another, so a second layout becomes a folder of its own beside the first, ``<fingerprint>.<edition>``. Either answers
a request that is bound to the fingerprint; who serves a file keeps the folder that its own writing returned.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Cells, Cube, Exact, Labels, Moments, exact, with_marginals
from meantime.dataset.points import Points
from meantime.errors import LoadFailed, SnapshotDamaged

# Counts up when a folder is laid out in another way; a folder of another version is refused, and its source read anew.
FORMAT_VERSION = 1
# Counts up when the same content would get another fingerprint.
_FINGERPRINT_VERSION = 1

# What is still being written, or was left by a crash, begins with this; no snapshot does.
TEMPORARY = "."
_MOMENTS = tuple(field.name for field in fields(Moments))
_PUBLISHED = tuple(field.name for field in fields(Cells) if field.name not in ("keys", "moments"))

_FOLDER = re.compile(r"([0-9a-f]{64})(?:\.[0-9a-f]{16})?", re.ASCII)

Polarity = Literal["lower", "higher"]


class QuestionInfo(msgspec.Struct, frozen=True, kw_only=True):
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
    questions: tuple[QuestionInfo, ...]  # in the order of the cube's question codes
    rows: int
    rejected_total: int
    rejected: tuple[Rejected, ...]  # the first ones, by file and line
    files: tuple[str, ...]  # names of the files, without their folders
    encoding: str
    delimiter: str
    decimal_mark: str
    warnings: tuple[str, ...] = ()  # what a reader should know: columns not used, a decimal mark that was guessed
    points: Points = Points()  # where its locations lie, for maps


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """What a statistic is computed from."""

    fingerprint: str
    cube: Cube
    about: About
    # Where it lies on disk, for who reads its rows (rows.Rows.of); None where it was made in memory. No part of the
    # content: results depend on the rows in it and not on the place.
    folder: Path | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    size_bytes: int
    digest: str  # SHA-256, hexadecimal


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format_version: int
    fingerprint: str
    edition: str
    about: About
    labels: Labels
    scale: int
    cube: _File
    rows: tuple[_File, ...]  # in the order of about.files


class _Version(msgspec.Struct, frozen=True):
    """The one field of a manifest that every version has."""

    format_version: int


def fingerprint(cube: Cube, about: About) -> str:
    """Return the name of a content: equal for equal content, whatever the order of the rows or the form of the file.

    Covers what a result can depend on: cells, labels, scale, withheld marks and reasons, roles, each question's unit
    and polarity, and whether the table is synthetic, which every result says. Does not cover the title, file
    names, rejected lines, encoding, delimiter, line numbers, points, and columns that have no role.
    """
    content = {
        "version": _FINGERPRINT_VERSION,
        "labels": {field.name: getattr(cube.labels, field.name) for field in fields(Labels)},
        "scale": cube.scale,
        "roles": about.roles,
        "synthetic": about.synthetic,
        "questions": [[question.text, question.unit, question.polarity] for question in about.questions],
    }
    digest = hashlib.sha256()
    # Not msgspec's JSON: how that escapes may change with its version, and what is under this name must not.
    digest.update(json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    for name, array in _arrays(cube.cells).items():
        numbers = array.astype(array.dtype.newbyteorder("<"), copy=False)
        # Name, type and shape first: without them, bytes could move from one array to the next unnoticed.
        digest.update(f"{name} {numbers.dtype.str} {numbers.shape}\n".encode())
        digest.update(numbers.tobytes())
    return digest.hexdigest()


def write_snapshot(cube: Cube, about: About, rows: Sequence[Path], into: Path, *, work: Path | None = None) -> Path:
    """Write a snapshot and return its folder; ``rows`` are the Parquet files of ``about.files``, which are moved in.

    The folder is there whole or not at all. One that is there already and sound is kept if it is the same edition;
    a damaged one is replaced. Several processes may write the same snapshot at the same time. It is built up in
    ``work``, on the same disk, which whoever may kill this process removes; without it, in a folder of its own in
    ``into``.

    Raises:
        LoadFailed: the disk is full or cannot be written to. Nothing is left behind but ``rows`` not yet moved.
        ValueError: there are not as many ``rows`` as ``about.files`` (a bug in who calls).
    """
    if len(rows) != len(about.files):
        raise ValueError(f"{len(about.files)} files were read, and the rows of {len(rows)} are given")
    try:
        into.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}writing-", dir=work or into))
        try:
            manifest = _fill(folder, cube, about, rows)
            return _settle(folder, into, manifest)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise LoadFailed(
            f"The snapshot could not be written to {into}: {error.strerror or error}. Make space there, or set another "
            "state_dir, and start again."
        ) from error


def open_snapshot(folder: Path) -> Snapshot:
    """Open a snapshot and check it: every byte of the manifest and the cube, presence and size of the rows.

    The bytes of the rows are not read: with gigabytes of them that would cost seconds at every start, and no number
    comes from them. They are compared with their digest when the same snapshot is written again.

    Raises:
        SnapshotDamaged: something is missing, or is not what was written.
    """
    manifest = _read_manifest(folder)
    for name, facts in _row_files(manifest):
        if (size_bytes := _size_bytes(folder, name)) != facts.size_bytes:
            raise damaged(folder, f"{name} has {size_bytes} bytes and should have {facts.size_bytes}")
    return Snapshot(
        fingerprint=manifest.fingerprint, cube=_read_cube(folder, manifest), about=manifest.about, folder=folder
    )


def fingerprint_of(name: str) -> str | None:
    """Return the fingerprint that the name of a folder stands for, or None where it is no snapshot's name."""
    found = _FOLDER.fullmatch(name)
    return found[1] if found else None


def set_aside(folder: Path) -> Path:
    """Take a snapshot out of sight at once, whole, and return the temporary folder that is now to be removed.

    One that is not there, since somebody else was quicker, is no error.
    """
    aside = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}aside-", dir=folder.parent))
    with suppress(FileNotFoundError):
        folder.rename(aside / folder.name)
    return aside


def damaged(folder: Path, what: str) -> SnapshotDamaged:
    """Say what is wrong with a snapshot on disk, and what to do about it."""
    return SnapshotDamaged(
        f"The snapshot in {folder} is damaged: {what}. Remove that folder and start again: the data file is then read "
        "anew, and if it is unchanged the same snapshot comes back."
    )


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk itself: only then do they outlast a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _fill(folder: Path, cube: Cube, about: About, rows: Sequence[Path]) -> _Manifest:
    (folder / "rows").mkdir()
    kept = [folder / "rows" / f"{place:04}.parquet" for place in range(len(rows))]
    for path, place in zip(rows, kept, strict=True):
        shutil.move(path, place)
    with (folder / "cube.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **_arrays(cube.cells))
    facts = tuple(_measure(path) for path in kept)
    manifest = _Manifest(
        format_version=FORMAT_VERSION,
        fingerprint=fingerprint(cube, about),
        edition=hashlib.sha256(msgspec.json.encode((about, facts))).hexdigest()[:16],
        about=about,
        labels=cube.labels,
        scale=cube.scale,
        cube=_measure(folder / "cube.npz"),
        rows=facts,
    )
    (folder / "manifest.json").write_bytes(_seal(msgspec.json.encode(manifest)))
    # Files before their folders, and all before the rename: a name must not survive a power cut that its bytes do not.
    for path in (*kept, folder / "cube.npz", folder / "manifest.json", folder / "rows", folder):
        sync(path)
    return manifest


def _settle(written: Path, into: Path, manifest: _Manifest) -> Path:
    """Give the folder its final name, or return the sound one that is there with the same edition."""
    for name in (manifest.fingerprint, f"{manifest.fingerprint}.{manifest.edition}"):
        folder = into / name
        while not _rename(written, folder):
            edition = _edition(folder)
            if edition == manifest.edition:
                return folder
            if edition is not None:
                break  # another layout of the same content has this name
            shutil.rmtree(set_aside(folder), ignore_errors=True)
        else:
            sync(into)
            return folder
    raise AssertionError(f"{manifest.edition} names two editions")


def _rename(written: Path, folder: Path) -> bool:
    """Whether the name was free. A rename never replaces a folder that has something in it, so there is no race."""
    try:
        written.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def _edition(folder: Path) -> str | None:
    """Return the edition of a snapshot that is sound in every byte, those of its rows too; else None."""
    try:
        open_snapshot(folder)
        manifest = _read_manifest(folder)
        is_sound = all(_measure(folder / name) == facts for name, facts in _row_files(manifest))
    except (SnapshotDamaged, FileNotFoundError):
        return None
    return manifest.edition if is_sound else None


def _read_manifest(folder: Path) -> _Manifest:
    sealed = _read(folder, "manifest.json")
    body = sealed[len(_seal(b"")) - 1 : -1]
    if _seal(body) != sealed:
        raise damaged(folder, "manifest.json is not what was written")
    try:
        version = msgspec.json.decode(body, type=_Version).format_version
        if version != FORMAT_VERSION:
            raise damaged(folder, f"its format is {version}, and this Meantime reads {FORMAT_VERSION}")
        manifest = msgspec.json.decode(body, type=_Manifest)
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"manifest.json cannot be read ({error})") from error
    if fingerprint_of(folder.name) != manifest.fingerprint:
        raise damaged(folder, f"it holds the snapshot {manifest.fingerprint}")
    return manifest


def _read_cube(folder: Path, manifest: _Manifest) -> Cube:
    body = _read(folder, "cube.npz")
    if _facts(body) != manifest.cube:
        raise damaged(folder, "cube.npz is not what was written")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return with_marginals(manifest.labels, _cells(arrays), scale=manifest.scale)
    except Exception as error:
        raise damaged(folder, f"cube.npz holds no cube ({error})") from error


def _arrays(cells: Cells) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of cells by name, in a fixed order and without Python objects."""
    arrays = {"keys": cells.keys} | {name: getattr(cells.moments, name) for name in _MOMENTS}
    arrays |= {name: getattr(cells, name) for name in _PUBLISHED}
    return {name: _as_text(numbers) if numbers.dtype == object else numbers for name, numbers in arrays.items()}


def _cells(arrays: Mapping[str, npt.NDArray[Any]]) -> Cells:
    moments = {name: _from_text(arrays[name]) if arrays[name].dtype == np.uint8 else arrays[name] for name in _MOMENTS}
    return Cells(
        keys=arrays["keys"],
        moments=Moments(**moments),
        **{name: arrays[name] for name in _PUBLISHED},
    )


def _as_text(numbers: Exact) -> npt.NDArray[np.uint8]:
    """Write integers of any size as lines of text.

    Hexadecimal, since Python refuses decimal text of more than 4,300 digits; and one long text, since in an array of
    texts each would be as wide as the widest.
    """
    return np.frombuffer("\n".join(f"{number:x}" for number in numbers.tolist()).encode(), dtype=np.uint8)


def _from_text(text: npt.NDArray[np.uint8]) -> Exact:
    return exact([int(line, 16) for line in text.tobytes().split(b"\n")])


def _row_files(manifest: _Manifest) -> Iterator[tuple[str, _File]]:
    for place, facts in enumerate(manifest.rows):
        yield f"rows/{place:04}.parquet", facts


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _size_bytes(folder: Path, name: str) -> int:
    try:
        return (folder / name).stat().st_size
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _unreadable(folder: Path, name: str, error: OSError) -> SnapshotDamaged:
    return damaged(folder, f"{name} cannot be read ({error.strerror or error})")


def _measure(path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _File(size_bytes=file.tell(), digest=digest)


def _facts(body: bytes) -> _File:
    return _File(size_bytes=len(body), digest=hashlib.sha256(body).hexdigest())


def _seal(body: bytes) -> bytes:
    """Put a checksum around the manifest: with a flipped bit in a title it would still be JSON."""
    return b'{"sha256":"%s","manifest":%s}' % (hashlib.sha256(body).hexdigest().encode(), body)
