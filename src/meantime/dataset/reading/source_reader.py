"""A source becomes a snapshot, in this process: look, read, roll up, write.

Called in a process of its own (``child``), since a hostile file can take all memory, and reading cannot be
interrupted everywhere.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from meantime import threads
from meantime.dataset import snapshot
from meantime.dataset.cube import Cube
from meantime.dataset.facts.questions import QuestionFacts, built_in_questions
from meantime.dataset.points import Points
from meantime.dataset.reading import description, grouping
from meantime.dataset.reading.columns import (
    ROLES,
    assign_roles,
    may_be_category,
    other_candidates,
)
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.source import (
    ENDINGS_IN_FOLDER,
    Source,
    data_files,
    description_path,
    file_state,
    ignored_files,
    name_without_ending,
)
from meantime.dataset.reading.staging import REJECTED_KEPT, OpenedFile, StagedFile, open_file, stage_file, too_many
from meantime.dataset.samples.synthetic import is_synthetic
from meantime.dataset.snapshot import About, QuestionInfo, Rejected
from meantime.did_you_mean import hint
from meantime.errors import DataError, LoadFailed, SourceChanged, SourceEmpty, SourceUnreadable
from meantime.text import listed, quoted

# DuckDB's part of the memory; the rest is for Python, numpy and what DuckDB does not count. With half, it writes with
# one thread only and takes twice as long (5 million rows: 11.1 s, and 5.9 s with two thirds).
_DUCKDB_SHARE_OF_MEMORY = 2 / 3
# More threads hold more rows at a time, and the memory is bounded.
_MOST_THREADS = 4
# How the whole divides up, as measured: a bar that runs evenly.
_LOOKED, _READ, _ROLLED_UP = 0.1, 0.8, 0.95
_SECONDS_BETWEEN_NEWS = 0.2
# A TOML may be of many files, and each has some of its questions: as many absent ones are named as help to see a slip.
_QUESTIONS_TOLD = 5


class Progress(msgspec.Struct, frozen=True):
    """How far reading has come."""

    phase: str  # looking, reading, rolling up, writing
    share: float  # of the whole, from 0 to 1
    rows: int | None  # read so far, where that is known


class ReadingTask(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read, and within which bounds."""

    source: Source
    into: str  # the folder of the snapshots
    work: str  # a folder for temporary files; whoever made it removes it
    memory_mb: int
    rejected_limit: float


def read_source(job: ReadingTask, on_progress: Callable[[Progress], None]) -> Path:
    """Read a source and return the folder of its snapshot.

    Raises:
        DataError: the files cannot become a data set, or changed while they were read.
        LoadFailed: the disk is full, or the memory is too small.
    """
    paths = data_files(job.source)
    before = [file_state(path) for path in paths]

    def refuse_changed() -> None:
        for path, state in zip(paths, before, strict=True):
            if file_state(path) != state:
                raise SourceChanged(
                    f"{path.name} was replaced or written to while it was read. Start again when it is complete."
                )

    try:
        return _read(job, paths, refuse_changed, on_progress)
    except (DataError, duckdb.Error, OSError) as error:
        # Half a file looks like a broken one; what is really the matter is said first.
        refuse_changed()
        raise _told(error, job) from error


