"""What was found in object storage when it was last looked at: the identity of a source there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from meantime.durable import durable_file
from meantime.errors import SourceUnreadable

# Below the folder of a source: what is there now, what of it is kept here, and the kept files.
LOOKED, KEPT, FILES = "looked.json", "kept.json", "files"


class ObjectFound(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object. On disk, so field names are kept."""

    key: str
    name: str  # of the file that it becomes, below ``FILES``
    size_bytes: int
    e_tag: str
    version: str = ""  # its id, where the bucket keeps several


# Made at import, by one thread: see formats/document.py.
_LISTING = msgspec.json.Decoder(tuple[ObjectFound, ...])


def read_listing(path: Path) -> tuple[ObjectFound, ...]:
    """Return the objects of a listing, by key; none if there is no listing that can be read."""
    try:
        return _LISTING.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return ()


def write_listing(path: Path, found: tuple[ObjectFound, ...]) -> None:
    """Keep a listing."""
    with durable_file(path) as file:
        file.write(msgspec.json.encode(found))


def found_at(path: str) -> tuple[ObjectFound, ...]:
    """Return what was last found of the source whose files are kept at this path.

    Raises:
        SourceUnreadable: it was not looked for, or what was written about it is damaged.
    """
    folder = next(each.parent for each in Path(path).parents if each.name == FILES)
    if found := read_listing(folder / LOOKED):
        return found
    raise SourceUnreadable(f"{Path(path).name} was not looked for in object storage yet.")
