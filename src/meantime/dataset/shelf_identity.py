"""By which name servers find on a shared shelf what another one has made of the same source."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec

from meantime.dataset.object_address import parse_object_address
from meantime.dataset.object_listing import found_at
from meantime.dataset.reading.source import (
    READING_VERSION,
    Source,
    data_files,
    description_path,
    how_it_is_read,
    ignored_files,
    table_address,
)
from meantime.dataset.row_files import measure
from meantime.dataset.snapshot_folder import FORMAT_VERSION
from meantime.errors import LoadCancelled

_CHUNK_BYTES = 2**20


def shelf_identity(source: Source, *, rejected_limit: float, with_paths: bool, cancelled: threading.Event) -> str:
    """Return a digest that is the same wherever reading a source gives the same snapshot.

    Objects are identified by key and ETag, and all other files by their content, wherever they are. ``with_paths``:
    and by their paths, where a cluster reads them, whose snapshots name them.

    Raises:
        SourceUnreadable: the files cannot be found.
        OSError: they cannot be read.
        LoadCancelled: ``cancelled`` was set.
    """
    objects = parse_object_address(source.address)
    if objects is not None:
        files: object = (objects.text, found_at(source.path))
        described = _content(Path(source.described)) if source.described else None
        others: tuple[str, ...] = ()
        is_one = objects.is_one
    else:
        paths = data_files(source)
        files = [(path.name, _digest(path, cancelled), str(path.absolute()) if with_paths else "") for path in paths]
        described = _content(description_path(source))
        others = ignored_files(source)
        is_one = Path(source.path).is_file()
    facts = {
        "reading": READING_VERSION,
        "format": FORMAT_VERSION,
        # What a snapshot has of its data set: the title of a folder is its name.
        "name": "" if is_one else source.name,
        "files": files,
        "others": others,
        "description": described,
        "table": table_address(source),
        **how_it_is_read(source, rejected_limit=rejected_limit),
    }
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def _digest(path: Path, cancelled: threading.Event) -> str:
    """Return the digest of a file that may have a hundred gigabytes, of which each takes a second."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if cancelled.is_set():
                raise LoadCancelled("Looking for a snapshot on the shelf was cancelled.")
    return digest.hexdigest()


def _content(path: Path) -> tuple[str, str] | None:
    return (path.name, measure(path).digest) if path.is_file() else None
