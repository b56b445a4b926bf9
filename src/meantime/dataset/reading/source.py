"""Where a data set comes from: its name, its path, and the roles set by hand."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from meantime.dataset.addresses import is_in_storage, is_table, parse_address
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.object_listing import found_at
from meantime.dataset.reading.columns import check_roles
from meantime.dataset.reading.description import check_settings, read_description
from meantime.errors import LoadFailed, SourceUnreadable
from meantime.text import listed, quoted

# Raise it when reading the same files gives another snapshot: after changes to parsing or to built-in questions. What
# an older version misread would otherwise stay until the file changes.
READING_VERSION = 10

# Files in a folder with these endings are data. Not .txt: most of those are a README or a license.
ENDINGS_IN_FOLDER = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
# Endings that show the format and are not part of a data set's name.
_FORMAT_ENDINGS = (*ENDINGS_IN_FOLDER, ".txt", ".txt.gz", ".tab", ".xlsx", ".xlsm", ".json", ".ndjson", ".zip")
DESCRIPTION_OF_FOLDER = "meantime.toml"

# NAME=PATH. A path may contain an equals sign itself, so a name has no slashes.
_NAME_AND_PATH = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.*)", re.ASCII | re.DOTALL)
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a data set comes from."""

    name: str  # of the data set in the catalog
    path: str  # a file, a folder, or a glob; of a table elsewhere, where its files are kept
    columns: dict[str, str] = {}  # role -> column, set by hand
    settings: dict[str, str] = {}  # what the description could say, set by hand: question, location, title, ...
    address: str = ""  # of a table on the web, in object storage or in a database, as people gave it
    described: str = ""  # the TOML file that says the address, if one does
    part: str = ""  # a sheet of a spreadsheet or a file of an archive: what follows a "#"


def parse_source(
    text: str, columns: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
) -> Source:
    """Parse ``[NAME=]PATH``. Without a name, the file's name is used, without its ending.

    A sheet of a spreadsheet or a file of an archive is named behind a "#": ``survey.xlsx#Table 2``.
    Instead of a path, it may be an address (``download.address``); where its file is kept is decided later.

    >>> parse_source("heart=data/2020.csv").name, parse_source("data/Heart disease.csv.gz").name
    ('heart', 'Heart-disease')

    Raises:
        DescriptionInvalid: ``columns`` names a role that does not exist, or ``settings`` what cannot be set.
        SourceUnreadable: the path is empty, or an address that cannot be downloaded from.
    """
    check_roles(columns or {})
    check_settings(settings or {})
    # A file whose name looks like NAME=PATH is still that file.
    named = None if _exists(text) else _NAME_AND_PATH.fullmatch(text)
    name, path = (named[1], named[2]) if named else ("", text)
    if not path:
        raise SourceUnreadable(
            f"{text!r} does not name a file. Give the path of a file or folder, or a glob in quotes."
        )
    by_hand, said = dict(columns or {}), dict(settings or {})
    described, at = "", path
    if path.endswith(".toml") and Path(path).is_file():
        described, at = path, _address_in(Path(path))
        name = name or data_set_name(path.removesuffix(".toml"))
    if (described or not _exists(path)) and (address := parse_address(at)):
        name = name or data_set_name(address.file_name)
        return Source(name=name, path="", columns=by_hand, settings=said, address=at, described=described)
    file, _, part = path.rpartition("#")
    if file and part and not _exists(path) and _exists(file):
        return Source(name=name or data_set_name(file), path=file, columns=by_hand, settings=said, part=part)
    return Source(name=name or data_set_name(path), path=path, columns=by_hand, settings=said)


def table_address(source: Source) -> str:
    """Return the address of a source that is a table in a database; "" of any other. It has no password.

    It stays on this machine: nothing of it is in an answer but the table's name.
    """
    return source.address if source.address and is_table(source.address) else ""


def _address_in(path: Path) -> str:
    if address := read_description(path).address:
        return address
    raise SourceUnreadable(
        f"{path.name} describes a table, but does not say where it is. Give the path of the table, or write its "
        'address into the file: address = "https://...".'
    )


def data_set_name(path: str) -> str:
    """Return the name of a data set that nobody has named, from its path."""
    named = Path(path)
    while glob.has_magic(str(named)) and not _exists(str(named)):
        named = named.parent
    if named.name in ("", ".."):
        named = named.resolve()
    return _NOT_IN_NAME.sub("-", name_without_ending(named)).strip("-.") or "data"


def label_of(source: Source) -> str:
    """Return what a source is called in messages for everybody: the name of its file or folder, without the folders.

    >>> label_of(Source(name="a", path="/srv/data/a.csv")), label_of(Source(name="here", path="."))
    ('a.csv', 'here')
    """
    return Path(source.path).name or source.name