def _read(
    job: ReadingTask, paths: Sequence[Path], refuse_changed: Callable[[], None], on_progress: Callable[[Progress], None]
) -> Path:
    said = description.read_description(description_path(job.source))
    by_hand = {**said.columns, **job.source.columns}
    work = Path(job.work)
    opened = _open_all(paths, work, said, by_hand, on_progress)
    columns = _same_columns(opened)
    roles = assign_roles(columns, by_hand)
    places = {role: columns.index(column) for role, column in roles.items()}
    with _connect(job) as database:
        staged = _stage_all(database, opened, work, job.rejected_limit, on_progress)
        refuse_changed()
        staged = grouping.drop_incomplete(database, staged, places)
        _refuse_rejected(staged, job.rejected_limit)
        shared = grouping.find_shared_name(database, staged, places)
        roles = _settled(database, staged, places, roles, by_hand, are_names_shared=shared is not None)
        places = {role: columns.index(column) for role, column in roles.items()}
        grouping.refuse_ambiguous_labels(database, staged, places)
        rows = sum(file.rows for file in staged)
        on_progress(Progress("rolling up", _READ, rows))
        grouping.make_staged_view(database, [file.parquet for file in staged], places)
        delimiter = opened[0].text.delimiter if opened[0].text else ""
        mark = (
            grouping.DecimalMark(said.decimal_mark, ())
            if said.decimal_mark
            else grouping.find_decimal_mark(database, delimiter)
        )
        cube = grouping.group_into_cube(database, mark.mark)
        about = About(
            title=said.title or _title(job.source),
            synthetic=_is_synthetic(database),
            roles=roles,
            columns=columns,
            questions=_questions(database, cube, said),
            rows=cube.rows,
            rejected_total=sum(file.rejections.total for file in staged),
            rejected=_rejected(staged),
            files=tuple(path.name for path in paths),
            encoding=", ".join(dict.fromkeys(file.text.encoding if file.text else "parquet" for file in opened)),
            delimiter=delimiter,
            decimal_mark=mark.mark,
            warnings=(
                *_warnings(opened, roles, by_hand),
                *_of_names(shared, roles),
                *_of_description(said, cube.labels.questions),
                *_of_folder(job.source),
                *mark.warnings,
            ),
            points=grouping.locate_places(database) if "point" in roles else Points(),
        )
    on_progress(Progress("writing", _ROLLED_UP, rows))
    return snapshot.write_snapshot(cube, about, [file.parquet for file in staged], Path(job.into), work=Path(job.work))


def _open_all(
    paths: Sequence[Path],
    work: Path,
    said: Description,
    by_hand: dict[str, str],
    on_progress: Callable[[Progress], None],
) -> list[OpenedFile]:
    whole = sum(path.stat().st_size for path in paths) or 1
    done = 0

    def on_bytes(number: int) -> None:
        nonlocal done
        done += number
        # A compressed file is looked at in its full length, which nobody knows before.
        on_progress(Progress("looking", min(done / whole, 1) * _LOOKED, None))

    on_progress(Progress("looking", 0.0, None))
    return [open_file(path, work, said, by_hand, on_bytes=on_bytes) for path in paths]


def _same_columns(opened: Sequence[OpenedFile]) -> tuple[str, ...]:
    """Return the columns of all files, or say how one differs from the first."""
    first, *others = opened
    for other in others:
        what = _difference(first, other)
        if what:
            raise SourceUnreadable(
                f"{first.name} and {other.name} are not of the same form: {what} Serve them as two data sets, or make "
                "them alike."
            )
    return first.columns


def _difference(one: OpenedFile, other: OpenedFile) -> str:
    missing = [name for name in one.columns if name not in set(other.columns)]
    added = [name for name in other.columns if name not in set(one.columns)]
    if missing or added:
        only = [f"only {one.name} has {listed(map(quoted, missing))}"] if missing else []
        only += [f"only {other.name} has {listed(map(quoted, added))}"] if added else []
        return f"of the columns, {'; '.join(only)}."
    if one.columns != other.columns:
        return "their columns are in another order."
    if one.text and other.text and one.text.delimiter != other.text.delimiter:
        return f"one is cut by {quoted(one.text.delimiter)}, the other by {quoted(other.text.delimiter)}."
    return ""


@contextmanager
def _connect(job: ReadingTask) -> Iterator[duckdb.DuckDBPyConnection]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{int(job.memory_mb * _DUCKDB_SHARE_OF_MEMORY)}MiB",
        "threads": min(cores, _MOST_THREADS),
        "temp_directory": str(Path(job.work) / "spilled"),
        # Nothing is fetched from anywhere: what DuckDB cannot do by itself, it does not do.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
    with duckdb.connect(config=config) as database:
        database.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        database.execute("SET lock_configuration = true")
        yield database


