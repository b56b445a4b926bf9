"""The files of sources that are elsewhere: where they are kept, and that they are the newest."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from meantime.dataset.addresses import AnyAddress, parse_address
from meantime.dataset.download.address import Address
from meantime.dataset.object_address import ObjectAddress
from meantime.dataset.object_listing import FILES, LOOKED
from meantime.dataset.reading.description import read_description, with_settings
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, description_path
from meantime.dataset.table_address import TableAddress
from meantime.errors import DataError, LoadFailed, SourceChanged

_log = structlog.get_logger("meantime")

# How often objects are looked for again that are replaced while they are fetched.
_MOST_TRIES = 3


class SourceDownloads:
    """Keeps the files of sources on the web and in object storage, and tallies of tables in databases, in a folder."""

    def __init__(self, folder: Path, *, limit_mb: int, reserve_mb: int = 0) -> None:
        self._folder = folder
        self._limit_mb = limit_mb
        self._reserve_mb = reserve_mb

    def located(self, sources: Sequence[Source]) -> list[Source]:
        """Return the sources with the paths of their files, which need not exist yet."""
        return [
            msgspec.structs.replace(each, path=str(self._path_of(each))) if each.address else each for each in sources
        ]

    def _path_of(self, source: Source) -> Path:
        address, folder = _address(source), self._folder_of(source)
        return folder / FILES / address.kept_path if isinstance(address, ObjectAddress) else folder / address.file_name

    def _folder_of(self, source: Source) -> Path:
        address = _address(source)
        if isinstance(address, Address):
            key = address.url
        elif isinstance(address, ObjectAddress):
            # Whether a description is looked for there.
            key = f"{address.text} {source.described}"
        else:
            # How a table is counted depends on how it is described.
            key = (
                f"{address.text} {source.described} {sorted(source.columns.items())} {sorted(source.settings.items())}"
            )
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:16]

    def remove_others(self, sources: Sequence[Source]) -> None:
        """Remove the files of addresses that are not among these sources."""
        kept = {self._folder_of(each) for each in sources if each.address}
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                if folder not in kept:
                    shutil.rmtree(folder, ignore_errors=True)

    def refresh(
        self,
        source: Source,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
        *,
        must_be_newest: bool,
    ) -> None:
        """Fetch the file of a source that is elsewhere, unless it has not changed. Other sources are left alone.

        Of objects, it is only looked which there are: what they became may be known already.

        Without ``must_be_newest``, what was fetched before will do where there is nothing newer to be had.

        Raises:
            DataError: there is no such table, it cannot be read, or it is too large.
            LoadFailed: the network, the server or the disk is in trouble.
            LoadCancelled: ``cancelled`` was set.
        """
        if not source.address:
            return
        on_progress(Progress("downloading", 0.0, None))
        address = _address(source)
        try:
            if isinstance(address, Address):
                self._download(address, Path(source.path), on_progress, cancelled)
            elif isinstance(address, ObjectAddress):
                self._look(address, source, cancelled)
            else:
                self._count(address, source, on_progress, cancelled)
        except (DataError, LoadFailed) as error:
            if must_be_newest or not self._is_known(source):
                raise
            what = "a table could not be downloaded; what was downloaded before is served"
            _log.warning(what, dataset=source.name, reason=error.operator_reason)

    def fetch(self, source: Source, on_progress: Callable[[Progress], None], cancelled: threading.Event) -> None:
        """Have the files of a source here that is to be read: those of object storage are fetched now.

        Raises:
            MeantimeError: as ``refresh``.
        """
        address = _address(source) if source.address else None
        if not isinstance(address, ObjectAddress):
            return
        # obstore is an extra.
        from meantime.dataset.object_storage.keeping import fetch_objects

        for tries_left in reversed(range(_MOST_TRIES)):
            try:
                fetch_objects(
                    address,
                    self._folder_of(source),
                    reserve_mb=self._reserve_mb,
                    on_share=lambda share: on_progress(Progress("downloading", share, None)),
                    cancelled=cancelled,
                )
            except SourceChanged as error:
                if not tries_left:
                    raise
                _log.warning("an object was replaced; it is fetched again", dataset=source.name, reason=error.reason)
                self._look(address, source, cancelled)
            else:
                return

    def _look(self, address: ObjectAddress, source: Source, cancelled: threading.Event) -> None:
        from meantime.dataset.object_storage.keeping import look_for_objects

        look_for_objects(
            address,
            self._folder_of(source),
            limit_mb=self._limit_mb,
            with_description=not source.described,
            cancelled=cancelled,
        )

    def _is_known(self, source: Source) -> bool:
        is_listed = isinstance(_address(source), ObjectAddress)
        return (self._folder_of(source) / LOOKED if is_listed else Path(source.path)).exists()

    def _download(
        self, address: Address, path: Path, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> None:
        # It imports httpx, which takes a tenth of a second, and most sources are files.
        from meantime.dataset.download.keeping import fetch_table

        fetch_table(
            address,
            path,
            limit_mb=self._limit_mb,
            reserve_mb=self._reserve_mb,
            on_share=lambda share: on_progress(Progress("downloading", share, None)),
            cancelled=cancelled,
            if_changed=True,
        )

    def _count(
        self, address: TableAddress, source: Source, on_progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> None:
        # SQLAlchemy is an extra.
        from meantime.dataset.database.keeping import fetch_tally

        described_in = description_path(source)
        description = with_settings(read_description(described_in), source.settings)
        fetch_tally(
            address,
            Path(source.path),
            description=description,
            by_hand={**description.columns, **source.columns},
            described_in=described_in.name,
            limit_mb=self._limit_mb,
            reserve_mb=self._reserve_mb,
            on_rows=lambda rows: on_progress(Progress("downloading", 0.0, rows)),
            cancelled=cancelled,
        )


def _address(source: Source) -> AnyAddress:
    address = parse_address(source.address)
    if address is None:
        raise ValueError(f"not an address: {source.address!r}")
    return address
