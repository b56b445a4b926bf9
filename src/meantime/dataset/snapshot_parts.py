"""The parts of a snapshot's folder: sealed manifests, and files whose sizes are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.row_files import FileDigest, damaged, row_file
from meantime.errors import MeantimeError, StorePaused

MANIFEST = "manifest.json"


class _Head(msgspec.Struct, frozen=True):
    """The fields that manifests of all versions have."""

    format_version: int
    fingerprint: str


# Made at import, by one thread: see formats/document.py.
_HEAD = msgspec.json.Decoder(_Head)


def seal(body: bytes) -> bytes:
    """Add a checksum to a manifest: with a flipped bit in a title it would still be valid JSON."""
    return b'{"sha256":"%s","manifest":%s}' % (hashlib.sha256(body).hexdigest().encode(), body)


def unseal(sealed: bytes) -> bytes | None:
    """Return what was sealed; None if it has changed since."""
    body = sealed[len(seal(b"")) - 1 : -1]
    return body if seal(body) == sealed else None


def unsealed(folder: Path, name: str) -> bytes:
    """Return a manifest without its checksum.

    Raises:
        SnapshotDamaged: it is missing, or differs from what was written.
        StorePaused: the machine cannot read it at the moment.
    """
    body = unseal(read_bytes(folder, name))
    if body is None:
        raise damaged(folder, f"{name} has changed since it was written")
    return body


def read_head(folder: Path, body: bytes, fingerprint: str | None) -> int:
    """Return the version of a manifest, which must be that of this fingerprint.

    Raises:
        SnapshotDamaged: it cannot be read, or is another snapshot's.
    """
    try:
        head = _HEAD.decode(body)
    except msgspec.MsgspecError as error:
        raise damaged(folder, f"{MANIFEST} cannot be read ({error})") from error
    if head.fingerprint != fingerprint:
        raise damaged(folder, f"it contains the snapshot {head.fingerprint}")
    return head.format_version


def row_sizes(files: Sequence[FileDigest]) -> Iterator[tuple[str, int]]:
    """Yield the names of the files with rows, and their sizes."""
    for number, facts in enumerate(files):
        yield row_file(number), facts.size_bytes


def check_sizes(folder: Path, sizes: Iterable[tuple[str, int]]) -> None:
    """Compare files with the sizes that they must have.

    Raises:
        SnapshotDamaged: a file is missing or has another size.
        StorePaused: the machine cannot look at the moment.
    """
    for name, expected in sizes:
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise _unreadable(folder, name, error) from error
        if found != expected:
            raise damaged(folder, f"{name} has {found} bytes instead of {expected}")


def read_bytes(folder: Path, name: str) -> bytes:
    """Return a file; raises as ``check_sizes``."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _unreadable(folder: Path, name: str, error: OSError) -> MeantimeError:
    what = f"{name} cannot be read ({error.strerror or error})"
    if is_machine_trouble(error):
        return StorePaused("The stored copy of the data cannot be opened at the moment. Try again later.").for_operator(
            f"The snapshot in {folder} cannot be opened at the moment: {what}."
        )
    return damaged(folder, what)
