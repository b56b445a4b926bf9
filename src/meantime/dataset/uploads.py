"""Tables that people have uploaded to a server: a folder for each data set, below the state directory.

A file appears whole or not at all, and is on disk before its upload is acknowledged. After a restart it is served
again.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.file_names import end_of_name
from meantime.dataset.machine_trouble import is_disk_full
from meantime.dataset.reading.description import check_description
from meantime.dataset.reading.source import Source, data_set_name
from meantime.durable import durable_file, rename_if_free, sync
from meantime.errors import BodyTooLarge, DatasetNameTaken, RequestInvalid, StoreFull, StorePaused
from meantime.text import quoted

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_NOT_IN_FILE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]+")
# As long as most file systems allow.
LONGEST_FILE_NAME = 255
_PART = ".part-"
# Each is a data set that is described at the first page, held in memory and read at each start.
MOST_UPLOADS = 100
_NOT_WRITTEN = "The server cannot write the file to its disk at the moment, so it is not kept. Try again later."
_FULL = "The server's disk is nearly full, so the file is not kept."


class Uploads:
    """The uploaded tables of a server. Any thread may use it, but only one at a time may receive under a name."""

    def __init__(self, folder: Path, *, limit_mb: int, reserve_mb: int) -> None:
        self._folder = folder
        self._limit_mb = limit_mb
        self._reserve_mb = reserve_mb

    def sources(self) -> list[Source]:
        """Return what was uploaded before, by name. What a crash has left of an unfinished upload is removed."""
        if not self._folder.is_dir():
            return []
        sources = []
        for folder in sorted(self._folder.iterdir()):
            files = [path for path in folder.iterdir() if path.suffix != ".toml"] if folder.is_dir() else []
            if folder.name.startswith(_PART) or len(files) != 1:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                sources.append(Source(name=folder.name, path=str(files[0])))
        return sources

    @contextmanager
    def receive(self, file_name: str) -> Iterator[Upload]:
        """Receive a file; it is gone afterwards unless it was kept.

        Raises:
            RequestInvalid: the file name is none, or there are as many uploads as there may be.
            StoreFull: the disk is full, or a quota is used up; also while the file is written and kept.
            StorePaused: the disk cannot be written to for another reason, likewise.
        """
        name = end_of_name(_NOT_IN_FILE_NAME.sub("-", file_name).strip().lstrip("."))
        if not name or name.lower().endswith(".toml") or len(file_name) > LONGEST_FILE_NAME:
            raise RequestInvalid(
                f"{quoted(file_name[:LONGEST_FILE_NAME])} is not the name of a table's file. Send it as `file`."
            )
        with self._writing():
            self._folder.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.iterdir()) >= MOST_UPLOADS:
                raise RequestInvalid(f"There are {MOST_UPLOADS} uploaded tables already. Remove one first.")
            part = Path(tempfile.mkdtemp(prefix=_PART, dir=self._folder))
            try:
                with (part / name).open("wb") as file:
                    yield Upload(file, part / name, limit_mb=self._limit_mb, reserve_mb=self._reserve_mb)
            finally:
                shutil.rmtree(part, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise StoreFull(_FULL) from error
            if isinstance(error, ConnectionError):
                raise  # not of the disk
            raise StorePaused(_NOT_WRITTEN).for_operator(
                f"An upload cannot be written to {self._folder}: {error.strerror or error}."
            ) from error

    def keep(self, upload: Upload, name: str, *, taken: Collection[str]) -> Source:
        """Keep an upload that is complete, under a name: this one, or one like that of its file if it is empty.

        ``taken`` are the names of all data sets.

        Raises:
            RequestInvalid: the name has characters that it may not have.
            DatasetNameTaken: there is a data set of this name.
        """
        check_name(name)
        upload.flush()
        for each in [name] if name else _names_like(data_set_name(upload.path.name)):
            # Somebody else may have taken it meanwhile.
            if each not in taken and rename_if_free(upload.path.parent, self._folder / each):
                sync(self._folder)
                return Source(name=each, path=str(self._folder / each / upload.path.name))
        raise DatasetNameTaken(f"There is a data set {quoted(name)} already. Choose another name.")

    def description(self, name: str) -> str:
        """Return the TOML that describes an upload; "" where there is none.

        Raises:
            StoreFull, StorePaused: the disk is in trouble.
        """
        with self._writing():
            path = self._description_file(name)
            return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def describe(self, name: str, toml: str) -> None:
        """Write the TOML that describes an upload; "" removes it.

        Raises:
            DescriptionInvalid: it is none; what was there stays.
            StoreFull: the disk is full, or a quota is used up.
            StorePaused: the disk cannot be written to for another reason.
        """
        check_description(toml)
        with self._writing():
            path = self._description_file(name)
            if not toml.strip():
                path.unlink(missing_ok=True)
                return
            with durable_file(path) as file:
                file.write(toml.encode())

    def _description_file(self, name: str) -> Path:
        folder = self._folder / name
        table = next(path for path in folder.iterdir() if path.suffix != ".toml")
        return table.with_name(f"{table.name}.toml")

    def remove(self, name: str) -> None:
        """Remove the files of an upload."""
        shutil.rmtree(self._folder / name, ignore_errors=True)


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a data set; "" is no name.

    Raises:
        RequestInvalid: it has characters that it may not have, or too many.
    """
    if name and not _NAME.fullmatch(name):
        raise RequestInvalid(
            f"{quoted(name)} cannot be the name of a data set: it may have 80 letters, digits, dots, - and _."
        )


class Upload:
    """A file that is being received."""

    def __init__(self, file: BinaryIO, path: Path, *, limit_mb: int, reserve_mb: int) -> None:
        self.path = path
        self._file = file
        self._limit_mb = limit_mb
        self._reserve = DiskReserve(path.parent, reserve_mb)
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        """Write what has arrived.

        Raises:
            BodyTooLarge: the file is larger than an upload may be.
            StoreFull: less space would be left than is kept free for jobs.
        """
        self._size_bytes += len(data)
        if self._size_bytes > self._limit_mb * 2**20:
            raise BodyTooLarge(
                f"The file is larger than {self._limit_mb:,} MB, the limit for uploads (upload_limit_mb). Give its "
                "path to `meantime serve` instead."
            )
        if self._reserve.shortage_at(self._size_bytes) is not None:
            raise StoreFull(_FULL)
        self._file.write(data)

    def flush(self) -> None:
        """Write what is not yet on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        sync(self.path.parent)


def _names_like(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, MOST_UPLOADS + 2))
