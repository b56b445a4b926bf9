"""A shelf of snapshots that several servers share: what one has read, the others take.

::

    sources/<identity>    which snapshot a source became: its folder's name, and the digests and sizes of its files
    files/<digest>        the files of snapshots, each under the SHA-256 of its bytes

A snapshot is there when its entry below ``sources`` is, which is put last, if there is none. Files of the same bytes
are the same file, so whoever puts them at the same time puts the same. Every byte is compared with its digest when it
is taken: of what is damaged or missing, the source is read, and put again in the place of what was there.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import obstore
import structlog
from obstore.store import LocalStore, S3Store

from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.object_address import parse_object_address
from meantime.dataset.object_storage.connecting import asked, chunks_of, if_there, open_bucket, run
from meantime.dataset.row_files import measure
from meantime.dataset.snapshot_folder import TEMPORARY, edition_of, fingerprint_of
from meantime.dataset.snapshot_parts import seal, unseal
from meantime.dataset.snapshot_writer import settle
from meantime.durable import sync
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError, SettingInvalid, SourceUnreadable

_log = structlog.get_logger("meantime")

# A table of ten thousand files has a megabyte.
_MOST_ENTRY_BYTES = 64 * 2**20
# Up to this, a file is put in one request, on the condition that there is none; longer ones in parts.
_ONE_REQUEST_BYTES = 5 * 2**20
# What a snapshot consists of: nothing else is written here, whatever an entry says.
_FILE = re.compile(r"manifest\.json|rows\.json|cells\.bin|rows/[0-9]{4,9}\.parquet", re.ASCII)


class ShelfFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a snapshot. On the shelf, so field names are kept."""

    name: str  # below the snapshot's folder
    size_bytes: int
    digest: str


class ShelfEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Which snapshot a source became. On the shelf, so field names are kept."""

    identity: str
    folder: str
    files: tuple[ShelfFile, ...]


# Made at import, by one thread: see formats/document.py.
_ENTRY = msgspec.json.Decoder(ShelfEntry)


class _Damaged(Exception):
    """What is on the shelf is not what was put there."""


def open_shelf(address: str) -> S3Store | LocalStore:
    """Return where a shelf is. Nothing is sent yet.

    Raises:
        SettingInvalid: the address is none of a shelf, or there is no such folder.
    """
    try:
        objects = parse_object_address(address)
        if objects is not None:
            return open_bucket(objects.bucket, f"{objects.folder}{objects.pattern}")
    except SourceUnreadable as error:
        raise SettingInvalid(f"The shelf cannot be used: {error.reason}") from error
    # Not made: what should be mounted there may not be.
    if "://" in address or not Path(address).is_dir():
        raise SettingInvalid(
            f"shelf is {address!r}; it must be s3://BUCKET/PREFIX, or a folder that is there and that servers share."
        )
    return LocalStore(Path(address).absolute())


class SnapshotShelf:
    """Takes and puts snapshots. Used by one thread. Whatever goes wrong is logged, and the source is read instead."""

    def __init__(self, address: str, *, reserve_mb: int = 0, with_paths: bool = False) -> None:
        """Open a shelf at ``s3://BUCKET/PREFIX``, or in a folder that servers share.

        Raises:
            SettingInvalid: it is neither, or there is no such folder.
        """
        self.with_paths = with_paths  # whether the snapshots here name the paths of their sources
        self._address = address.rstrip("/")
        self._store = open_shelf(address)
        self._reserve_mb = reserve_mb
        self._damaged: set[str] = set()  # what is put whether or not there is something of that name

    def take(
        self, identity: str, into: Path, *, on_share: Callable[[float], None], cancelled: threading.Event
    ) -> Path | None:
        """Fetch the snapshot of a source, and return its folder in ``into``; None if there is none that can be used.

        Raises:
            LoadCancelled: ``cancelled`` was set.
        """
        try:
            body = run(partial(self._get, _entry(identity), _MOST_ENTRY_BYTES), cancelled)
            return None if body is None else self._fetch(_decoded(body, identity), into, on_share, cancelled)
        except LoadCancelled:
            raise
        except _Damaged as error:
            self.distrust(identity, str(error))
        except (MeantimeError, OSError) as error:
            self._log_trouble("the shelf cannot be used; the source is read", error)
        return None

    def put(self, identity: str, folder: Path, cancelled: threading.Event) -> None:
        """Put a snapshot on the shelf, unless there is one for this source."""
        try:
            if edition_of(folder) is None:
                return  # damaged meanwhile: that is noticed and repaired where it is used
            run(partial(self._put, identity, folder), cancelled)
        except LoadCancelled:
            pass  # the next server that reads the source puts it
        except (MeantimeError, OSError) as error:
            self._log_trouble("a snapshot could not be put on the shelf", error)

    def distrust(self, identity: str, reason: str) -> None:
        """Have the entry of a source replaced by what is put next."""
        self._damaged.add(_entry(identity))
        _log.warning("what is on the shelf is damaged; the source is read", reason=reason, shelf=self._address)

    def _fetch(
        self, entry: ShelfEntry, into: Path, on_share: Callable[[float], None], cancelled: threading.Event
    ) -> Path:
        total = sum(file.size_bytes for file in entry.files) or 1
        written = 0
        reserve = DiskReserve(into, self._reserve_mb)

        def note(size_bytes: int) -> None:
            nonlocal written
            written += size_bytes
            on_share(min(written / total, 1))
            if (shortage := reserve.shortage_at(written)) is not None:
                raise LoadFailed(f"The disk {shortage}.")

        with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}taking-", dir=into, ignore_cleanup_errors=True) as work:
            made = Path(work) / entry.folder
            (made / "rows").mkdir(parents=True)
            for file in entry.files:
                run(partial(self._fetch_file, file, made / file.name, note), cancelled)
            edition = edition_of(made)
            if edition is None:
                raise _Damaged(f"the files of {entry.folder} are no snapshot of this format")
            for name in ("rows", "."):
                sync(made / name)
            taken = settle(made, into, fingerprint_of(entry.folder) or "", edition)
        _log.info("a snapshot was taken from the shelf", folder=taken.name, shelf=self._address)
        return taken

    async def _fetch_file(self, file: ShelfFile, into: Path, note: Callable[[int], None]) -> None:
        shown, digest = self._shown(_file(file.digest)), hashlib.sha256()
        answer = await if_there(obstore.get_async(self._store, _file(file.digest)), shown)
        # What is longer than it should be is not fetched.
        if answer is not None and answer.meta["size"] == file.size_bytes:
            with into.open("wb") as out:
                async for chunk in chunks_of(answer, shown):
                    out.write(chunk)
                    digest.update(chunk)
                    note(len(chunk))
            sync(into)
        if answer is None or digest.hexdigest() != file.digest:
            self._damaged.add(_file(file.digest))
            raise _Damaged(f"{file.name} is missing or has changed")

    async def _get(self, name: str, most_bytes: int) -> bytes | None:
        shown = self._shown(name)
        answer = await if_there(obstore.get_async(self._store, name), shown)
        if answer is None:
            return None
        if answer.meta["size"] > most_bytes:
            raise _Damaged("an entry is too long")
        return b"".join([chunk async for chunk in chunks_of(answer, shown)])

    async def _put(self, identity: str, folder: Path) -> None:
        if not self._may_put(_entry(identity)) and await self._is_there(_entry(identity)):
            return  # another server was quicker
        files = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            facts = measure(path)
            await self._put_file(path, _file(facts.digest), facts.size_bytes)
            name = path.relative_to(folder).as_posix()
            files.append(ShelfFile(name=name, size_bytes=facts.size_bytes, digest=facts.digest))
        body = seal(msgspec.json.encode(ShelfEntry(identity=identity, folder=folder.name, files=tuple(files))))
        if await self._put_bytes(_entry(identity), body):
            _log.info("a snapshot was put on the shelf", folder=folder.name, shelf=self._address)

    async def _put_file(self, path: Path, name: str, size_bytes: int) -> None:
        if size_bytes <= _ONE_REQUEST_BYTES:
            await self._put_bytes(name, path.read_bytes())
        elif self._may_put(name) or not await self._is_there(name):
            # In parts there is no condition; whoever else puts it now puts the same bytes.
            await asked(obstore.put_async(self._store, name, path), self._shown(name), doing="write")
            self._damaged.discard(name)

    async def _put_bytes(self, name: str, body: bytes) -> bool:
        """Put an object if there is none, or a damaged one; return whether it is ours."""
        mode: Literal["overwrite", "create"] = "overwrite" if self._may_put(name) else "create"
        try:
            await asked(obstore.put_async(self._store, name, body, mode=mode), self._shown(name), doing="write")
        except FileExistsError:
            return False
        self._damaged.discard(name)
        return True

    def _may_put(self, name: str) -> bool:
        return name in self._damaged

    async def _is_there(self, name: str) -> bool:
        return await if_there(obstore.head_async(self._store, name), self._shown(name)) is not None

    def _shown(self, name: str) -> str:
        return f"{self._address}/{name}"

    def _log_trouble(self, what: str, error: MeantimeError | OSError) -> None:
        reason = error.operator_reason if isinstance(error, MeantimeError) else str(error)
        _log.warning(what, reason=reason, shelf=self._address)


def _decoded(body: bytes, identity: str) -> ShelfEntry:
    try:
        entry = _ENTRY.decode(unseal(body) or b"")
    except msgspec.MsgspecError as error:
        raise _Damaged(f"an entry cannot be read ({error})") from error
    is_ours = entry.identity == identity and fingerprint_of(entry.folder) is not None
    if not is_ours or not all(_FILE.fullmatch(file.name) for file in entry.files):
        raise _Damaged("an entry is that of something else")
    return entry


def _entry(identity: str) -> str:
    return f"sources/{identity}"


def _file(digest: str) -> str:
    return f"files/{digest}"
