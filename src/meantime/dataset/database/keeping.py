"""Tallies of tables as files: whole or not at all, and not made again while a table has not changed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from sqlalchemy import text

from meantime.dataset.database.connecting import TableReader, explained, open_table
from meantime.dataset.database.tallying import write_tally
from meantime.dataset.disk_reserve import DiskReserve
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.reading.description import Description
from meantime.dataset.row_files import measure
from meantime.dataset.table_address import TableAddress
from meantime.durable import durable_file, sync
from meantime.errors import DescriptionInvalid, LoadFailed, SettingInvalid, SourceUnreadable

# Raise it when the same table would give another tally.
_TALLY_VERSION = 2


class _Record(msgspec.Struct):
    """What is known of a tally that is kept."""

    question: str  # a digest of what was asked: which table, and by which description
    version: str  # what the version query answered; "" where there is none
    size_bytes: int
    digest: str


# Made at import, by one thread: see formats/document.py.
_RECORD = msgspec.json.Decoder(_Record)


def fetch_tally(
    address: TableAddress,
    path: Path,
    *,
    description: Description,
    by_hand: Mapping[str, str],
    described_in: str,
    limit_mb: int,
    reserve_mb: int = 0,
    on_rows: Callable[[int], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> bool:
    """Count the table at an address into a file, and return whether it is another one than was there.

    If the description has a version query and its answer is that of the file, nothing is counted. A table that gives
    the same tally leaves the file as it is.

    Raises:
        DataError: there is no such table, or it is none that can be read.
        LoadFailed: the database, the network or the disk is in trouble.
        LoadCancelled: ``cancelled`` was set.
    """
    cancelled = cancelled or threading.Event()
    question = _digest_of([_TALLY_VERSION, address.text, sorted(by_hand.items()), msgspec.to_builtins(description)])
    known = _known(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The one before it, where a crash has left it.
        for left in path.parent.glob(f"{_WORK}*"):
            shutil.rmtree(left, ignore_errors=True)
        with (
            tempfile.TemporaryDirectory(prefix=_WORK, dir=path.parent) as work,
            explained(address, cancelled),
            open_table(address, cancelled) as reader,
        ):
            version = _version(reader, description.version_query, cancelled)
            if version and known and (known.question, known.version) == (question, version):
                return False
            made = Path(work) / "tally"
            check = _check(path.parent, address, limit_mb=limit_mb, reserve_mb=reserve_mb)

            def note(rows: int, size_bytes: int) -> None:
                check(size_bytes)
                on_rows(rows)

            write_tally(
                reader,
                made,
                work=Path(work),
                description=description,
                by_hand=by_hand,
                described_in=described_in,
                on_rows=note,
            )
            facts = measure(made)
            is_new = known is None or known.digest != facts.digest
            if is_new:
                sync(made)
                # First without a record: a crash in between leaves a file that is made again.
                _record_path(path).unlink(missing_ok=True)
                made.replace(path)
                sync(path.parent)
            record = _Record(question, version, path.stat().st_size, facts.digest)
            with durable_file(_record_path(path)) as file:
                file.write(msgspec.json.encode(record))
    except OSError as error:
        what = f"The tally of {address.shown} cannot be written to the disk: {error.strerror or error}."
        kind = LoadFailed if is_machine_trouble(error) else SettingInvalid
        raise kind(what).for_operator(f"{what} The file would be {path}.") from error
    return is_new


_WORK = ".tally-"


def _version(reader: TableReader, query: str | None, cancelled: threading.Event) -> str:
    if not query:
        return ""
    try:
        rows = reader.connection.execute(text(query.replace(":", "\\:"))).fetchmany(2)
    except Exception as error:
        if cancelled.is_set():
            raise
        what = "The version_query cannot be run"
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        raise DescriptionInvalid(f"{what} in the database of {reader.address.shown}.").for_operator(
            f"{what} in the database of {reader.address.shown}: {said}"
        ) from error
    if len(rows) != 1:
        raise DescriptionInvalid(
            f"The version_query gives {'no' if not rows else 'more than one'} row; it must give one, such as select "
            "max(updated) from ..."
        )
    return _digest_of([str(each) for each in rows[0]])


def _check(folder: Path, address: TableAddress, *, limit_mb: int, reserve_mb: int) -> Callable[[int], None]:
    reserve = DiskReserve(folder, reserve_mb)

    def check(size_bytes: int) -> None:
        if size_bytes > limit_mb * 2**20:
            raise SourceUnreadable(
                f"The tally of {address.shown} has more than {limit_mb:,} MB (download_limit_mb). Make a view without "
                "the columns that are different in each row, or raise the limit."
            )
        if (shortage := reserve.shortage_at(size_bytes)) is not None:
            raise LoadFailed(f"The disk {shortage}.")

    return check


def _known(path: Path) -> _Record | None:
    """Return the record of a tally that is there as it was made."""
    try:
        record = _RECORD.decode(_record_path(path).read_bytes())
        is_whole = path.stat().st_size == record.size_bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return record if is_whole else None


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.tally.json")


def _digest_of(facts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()