def data_files(source: Source) -> tuple[Path, ...]:
    """Return the data files of a source, sorted by name: the file, those in the folder, or those the glob matches.

    Raises:
        SourceUnreadable: there is none, or the path cannot be accessed.
        LoadFailed: the system has no descriptors or memory left to look.
    """
    label = label_of(source)
    path = Path(source.path)
    try:
        if path.is_file():
            return (path,)
        if path.is_dir():
            return _in_folder(path)
        if path.exists():
            what = "is a device or a pipe, not a file. Save the data as a file first."
            raise SourceUnreadable(f"{label} {what}").for_operator(f"{path} {what}")
    except (OSError, ValueError) as error:
        what = f"cannot be accessed: {_reason(error)}."
        kind = LoadFailed if is_machine_trouble(error) else SourceUnreadable
        raise kind(f"{label!r} {what}").for_operator(f"{source.path!r} {what}") from error
    if glob.has_magic(source.path):
        matches = tuple(
            Path(each)
            for each in sorted(glob.glob(source.path, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute ones
            if Path(each).is_file() and not each.endswith(".toml")
        )
        if not matches:
            raise SourceUnreadable(f"No file matches {label!r}.").for_operator(
                f"No file matches {source.path!r}. Check the path and the pattern."
            )
        return matches
    # A name with other characters is taken as part of the path.
    about_names = " A NAME= before it may contain only letters, digits, dots, - and _." if "=" in source.path else ""
    raise no_such_file(label, source.path, about_names)


def no_such_file(label: str, path: str, more: str = "") -> SourceUnreadable:
    """Return the error about a path at which nothing is; whoever runs the server reads ``path`` and ``more``."""
    where = "" if Path(path).is_absolute() else f"; it is relative to {Path.cwd()}"
    return SourceUnreadable(f"{label} does not exist.").for_operator(
        f"{path} does not exist. Check the path{where}.{more}"
    )


def ignored_files(source: Source) -> tuple[str, ...]:
    """Return the names of a folder's files that are not read, sorted, without hidden files and the description."""
    path = Path(source.path)
    if not path.is_dir():
        return ()
    used = {DESCRIPTION_OF_FOLDER, *(each.name for each in data_files(source))}
    return tuple(each.name for each in _visible(path) if each.name not in used)


def description_path(source: Source) -> Path:
    """Return where a source's description would be: ``data.csv.toml``, or ``meantime.toml`` in the folder."""
    if source.described:
        return Path(source.described)
    path = Path(source.path)
    if path.is_dir():
        return path / DESCRIPTION_OF_FOLDER
    if path.is_file() or not glob.has_magic(source.path):
        return path.with_name(path.name + ".toml")
    while glob.has_magic(str(path)):
        path = path.parent
    return path / DESCRIPTION_OF_FOLDER


def source_identity(source: Source, *, rejected_limit: float) -> str:
    """Return a digest that stays the same as long as reading the source gives the same snapshot.

    Files are identified by path, size, modification time and inode, not by content: a restart must not read gigabytes.
    Objects are identified by their keys and ETags, wherever they are kept.

    Raises:
        SourceUnreadable: the files cannot be found.
    """
    files: object
    if source.address and is_in_storage(source.address):
        path, files = source.address, found_at(source.path)
        description = _facts(Path(source.described)) if source.described else None
    else:
        path, files = str(Path(source.path).absolute()), [_facts(each) for each in data_files(source)]
        description = _facts(description_path(source))
    facts = {
        "reading": READING_VERSION,
        "path": path,
        "files": files,
        "description": description,
        **how_it_is_read(source, rejected_limit=rejected_limit),
    }
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def how_it_is_read(source: Source, *, rejected_limit: float) -> dict[str, object]:
    """Return on what, besides the files, it depends which snapshot a source gives."""
    return {
        "columns": sorted(source.columns.items()),
        "settings": sorted(source.settings.items()),
        "part": source.part,
        "rejected_limit": rejected_limit,
    }


def file_state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written to; None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def name_without_ending(path: Path) -> str:
    """Return a file's name without the endings that show its format."""
    name = path.name
    for ending in sorted(_FORMAT_ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _facts(path: Path) -> tuple[str, tuple[int, int, int] | None]:
    return str(path.absolute()), file_state(path)


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or with a NUL in it: data_files() reports it
        return False


def _in_folder(folder: Path) -> tuple[Path, ...]:
    visible = _visible(folder)
    data = tuple(path for path in visible if path.name.lower().endswith(ENDINGS_IN_FOLDER))
    if not data:
        others = (
            f" It contains {listed(quoted(path.name) for path in visible)}: to read a file, give its path."
            if visible
            else ""
        )
        what = f"has no data files ({', '.join(ENDINGS_IN_FOLDER)})."
        raise SourceUnreadable(f"The folder {folder.name} {what}").for_operator(f"The folder {folder} {what}{others}")
    return data


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
