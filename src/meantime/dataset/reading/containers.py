"""Files that have a table in them and are no text table: spreadsheets, zip archives, JSON. Each becomes a text file.

What is unpacked is limited by its ratio to the file, whatever the file says of its size.
"""

from __future__ import annotations

import gzip
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from meantime.dataset.reading.json_tables import begins_like_json, read_json
from meantime.dataset.reading.spreadsheet import read_sheet
from meantime.errors import SourceUnreadable
from meantime.text import listed, quoted

# Tables of indicators compress to a tenth, very repetitive ones to a fiftieth; a bomb to a thousandth.
_MOST_TIMES_UNPACKED = 200
# Below this nothing is a bomb.
_HARMLESS_BYTES = 64 * 2**20
_COPY_BYTES = 2**20
_TABLES = (".csv", ".tsv", ".tab", ".txt", ".json", ".xlsx", ".xlsm", ".parquet", ".csv.gz", ".tsv.gz")
# Beside the table, publishers pack what describes it.
_DESCRIPTIONS = ("metadata", "readme", "license", "codebook", "datapackage")
_WORKBOOK = "xl/workbook.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The file that a container became, and what the container says of it."""

    path: Path
    name: str  # for people
    roles: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    delimiter: str | None = None  # of a text file that this program wrote; None of a file as it was packed
    said: tuple[str, ...] = ()


def unpack(path: Path, work: Path, *, name: str, part: str = "") -> Unpacked | None:
    """Return the table in a container as a file of its own; None if the file is no container.

    That of an archive is a file as it was packed, of whatever kind. ``part`` names a sheet of a spreadsheet, or a file
    of an archive.

    Raises:
        SourceUnreadable: it is damaged or a bomb, or has several tables and no part is named.
        SourceEmpty: a spreadsheet without rows.
    """
    with path.open("rb") as file:
        head = file.read(512)
    into = work / f"{secrets.token_hex(4)}.unpacked"
    if head.startswith(b"PK\x03\x04"):
        return _from_zip(path, work, into, name, part)
    if part:
        raise SourceUnreadable(f"{name} is no spreadsheet and no archive, so it has no part {quoted(part)}.")
    if begins_like_json(head):
        about = read_json(path, into, name=name)
        return Unpacked(path=into, name=name, roles=about.roles, title=about.title, delimiter=",")
    return None


def unpacked_pieces(source: IO[bytes] | gzip.GzipFile, path: Path, name: str) -> Iterator[bytes]:
    """Yield what there is to read of a compressed file, or of one within it, as long as it may be a table.

    Raises:
        SourceUnreadable: it is a bomb.
    """
    unpacked = 0
    while piece := source.read(_COPY_BYTES):
        unpacked += len(piece)
        _refuse_bomb(unpacked, path, name)
        yield piece


def _from_zip(path: Path, work: Path, into: Path, name: str, part: str) -> Unpacked:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            _refuse_bomb(sum(each.file_size for each in entries), path, name)
            if any(each.filename == _WORKBOOK for each in entries):
                said = read_sheet(path, into, name=name, sheet=part)
                return Unpacked(path=into, name=name, delimiter=",", said=said)
            entry = _choose(entries, name, part)
            unpacked = work / f"{secrets.token_hex(4)}.entry"
            _copy(archive, entry, unpacked, path, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # RuntimeError: it needs a password.
        raise SourceUnreadable(
            f"{name} cannot be unpacked ({error}). Unpack it yourself, or download it again."
        ) from error
    inner = f"{name}#{entry.filename}"
    with unpacked.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"PK\x03\x04") and not entry.filename.lower().endswith((".xlsx", ".xlsm")):
        raise SourceUnreadable(f"{name} has an archive in it. Unpack it once and try again.")
    others = [each.filename for each in entries if each is not entry]
    said = (f"Of {name}, {quoted(entry.filename)} was read.",) if others else ()
    return Unpacked(path=unpacked, name=inner, said=said)


def _choose(entries: Sequence[zipfile.ZipInfo], name: str, part: str) -> zipfile.ZipInfo:
    hidden = ("__MACOSX/", ".")
    visible = [each for each in entries if not each.filename.startswith(hidden) and "/." not in each.filename]
    if part:
        named = [each for each in visible if each.filename == part]
        if not named:
            names = listed(quoted(each.filename) for each in visible)
            raise SourceUnreadable(f"{name} has no file {quoted(part)}. Its files are {names}.")
        return named[0]
    tables = [each for each in visible if each.filename.lower().endswith(_TABLES)]
    tables = [each for each in tables if not _is_description(each.filename)] or tables
    if not tables:
        raise SourceUnreadable(f"{name} has no table ({', '.join(_TABLES)}). Unpack it, and save its table as CSV.")
    if len(tables) > 1:
        names = listed(quoted(each.filename) for each in tables)
        raise SourceUnreadable(f"{name} has {len(tables)} tables: {names}. Say which: {name}#{tables[0].filename}")
    return tables[0]


def _is_description(file: str) -> bool:
    """Whether a file describes another, by its name.

    >>> _is_description("x/Metadata_Country.csv"), _is_description("13100096_MetaData.csv"), _is_description("a.csv")
    (True, True, False)
    """
    stem = file.rpartition("/")[2].casefold()
    return any(stem.startswith(each) or stem.partition(".")[0].endswith(each) for each in _DESCRIPTIONS)


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, path: Path, name: str) -> None:
    with archive.open(entry) as source, into.open("wb") as out:
        out.writelines(unpacked_pieces(source, path, name))


def _refuse_bomb(unpacked: int, path: Path, name: str) -> None:
    if unpacked > max(_HARMLESS_BYTES, _MOST_TIMES_UNPACKED * path.stat().st_size):
        raise SourceUnreadable(
            f"{name} unpacks to more than {_MOST_TIMES_UNPACKED} times its size, which no table does. If it is one, "
            "unpack it and serve the unpacked file."
        )