def _stage_all(
    database: duckdb.DuckDBPyConnection,
    opened: Sequence[OpenedFile],
    work: Path,
    rejected_limit: float,
    on_progress: Callable[[Progress], None],
) -> list[StagedFile]:
    staged: list[StagedFile] = []
    bar = _Bar([file.path.stat().st_size for file in opened], on_progress)
    for number, file in enumerate(opened):
        into = work / f"{number:04}.parquet"
        with _watched(database, bar.tell):
            staged.append(stage_file(database, file, into, rejected_limit=rejected_limit, on_bytes=bar.copied))
        bar.next_file(staged[-1].rows)
    return staged


class _Bar:
    """How far the reading of all files has come."""

    def __init__(self, sizes: Sequence[int], on_progress: Callable[[Progress], None]) -> None:
        self._sizes = sizes
        self._on_progress = on_progress
        self._file = 0
        self._rows = 0
        self._copied = 0
        self.tell(0.0)

    def copied(self, bytes_read: int) -> None:
        """The careful reader went on; DuckDB then reads its copy, in about a third of the time."""
        self._copied += bytes_read
        self.tell(0.0)

    def tell(self, share_of_query: float) -> None:
        size = self._sizes[self._file]
        copied = 0.75 * self._copied / size
        done = sum(self._sizes[: self._file]) + size * (copied + (1 - copied) * share_of_query)
        share = _LOOKED + (_READ - _LOOKED) * min(done / sum(self._sizes), 1)
        self._on_progress(Progress("reading", share, self._rows or None))

    def next_file(self, rows: int) -> None:
        self._rows += rows
        self._copied = 0
        if self._file + 1 < len(self._sizes):
            self._file += 1


