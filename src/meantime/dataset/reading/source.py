"""What a data set is read from: a name, a path, and the roles that were set by hand."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from meantime.dataset.reading.columns import check_roles
from meantime.errors import SourceUnreadable
from meantime.text import listed, quoted

# Counts up when reading the same files would give another snapshot: another parser of values, other built-in questions.
READING_VERSION = 4

# Files of these kinds are the data of a folder. Not .txt: most are a README or a licence beside the data.
ENDINGS_IN_FOLDER = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
# What ends so says its form by that, and is called by what is before it.
_ENDINGS = (*ENDINGS_IN_FOLDER, ".txt", ".txt.gz")
DESCRIPTION_OF_FOLDER = "meantime.toml"

# NAME=PATH; a path may have an equals sign itself, so a name is only what cannot be a part of a path to folders.
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.*)", re.ASCII | re.DOTALL)
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a data set comes from."""

    name: str  # of the data set in the catalog
    path: str  # a file, a folder, or a glob
    columns: dict[str, str] = {}  # role -> column, set by hand


def parse_source(text: str, columns: Mapping[str, str] | None = None) -> Source:
    """Read ``[NAME=]PATH``. Without a name, the file's name is used, without its ending.

    >>> parse_source("heart=data/2020.csv").name, parse_source("data/Heart disease.csv.gz").name
    ('heart', 'Heart-disease')

    Raises:
        DescriptionInvalid: ``columns`` names a role that does not exist.
        SourceUnreadable: the path is empty.
    """
    check_roles(columns or {})
    # A file whose name looks like NAME=PATH is still that file.
    named = None if _exists(text) else _NAMED.fullmatch(text)
    name, path = (named[1], named[2]) if named else ("", text)
    if not path:
        raise SourceUnreadable(f"{text!r} names no file. Give a path: a file, a folder, or a quoted glob.")
    return Source(name=name or _name_of(path), path=path, columns=dict(columns or {}))


def data_files(source: Source) -> tuple[Path, ...]:
    """Return the data files of a source, sorted by name: the file, those of the folder, or what the glob matches.

    Raises:
        SourceUnreadable: there is none, or the path cannot be looked at.
    """
    path = Path(source.path)
    try:
        if path.is_file():
            return (path,)
        if path.is_dir():
            return _in_folder(path)
        if path.exists():
            raise SourceUnreadable(f"{path} is not a file with data in it (a device or a pipe). Save it as a file.")
    except (OSError, ValueError) as error:
        raise SourceUnreadable(f"{source.path!r} cannot be looked at: {_why(error)}.") from error
    if glob.has_magic(source.path):
        found = tuple(
            Path(each)
            for each in sorted(glob.glob(source.path, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute ones
            if Path(each).is_file() and not each.endswith(".toml")
        )
        if not found:
            raise SourceUnreadable(f"No file matches {source.path!r}.")
        return found
    # What was meant for a name and cannot be one has been taken for a part of the path.
    about_names = " A name in front of it may have letters, digits, dots, - and _." if "=" in source.path else ""
    raise SourceUnreadable(f"{source.path} is not there. Check the path; it is taken from {Path.cwd()}.{about_names}")


def ignored_files(source: Source) -> tuple[str, ...]:
    """Return the names of a folder's files that are not read, sorted; hidden ones and the description aside."""
    path = Path(source.path)
    if not path.is_dir():
        return ()
    taken = {DESCRIPTION_OF_FOLDER, *(each.name for each in data_files(source))}
    return tuple(each.name for each in _visible(path) if each.name not in taken)


def description_path(source: Source) -> Path:
    """Return where the description of a source would be: ``data.csv.toml``, or ``meantime.toml`` in the folder."""
    path = Path(source.path)
    if path.is_dir():
        return path / DESCRIPTION_OF_FOLDER
    if path.is_file() or not glob.has_magic(source.path):
        return path.with_name(path.name + ".toml")
    while glob.has_magic(str(path)):
        path = path.parent
    return path / DESCRIPTION_OF_FOLDER


def source_identity(source: Source, *, rejected_limit: float) -> str:
    """Return what stays the same as long as reading the source would give the same snapshot.

    Files are told by path, size, modification time and inode, not by their bytes: a restart must not read gigabytes.

    Raises:
        SourceUnreadable: the files cannot be found.
    """
    facts = {
        "reading": READING_VERSION,
        "path": str(Path(source.path).absolute()),
        "files": [_facts(path) for path in data_files(source)],
        "description": _facts(description_path(source)),
        "columns": sorted(source.columns.items()),
        "rejected_limit": rejected_limit,
    }
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def file_state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written to; None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def name_without_ending(path: Path) -> str:
    """Return a file's name without the endings that say its form."""
    name = path.name
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _facts(path: Path) -> tuple[str, tuple[int, int, int] | None]:
    return str(path.absolute()), file_state(path)


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # longer than a path may be, or with a NUL in it: files() says so
        return False


def _name_of(path: str) -> str:
    place = Path(path)
    while glob.has_magic(str(place)) and not _exists(str(place)):
        place = place.parent
    if place.name in ("", ".."):
        place = place.resolve()
    return _NOT_IN_NAME.sub("-", name_without_ending(place)).strip("-.") or "data"


def _in_folder(folder: Path) -> tuple[Path, ...]:
    there = _visible(folder)
    found = tuple(path for path in there if path.name.lower().endswith(ENDINGS_IN_FOLDER))
    if not found:
        others = f" There is {listed(quoted(path.name) for path in there)}: name it by its path." if there else ""
        raise SourceUnreadable(f"The folder {folder} has no data files ({', '.join(ENDINGS_IN_FOLDER)}).{others}")
    return found


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
