"""Objects as files: whole or not at all, and not fetched again while they have not changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import obstore
from obstore.store import S3Store

from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.object_address import ObjectAddress
from meantime.dataset.object_listing import FILES, KEPT, LOOKED, ObjectFound, read_listing, write_listing
from meantime.dataset.object_storage.connecting import asked, chunks_of, open_bucket, run, was_replaced
from meantime.dataset.object_storage.looking import look
from meantime.durable import durable_file
from meantime.errors import LoadFailed, SettingInvalid, SourceUnreadable


def look_for_objects(
    address: ObjectAddress, folder: Path, *, limit_mb: int, with_description: bool, cancelled: threading.Event
) -> None:
    """Write down which objects are at an address now.

    Raises:
        SourceUnreadable: there is none, it may not be read, or they are too large.
        LoadFailed: the storage, the network or the disk is in trouble.
        LoadCancelled: ``cancelled`` was set.
    """
    bucket = open_bucket(address.bucket)
    found = run(lambda: look(bucket, address, with_description=with_description), cancelled)
    size_bytes = sum(each.size_bytes for each in found)
    if size_bytes > limit_mb * 2**20:
        raise SourceUnreadable(
            f"{address.shown} is larger than {limit_mb:,} MB, which is the limit for downloads (download_limit_mb). "
            "Raise it if this is the right file."
        )
    with _explained(address, folder):
        folder.mkdir(parents=True, exist_ok=True)
        if read_listing(folder / LOOKED) != found:
            write_listing(folder / LOOKED, found)


def fetch_objects(
    address: ObjectAddress,
    folder: Path,
    *,
    reserve_mb: int = 0,
    on_share: Callable[[float], None] = lambda _: None,
    cancelled: threading.Event,
) -> None:
    """Fetch the objects that were found at an address last, and remove the files of others.

    Raises:
        SourceChanged: one of them has been replaced since.
        SourceUnreadable: one is gone, or may not be read.
        LoadFailed: the storage, the network or the disk is in trouble.
        LoadCancelled: ``cancelled`` was set.
    """
    found, files = read_listing(folder / LOOKED), folder / FILES
    with _explained(address, folder):
        kept = [each for each in read_listing(folder / KEPT) if each in found and _is_whole(files / each.name, each)]
        # First, so that no file is ever taken for another version than it is.
        write_listing(folder / KEPT, tuple(kept))
        names = {each.name for each in kept}
        for path in [path for path in files.rglob("*") if path.is_file()]:
            if path.relative_to(files).as_posix() not in names:
                path.unlink()
        fetched = _Fetched(sum(each.size_bytes for each in found if each not in kept), on_share)
        reserve = DiskReserve(folder, reserve_mb)
        bucket = open_bucket(address.bucket)
        for each in found:
            if each not in kept:
                path = files / each.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with durable_file(path) as into:
                    run(partial(_fetch, bucket, address, each, into, fetched, reserve), cancelled)
                kept.append(each)
                write_listing(folder / KEPT, tuple(kept))


class _Fetched:
    """How much has been fetched, of how much."""

    def __init__(self, of_bytes: int, on_share: Callable[[float], None]) -> None:
        self._of_bytes = of_bytes
        self._on_share = on_share
        self.size_bytes = 0

    def add(self, size_bytes: int) -> None:
        self.size_bytes += size_bytes
        self._on_share(min(self.size_bytes / self._of_bytes, 1))


async def _fetch(
    bucket: S3Store, address: ObjectAddress, found: ObjectFound, into: BinaryIO, fetched: _Fetched, reserve: DiskReserve
) -> None:
    shown = f"s3://{address.bucket}/{found.key}"
    answer = await asked(obstore.get_async(bucket, found.key, options={"if_match": found.e_tag}), shown)
    # A storage that does not know the condition sends what it has.
    if answer.meta["e_tag"] != found.e_tag or answer.meta["size"] != found.size_bytes:
        raise was_replaced(shown)
    size_bytes = 0
    async for chunk in chunks_of(answer, shown):
        size_bytes += len(chunk)
        into.write(chunk)
        fetched.add(len(chunk))
        if (shortage := reserve.shortage_at(fetched.size_bytes)) is not None:
            raise LoadFailed(f"The disk {shortage}.")
    if size_bytes != found.size_bytes:
        raise LoadFailed(f"Only {size_bytes:,} of the {found.size_bytes:,} bytes of {shown} arrived.")


def _is_whole(path: Path, found: ObjectFound) -> bool:
    try:
        return path.stat().st_size == found.size_bytes
    except OSError:
        return False


@contextmanager
def _explained(address: ObjectAddress, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"{address.shown} cannot be written to the disk: {error.strerror or error}."
        kind = LoadFailed if is_machine_trouble(error) else SettingInvalid
        raise kind(what).for_operator(f"{what} The folder is {folder}.") from error