@contextmanager
def _watched(database: duckdb.DuckDBPyConnection, tell: Callable[[float], object]) -> Iterator[None]:
    """Tell how far DuckDB has come, from a thread beside it."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_SECONDS_BETWEEN_NEWS):
            per_cent = database.query_progress()
            if per_cent > 0:
                tell(per_cent / 100)

    # A bar that stands still is no reason to stop reading.
    thread = threads.start("reading-progress", watch, on_death=lambda _role, _error: None)
    try:
        yield
    finally:
        done.set()
        thread.join()


def _refuse_rejected(staged: Sequence[StagedFile], rejected_limit: float) -> None:
    for file in staged:
        rejected, lines = file.rejections.total, file.rejections.total + file.rows
        if rejected > rejected_limit * lines:
            raise too_many(f"{rejected:,} of {lines:,} lines of {file.rejections.file}", file.rejections.first)
    if not any(file.rows for file in staged):
        names = listed(quoted(file.rejections.file) for file in staged)
        rejected = sum(file.rejections.total for file in staged)
        what = f"none of its {rejected:,} lines can be read as a row" if rejected else "a header and no rows"
        raise SourceEmpty(f"{names}: {what}. Check how it was written or downloaded.")


def _rejected(staged: Sequence[StagedFile]) -> tuple[Rejected, ...]:
    return tuple(line for file in staged for line in file.rejections.first)[:REJECTED_KEPT]


def _settled(
    database: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    places: Mapping[str, int],
    roles: Mapping[str, str],
    by_hand: Mapping[str, str],
    *,
    are_names_shared: bool,
) -> dict[str, str]:
    """Return the roles as the rows have them, where the header alone does not tell."""
    settled = dict(roles)
    if not are_names_shared and "location_id" not in by_hand:
        # What tells nothing apart is no part of what the table says, nor of its fingerprint.
        settled.pop("location_id", None)
    if may_be_category(roles, by_hand) and grouping.has_several_topics(database, staged, places):
        settled["category"] = settled.pop("topic")
    return {role: settled[role] for role in ROLES if role in settled}


def _is_synthetic(database: duckdb.DuckDBPyConnection) -> bool:
    found = database.execute("SELECT DISTINCT source FROM staged").fetchall()
    return any(is_synthetic(source) for (source,) in found)


def _questions(database: duckdb.DuckDBPyConnection, cube: Cube, said: Description) -> tuple[QuestionInfo, ...]:
    """Say of each question what the description says, else the file, else the built-in table."""
    # The topic that most of its rows have; its unit only where all that say one say the same.
    topics = dict(
        database.execute(
            "SELECT question, topic FROM staged WHERE topic <> '' GROUP BY question, topic "
            "QUALIFY row_number() OVER (PARTITION BY question ORDER BY count(*) DESC, topic) = 1"
        ).fetchall()
    )
    units = dict(
        database.execute(
            "SELECT question, min(unit) FROM groups WHERE unit <> '' GROUP BY question HAVING min(unit) = max(unit)"
        ).fetchall()
    )
    built_in, nothing = built_in_questions(), QuestionFacts()
    questions = []
    for text in cube.labels.questions:
        ours, known = said.questions.get(text, nothing), built_in.get(text, nothing)
        questions.append(
            QuestionInfo(
                text=text,
                topic=ours.topic or topics.get(text, "") or known.topic or "",
                unit=ours.unit or units.get(text) or known.unit,
                polarity=ours.polarity or known.polarity,
            )
        )
    return tuple(questions)


def _warnings(opened: Sequence[OpenedFile], roles: dict[str, str], by_hand: dict[str, str]) -> list[str]:
    warnings = [
        f"For the role {role}, {quoted(roles[role])} was taken and not {listed(map(quoted, names))}; another is set by "
        f"--column {role}=NAME."
        for role, names in other_candidates(opened[0].columns, roles).items()
        if role not in by_hand
    ]
    warnings += [
        f"{file.name} is not UTF-8 and was read as {file.text.encoding}; if letters are wrong, say encoding in the "
        "TOML beside the data."
        for file in opened
        if file.text and file.text.is_encoding_guessed
    ]
    return warnings


def _of_names(shared: str | None, roles: Mapping[str, str]) -> list[str]:
    if shared is None:
        return []
    column = quoted(roles["location_id"])
    return [f"Several places are called {quoted(shared)}, so all locations have their {column} behind their name."]


def _of_description(said: Description, questions: Sequence[str]) -> list[str]:
    there = set(questions)
    absent = [text for text in said.questions if text not in there]
    if not absent:
        return []
    # Of those that are listed only: each is compared with all questions of the file.
    hinted = [f"{quoted(text)}{hint(text, questions)}" for text in absent[:_QUESTIONS_TOLD]]
    told = listed([*hinted, *absent[_QUESTIONS_TOLD:]], most=_QUESTIONS_TOLD)
    return [
        f"The TOML beside the data says something of questions that the data does not have: {told}. A question is "
        "named by its whole text."
    ]


def _of_folder(source: Source) -> list[str]:
    others = ignored_files(source)
    if not others:
        return []
    names = listed(map(quoted, others))
    return [
        f"In the folder, {names} {'was' if len(others) == 1 else 'were'} not read: data files there end in "
        f"{', '.join(ENDINGS_IN_FOLDER)}. Name others by a glob in quotes."
    ]


def _title(source: Source) -> str:
    path = Path(source.path)
    return name_without_ending(path) if path.is_file() else source.name


def _told(error: DataError | duckdb.Error | OSError, job: ReadingTask) -> Exception:
    """Say in our words what DuckDB or the system says, where it is known what to do about it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LoadFailed(f"The disk of {job.into} is full. Reading needs about as much space as the files; make some.")
    if isinstance(error, duckdb.OutOfMemoryException):
        return memory_too_small(job.memory_mb)
    if isinstance(error, duckdb.IOException):
        return LoadFailed(f"Reading {job.source.path} failed at the disk: {str(error)[:500]}")
    return error


def memory_too_small(memory_mb: int) -> LoadFailed:
    """Say that the setting is to be raised."""
    return LoadFailed(
        f"Reading needs more than the {memory_mb:,} MB of memory that it may take. Raise the setting load_memory_mb "
        "(MEANTIME_LOAD_MEMORY_MB), or leave columns or rows out of the file."
    )
