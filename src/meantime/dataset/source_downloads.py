"""The files of sources on the web and in databases: where they are kept, and that they are the newest."""

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
from meantime.dataset.reading.description import read_description, with_settings
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source, description_path
from meantime.dataset.table_address import TableAddress
from meantime.errors import DataError, LoadFailed

_log = structlog.get_logger("meantime")


class SourceDownloads:
    """Keeps the files of sources on the web, and the tallies of tables in databases, in a folder."""

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
        address = _address(source)
        if isinstance(address, Address):
            key = address.url
        else:
            # How a table is counted depends on how it is described.
            key = (
                f"{address.text} {source.described} {sorted(source.columns.items())} {sorted(source.settings.items())}"
            )
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:16] / address.file_name

    def remove_others(self, sources: Sequence[Source]) -> None:
        """Remove the files of addresses that are not among these sources."""
        kept = {Path(each.path).parent for each in sources if each.address}
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
            else:
                self._count(address, source, on_progress, cancelled)
        except (DataError, LoadFailed) as error:
            if must_be_newest or not Path(source.path).exists():
                raise
            what = "a table could not be downloaded; what was downloaded before is served"
            _log.warning(what, dataset=source.name, reason=error.operator_reason)

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
