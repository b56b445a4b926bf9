"""The files of sources on the web: where they are kept, and that they are the newest."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from meantime.dataset.download.address import Address, parse_address
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.errors import DataError, LoadFailed

_log = structlog.get_logger("meantime")


class SourceDownloads:
    """Keeps the files of sources on the web in a folder."""

    def __init__(self, folder: Path, *, limit_mb: int, reserve_mb: int = 0) -> None:
        self._folder = folder
        self._limit_mb = limit_mb
        self._reserve_mb = reserve_mb

    def located(self, sources: Sequence[Source]) -> list[Source]:
        """Return the sources with the paths of their files, which need not exist yet."""
        return [
            msgspec.structs.replace(each, path=str(self._path_of(_address(each)))) if each.address else each
            for each in sources
        ]

    def _path_of(self, address: Address) -> Path:
        return self._folder / hashlib.sha256(address.url.encode()).hexdigest()[:16] / address.file_name

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
        """Download the file of a source on the web, unless it has not changed. Other sources are left alone.

        Without ``must_be_newest``, what was downloaded before will do where there is nothing newer to be had.

        Raises:
            SourceUnreadable: there is no such table, or it is too large.
            LoadFailed: the network, the server or the disk is in trouble.
            LoadCancelled: ``cancelled`` was set.
        """
        if not source.address:
            return
        # It imports httpx, which takes a tenth of a second, and most sources are files.
        from meantime.dataset.download.keeping import fetch_table

        path = Path(source.path)
        on_progress(Progress("downloading", 0.0, None))
        try:
            fetch_table(
                _address(source),
                path,
                limit_mb=self._limit_mb,
                reserve_mb=self._reserve_mb,
                on_share=lambda share: on_progress(Progress("downloading", share, None)),
                cancelled=cancelled,
                if_changed=True,
            )
        except (DataError, LoadFailed) as error:
            if must_be_newest or not path.exists():
                raise
            what = "a table could not be downloaded; what was downloaded before is served"
            _log.warning(what, dataset=source.name, reason=error.operator_reason)


def _address(source: Source) -> Address:
    address = parse_address(source.address)
    if address is None:
        raise ValueError(f"not an address: {source.address!r}")
    return address
