"""Which objects a source is made of, as they are now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

import obstore
from obstore.store import S3Store

from meantime.dataset.object_address import ObjectAddress
from meantime.dataset.object_listing import ObjectFound
from meantime.dataset.object_storage.connecting import asked, objects_below
from meantime.dataset.reading.source import DESCRIPTION_OF_FOLDER, ENDINGS_IN_FOLDER
from meantime.errors import DataError, LoadFailed, SourceUnreadable
from meantime.text import count, listed, quoted

# More than a table has files. It bounds how long is listed for an address that is too short by mistake.
_MOST_LISTED = 100_000
_NAMES_SHOWN = 5


async def look(bucket: S3Store, address: ObjectAddress, *, with_description: bool) -> tuple[ObjectFound, ...]:
    """Return the objects at an address, by key, and with them the TOML file that describes them, if there is one.

    Raises:
        SourceUnreadable: there is none, or it may not be read or listed.
        LoadFailed: the storage or the network is in trouble.
    """
    if address.is_one:
        found = await _look_at_one(bucket, address, with_description=with_description)
    else:
        found = await _look_at_several(bucket, address, with_description=with_description)
    return tuple(sorted(found, key=lambda each: each.key))


async def _look_at_one(bucket: S3Store, address: ObjectAddress, *, with_description: bool) -> list[ObjectFound]:
    key = address.folder + address.pattern
    found = [await _head(bucket, address, key)]
    if with_description:
        # Where a bucket may not be listed, what is not there may not be read.
        with suppress(DataError):
            found.append(await _head(bucket, address, f"{key}.toml"))
    return found


async def _head(bucket: S3Store, address: ObjectAddress, key: str) -> ObjectFound:
    # Not HEAD, whose answer has no body and so does not say whether the bucket or the object is missing.
    shown = f"s3://{address.bucket}/{key}"
    answer = await asked(obstore.get_async(bucket, key), shown)
    return _found(answer.meta, address)


async def _look_at_several(bucket: S3Store, address: ObjectAddress, *, with_description: bool) -> list[ObjectFound]:
    described = address.folder + DESCRIPTION_OF_FOLDER
    found, others = [], []
    async for meta in _listed(bucket, address):
        name = meta["path"].removeprefix(address.folder)
        if (with_description and meta["path"] == described) or _is_meant(name, address.pattern):
            found.append(_found(meta, address))
        elif name and "/" not in name:
            others.append(name)
    if all(each.key == described for each in found):
        if address.pattern:
            what = f"No object matches {address.shown}."
        elif others:
            there = listed(quoted(name) for name in sorted(others)[:_NAMES_SHOWN])
            what = (
                f"{address.shown} has no data files ({', '.join(ENDINGS_IN_FOLDER)}), but "
                f"{count(len(others), 'other object')}: {there}. To read one, give its address."
            )
        else:
            what = f"There are no objects in {address.shown}. Check the address."
        raise SourceUnreadable(what)
    return found


async def _listed(bucket: S3Store, address: ObjectAddress) -> AsyncIterator[Any]:
    """Yield what is known of each object below the folder of an address."""
    # The store takes the folder for one whether it ends with a slash or not, and gives none of other folders.
    number = 0
    async for meta in objects_below(bucket, address.folder or None, f"s3://{address.bucket}/{address.folder}"):
        yield meta
        number += 1
        if number > _MOST_LISTED:
            raise SourceUnreadable(
                f"There are more than {_MOST_LISTED:,} objects below s3://{address.bucket}/{address.folder}. Give an "
                "address with more of the path before the first wildcard."
            )


def _found(meta: Any, address: ObjectAddress) -> ObjectFound:
    if not meta["e_tag"]:
        raise LoadFailed(f"The storage of {address.shown} gives no ETag, so a changed file would not be noticed.")
    key = meta["path"]
    return ObjectFound(
        key=key,
        name=address.kept_name(key),
        size_bytes=meta["size"],
        e_tag=meta["e_tag"],
        version=meta["version"] or "",
    )


def _is_meant(name: str, pattern: str) -> bool:
    """Whether an object is one of those at an address, by its name below the folder, as of a file in a folder here.

    >>> [_is_meant(name, "*.csv") for name in ("a.csv", "b/a.csv", ".a.csv")]
    [True, False, False]
    >>> _is_meant("2023/a.csv", ""), _is_meant("a.txt", "")
    (False, False)
    """
    parts = name.split("/")
    if {"", ".", ".."} & set(parts):
        return False
    if not pattern:
        return len(parts) == 1 and not name.startswith(".") and name.lower().endswith(ENDINGS_IN_FOLDER)
    return not name.endswith(".toml") and _matches(parts, pattern.split("/"))


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob.

    >>> [_matches(path.split("/"), ["**", "*.csv"]) for path in ("a.csv", "x/y/a.csv", "x/.y/a.csv")]
    [True, True, False]
    """
    if not patterns:
        return not parts
    if patterns[0] == "**":
        if len(patterns) == 1:
            return all(not part.startswith(".") for part in parts)
        return _matches(parts, patterns[1:]) or (
            bool(parts) and not parts[0].startswith(".") and _matches(parts[1:], patterns)
        )
    if not parts or (parts[0].startswith(".") and not patterns[0].startswith(".")):
        return False
    return fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])
