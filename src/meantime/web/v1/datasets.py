"""/v1/datasets: what is served, how it stands, what is in it, which values are there, and reading its files again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import msgspec
import numpy as np

from meantime.dataset.catalog import Change, Failed, Loading, Ready, Status, progress_of
from meantime.dataset.coverage import Axes, Presence, axes_of, coverage
from meantime.dataset.cube import ABSENT, AXES, Cube, Integers
from meantime.dataset.ingest import Progress
from meantime.dataset.snapshot import Polarity, Rejected, Snapshot
from meantime.errors import (
    CursorInvalid,
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    LoadCancelled,
    MeantimeError,
    OperatorOnly,
    ReloadFailed,
    RequestInvalid,
    ShuttingDown,
)
from meantime.statistics.spelling import closest, quoted, suggestion
from meantime.web import guard
from meantime.web.reply import Reply
from meantime.web.v1 import cursor as cursors
from meantime.web.v1 import unchanged
from meantime.web.v1.endpoint import Backend, Call, Endpoint, Header, Link, Outcome, Parameter
from meantime.web.v1.prefer import PREFERENCE, PREFERENCE_APPLIED, WAIT_LIMIT_S, applied, preferred_wait
from meantime.web.v1.query import Query

# The CDC's table has 55 locations, 13 years and 28 strata: 20,020 entries, 40 kB. Five of those make a page slow to
# draw, and take a tenth of a second to make.
COVERAGE_LIMIT = 100_000
# A page of lines for people; and all that are remembered of a file (staging.py), for programs.
_PAGE = 100
_PAGE_LIMIT = 1000
_RETRY_AFTER_S = 1

_NO_STORE = ("cache-control", "no-store")
_ENCODER = msgspec.json.Encoder()


# What goes over the wire


def _said(description: str, **more: Any) -> msgspec.Meta:
    return msgspec.Meta(description=description, **more)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How far the reading of files is."""

    phase: Annotated[str, _said("waiting: other data sets are read first.")]
    share: Annotated[float, _said("Share of the whole that is done.", ge=0, le=1)]
    rows: Annotated[int | None, _said("Rows found so far; null while that is not known.")]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why files could not be read."""

    code: Annotated[str, _said("The kind of trouble, for programs.")]
    reason: Annotated[str, _said("What it is, and what to do.")]


class DatasetLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a data set."""

    self_: str = msgspec.field(name="self")
    coverage: Annotated[str, _said("Needs a question: ?question=...")]
    rejected: str
    reload: Annotated[str, _said("POST, for the operator.")]


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A data set as it stands. What its files would have to tell is null until they have been read."""

    name: str
    is_default: Annotated[bool, _said("Whether it is asked where no data set is named, and by the classic API.")]
    status: Annotated[
        Literal["loading", "ready", "failed"],
        _said("loading: jobs are accepted, and wait. failed: its files could not be read; `failure` says why."),
    ]
    reading: Annotated[
        Reading | None,
        _said("The reading that is under way. Of one that is ready it is a reload: what is served is the older one."),
    ]
    failure: Annotated[
        Trouble | None,
        _said("Why the last reading failed. Of one that is ready: what is served is older than its files."),
    ]
    title: str | None
    fingerprint: Annotated[str | None, _said("Names the content: equal for equal content.")]
    synthetic: Annotated[bool | None, _said("Made up by a program: no number in it is about the real world.")]
    rows: Annotated[int | None, _said("Rows of its files, withheld ones included.")]
    cells: Annotated[int | None, _said("What they are rolled up to: one for each full key.")]
    withheld: Annotated[int | None, _said("Rows whose value is not given.")]
    rejected: Annotated[int | None, _said("Lines that could not be read as a row.")]
    links: DatasetLinks


class Years(msgspec.Struct, frozen=True, kw_only=True):
    """A first and a last year."""

    first: int
    last: int


class ValueTypeResource(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of number a value is."""

    name: Annotated[str, _said("Empty where the files do not say.")]
    unit: Annotated[str, _said("Empty where the files do not say.")]


class QuestionResource(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator that can be asked about."""

    text: str
    topic: str
    unit: str | None
    polarity: Annotated[Polarity | None, _said("Which values are good; null where nobody has said.")]
    years: Annotated[Years | None, _said("From the first year that it was asked in to the last.")]
    cells: int
    rows: int
    withheld: int
    value_types: list[ValueTypeResource]


class LocationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A place."""

    name: str
    cells: int


class CategoryResource(msgspec.Struct, frozen=True, kw_only=True):
    """A way to divide people, and what they are divided into."""

    name: str
    strata: list[str]
    cells: int


class DatasetResource(DatasetSummary, frozen=True, kw_only=True):
    """A data set with all that is known of it. What its files would have to tell is null until they have been read."""

    withheld_by_reason: Annotated[dict[str, int] | None, _said("Rows by reason, the most frequent first.")]
    roles: Annotated[dict[str, str] | None, _said("What each column that is used was taken for: role and column.")]
    columns: Annotated[list[str] | None, _said("All columns of its files, in their order.")]
    questions: list[QuestionResource] | None
    locations: list[LocationResource] | None
    categories: list[CategoryResource] | None
    periods: list[Years] | None
    files: Annotated[list[str] | None, _said("Names of its files, without their folders.")]
    encoding: str | None
    delimiter: str | None
    decimal_mark: str | None
    warnings: Annotated[list[str] | None, _said("What a reader should know of how the files were understood.")]


class DatasetList(msgspec.Struct, frozen=True, kw_only=True):
    """Every data set, in the order in which the server was given them."""

    datasets: list[DatasetSummary]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload has come to."""

    outcome: Annotated[
        Literal["replaced", "unchanged", "reading"],
        _said(
            "replaced: another content is served from now on. unchanged: nothing new was in the files. "
            "reading: it is under way, and what was served still is."
        ),
    ]
    dataset: DatasetResource


class RejectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str
    line: Annotated[int, _said("From 1, the header included.", ge=1)]
    reason: str


class RejectedPageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list goes on."""

    next: str | None


class RejectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rejected lines, by file and then by line."""

    dataset: str
    fingerprint: str
    total: Annotated[int, _said("Lines that were rejected.")]
    known: Annotated[int, _said("How many of them are remembered, and listed here: the first ones.")]
    rejected: list[RejectedLine]
    next: Annotated[str | None, _said("Cursor of the page behind this one; null on the last.")]
    links: RejectedPageLinks


class StratumResource(msgspec.Struct, frozen=True, kw_only=True):
    """A stratum within its category; both null for the rows without one."""

    category: str | None
    stratum: str | None


class MarkResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a number in the matrix stands for."""

    presence: Annotated[
        Presence,
        _said(
            "absent: there is no row. published: every row has a value. withheld: there are rows, and none has one. "
            "mixed: some have one."
        ),
    ]
    reasons: Annotated[list[str], _said("Why values are withheld.")]
    entries: Annotated[int, _said("How many there are of it in the matrix.")]


class CoverageResource(msgspec.Struct, frozen=True, kw_only=True):
    """Which values of a question are there."""

    dataset: str
    fingerprint: str
    question: str
    strata: list[StratumResource]
    periods: Annotated[list[Years | None], _said("Null stands for the rows without a period.")]
    locations: list[str]
    legend: list[MarkResource]
    matrix: Annotated[
        list[list[list[int]]],
        _said("matrix[stratum][period][location], in the order of these lists, is a place in the legend, from 0."),
    ]


# Looking


async def list_datasets(backend: Backend, call: Call) -> Reply:
    """GET /v1/datasets."""
    Query(call.query, ()).check()
    summaries = [DatasetSummary(**_summary(backend, name, backend.catalog.status(name))) for name in _names(backend)]
    body = _ENCODER.encode(DatasetList(datasets=summaries))
    if any(each.reading is not None for each in summaries):
        return Reply(200, body, headers=(_NO_STORE,))
    return unchanged.answer(call, body)


async def get_dataset(backend: Backend, call: Call) -> Reply:
    """GET /v1/datasets/{name}."""
    name = _name(backend, call)
    Query(call.query, ()).check()
    resource = await asyncio.to_thread(_resource, backend, name)
    body = _ENCODER.encode(resource)
    if resource.reading is not None:
        return Reply(200, body, headers=(_NO_STORE,))
    return unchanged.answer(call, body)


async def list_rejected(backend: Backend, call: Call) -> Reply:
    """GET /v1/datasets/{name}/rejected."""
    snapshot = _snapshot(backend, name := _name(backend, call))
    query = Query(call.query, ("cursor", "limit"))
    limit = query.number("limit", default=_PAGE, up_to=_PAGE_LIMIT)
    cursor = query.one("cursor")
    query.check()
    about = snapshot.about
    # Of these lines, and not of the fingerprint: that does not cover what was rejected.
    of = [name, snapshot.fingerprint, about.rejected_total, [(each.file, each.line) for each in about.rejected]]
    first = 0 if cursor is None else cursors.read(cursor, of)
    shown = about.rejected[first : first + limit]
    behind = first + limit
    after = cursors.write(behind, of) if behind < len(about.rejected) else None
    pairs = [(key, value) for key, value in call.query if key != "cursor"]
    following = None if after is None else f"{_path(name)}/rejected?{urlencode([*pairs, ('cursor', after)])}"
    page = RejectedPage(
        dataset=name,
        fingerprint=snapshot.fingerprint,
        total=about.rejected_total,
        known=len(about.rejected),
        rejected=[_rejected(each) for each in shown],
        next=after,
        links=RejectedPageLinks(next=following),
    )
    link = () if following is None else (("link", f'<{following}>; rel="next"'),)
    return unchanged.answer(call, _ENCODER.encode(page), *link)


async def get_coverage(backend: Backend, call: Call) -> Reply:
    """GET /v1/datasets/{name}/coverage."""
    snapshot = _snapshot(backend, name := _name(backend, call))
    body = await asyncio.to_thread(_coverage, name, snapshot, call.query)
    return unchanged.answer(call, body)


# Reloading


async def reload_dataset(backend: Backend, call: Call) -> Reply:
    """POST /v1/datasets/{name}/reload."""
    sent = {name: value for name in guard.OPERATOR_HEADERS if (value := call.header(name)) is not None}
    guard.require_operator("Reading files again", peer=call.peer, headers=sent, admin_key=backend.admin_key)
    name = _name(backend, call)
    Query(call.query, ()).check()
    wait_s = preferred_wait(call.header("prefer"))
    reload = backend.catalog.reload(name)
    headers = (*applied(wait_s), _NO_STORE)
    if wait_s is not None and await _is_over(backend, reload, within_s=wait_s):
        body = await asyncio.to_thread(_reloaded, backend, name, _outcome(name, reload))
        return Reply(200, body, headers=headers)
    body = await asyncio.to_thread(_reloaded, backend, name, "reading")
    return Reply(202, body, headers=(("location", _path(name)), ("retry-after", str(_RETRY_AFTER_S)), *headers))


async def _is_over(backend: Backend, reload: Future[Change], *, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            # What the reload failed with, the future tells.
            await asyncio.gather(backend.landed(reload), return_exceptions=True)
    return reload.done()


def _outcome(name: str, reload: Future[Change]) -> Literal["replaced", "unchanged"]:
    try:
        return "replaced" if reload.result() is Change.REPLACED else "unchanged"
    except LoadCancelled as error:
        raise ShuttingDown(error.reason) from error
    except MeantimeError as error:
        raise ReloadFailed(f"{quoted(name)} is served as it was; its files cannot be: {error.reason}") from error


def _reloaded(backend: Backend, name: str, outcome: Literal["replaced", "unchanged", "reading"]) -> bytes:
    return _ENCODER.encode(Reloaded(outcome=outcome, dataset=_resource(backend, name)))


# Finding what is asked about


def _names(backend: Backend) -> tuple[str, ...]:
    return backend.catalog.names


def _name(backend: Backend, call: Call) -> str:
    """Return the name of the data set that the path names.

    Raises:
        DatasetUnknown: none is.
    """
    name, names = call.path["name"], _names(backend)
    if name not in names:
        hint = suggestion(closest(name, names))
        raise DatasetUnknown(f"No data set {quoted(name)} is served here. {hint}GET /v1/datasets lists those that are.")
    return name


def _snapshot(backend: Backend, name: str) -> Snapshot:
    """Return what is served now.

    Raises:
        DatasetLoading: it is being read for the first time.
        DatasetNotReady: it failed to load.
    """
    if isinstance(status := backend.catalog.status(name), Loading):
        share = f"{status.progress.phase}, {status.progress.share:.0%}"
        raise DatasetLoading(
            f"The data set {quoted(name)} is still being read ({share}). Jobs of it are accepted, and wait.",
            retry_after_s=_RETRY_AFTER_S,
        )
    return backend.catalog.snapshot(name)


def _path(name: str) -> str:
    return f"/v1/datasets/{quote(name, safe='')}"


# Describing


def _resource(backend: Backend, name: str) -> DatasetResource:
    status = backend.catalog.status(name)
    facts = _facts(status.snapshot) if isinstance(status, Ready) else dict.fromkeys(_FACTS)
    return DatasetResource(**_summary(backend, name, status), **facts)


def _summary(backend: Backend, name: str, status: Status) -> dict[str, Any]:
    path = _path(name)
    snapshot = status.snapshot if isinstance(status, Ready) else None
    about, cube = (snapshot.about, snapshot.cube) if snapshot else (None, None)
    return {
        "name": name,
        "is_default": name == backend.catalog.default,
        "status": {Loading: "loading", Ready: "ready", Failed: "failed"}[type(status)],
        "reading": _reading(progress_of(status)),
        "failure": _trouble(status),
        "title": about and about.title,
        "fingerprint": snapshot and snapshot.fingerprint,
        "synthetic": about and about.synthetic,
        "rows": about and about.rows,
        "cells": cube and len(cube.cells),
        "withheld": cube and int(cube.by_question.moments.withheld.sum()),
        "rejected": about and about.rejected_total,
        "links": DatasetLinks(
            self_=path, coverage=f"{path}/coverage", rejected=f"{path}/rejected", reload=f"{path}/reload"
        ),
    }


def _reading(progress: Progress | None) -> Reading | None:
    if progress is None:
        return None
    return Reading(phase=progress.phase, share=progress.share, rows=progress.rows)


def _trouble(status: Status) -> Trouble | None:
    match status:
        case Failed(error=error) | Ready(reload_error=MeantimeError() as error):
            return Trouble(code=error.code, reason=_writable(error.reason))
        case _:
            return None


def _writable(text: str) -> str:
    """Return what can be written as JSON: a file's name may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    about, cube = snapshot.about, snapshot.cube
    return {
        "withheld_by_reason": cube.withheld_by_reason(),
        "roles": about.roles,
        "columns": list(about.columns),
        "questions": [_question(snapshot, code) for code in range(len(cube.labels.questions))],
        "locations": [
            LocationResource(name=name, cells=cells)
            for name, cells in zip(cube.labels.locations, _cells_by(cube, "location"), strict=True)
        ],
        "categories": _categories(cube),
        "periods": [Years(first=period.first, last=period.last) for period in cube.labels.periods],
        "files": [_writable(file) for file in about.files],
        "encoding": about.encoding,
        "delimiter": about.delimiter,
        "decimal_mark": about.decimal_mark,
        "warnings": [_writable(warning) for warning in about.warnings],
    }


_FACTS = tuple(name for name in DatasetResource.__struct_fields__ if name not in DatasetSummary.__struct_fields__)


def _codes(cube: Cube, axis: str, which: slice = slice(None)) -> Integers:
    codes: Integers = cube.cells.keys[which, list(AXES).index(axis)]
    return codes


def _cells_by(cube: Cube, axis: str) -> list[int]:
    """Count the cells of each label of an axis; those without one are left out."""
    codes = _codes(cube, axis)
    counts: list[int] = np.bincount(codes[codes != ABSENT], minlength=len(getattr(cube.labels, AXES[axis]))).tolist()
    return counts


def _question(snapshot: Snapshot, code: int) -> QuestionResource:
    cube, question = snapshot.cube, snapshot.about.questions[code]
    own = slice(int(cube.starts[code]), int(cube.starts[code + 1]))
    moments = cube.by_question.moments
    place = cube.by_question.of(code)
    periods = [cube.labels.periods[each] for each in np.unique(_codes(cube, "period", own)).tolist() if each != ABSENT]
    return QuestionResource(
        text=question.text,
        topic=question.topic,
        unit=question.unit,
        polarity=question.polarity,
        years=Years(first=min(each.first for each in periods), last=max(each.last for each in periods))
        if periods
        else None,
        cells=own.stop - own.start,
        rows=int((moments.count + moments.withheld)[place].sum()),
        withheld=int(moments.withheld[place].sum()),
        value_types=[
            ValueTypeResource(name=cube.labels.value_types[each].name, unit=cube.labels.value_types[each].unit)
            for each in np.unique(_codes(cube, "value_type", own)).tolist()
        ],
    )


def _categories(cube: Cube) -> list[CategoryResource]:
    strata: dict[int, list[str]] = {code: [] for code in range(len(cube.labels.categories))}
    pairs = np.stack([_codes(cube, "category"), _codes(cube, "stratum")], axis=1)
    for category, stratum in np.unique(pairs, axis=0).tolist():
        if ABSENT not in (category, stratum):
            strata[category].append(cube.labels.strata[stratum])
    cells = _cells_by(cube, "category")
    return [
        CategoryResource(name=name, strata=strata[code], cells=cells[code])
        for code, name in enumerate(cube.labels.categories)
    ]


def _rejected(line: Rejected) -> RejectedLine:
    return RejectedLine(file=_writable(line.file), line=line.line, reason=_writable(line.reason))


# Coverage


def _coverage(name: str, snapshot: Snapshot, pairs: Sequence[tuple[str, str]]) -> bytes:
    """Read what is asked, and write the answer.

    Raises:
        RequestInvalid: with all that is wrong; or it would be too large.
    """
    cube = snapshot.cube
    axes = _axes(cube, pairs)
    found = coverage(cube, axes)
    labels = cube.labels
    counted = zip(found.legend, found.counts(), strict=True)
    return _ENCODER.encode(
        CoverageResource(
            dataset=name,
            fingerprint=snapshot.fingerprint,
            question=labels.questions[axes.question],
            strata=[
                StratumResource(category=_label(labels.categories, category), stratum=_label(labels.strata, stratum))
                for category, stratum in axes.strata
            ],
            periods=[
                None if code == ABSENT else Years(first=labels.periods[code].first, last=labels.periods[code].last)
                for code in axes.periods
            ],
            locations=[labels.locations[code] for code in axes.locations],
            legend=[
                MarkResource(presence=mark.presence, reasons=list(mark.reasons), entries=entries)
                for mark, entries in counted
            ],
            matrix=found.marks.tolist(),
        )
    )


def _label(labels: Sequence[str], code: int) -> str | None:
    return None if code == ABSENT else labels[code]


def _axes(cube: Cube, pairs: Sequence[tuple[str, str]]) -> Axes:
    query = Query(pairs, tuple(parameter.name for parameter in _COVERAGE_PARAMETERS))
    labels = cube.labels
    question = query.one("question")
    if question is None and not query.problems:
        query.wrong("question", "missing", "Say of which question: ?question=... GET /v1/datasets/{name} lists them.")
    elif question is not None and question not in cube.question_codes:
        near = closest(question, labels.questions)
        detail = f"There is no question {quoted(question)}. {suggestion(near)}Questions are written as in the file."
        query.wrong("question", "unknown", detail, near)
    narrowed = {
        "locations": _named(query, "location", labels.locations),
        "categories": _named(query, "category", labels.categories),
        "strata": _named(query, "stratum", labels.strata),
        "periods": _named(query, "period", [_written(*period) for period in labels.periods], _period),
    }
    query.check()
    axes = axes_of(cube, cube.question_codes[question or ""], **narrowed)
    if axes.size > COVERAGE_LIMIT:
        query.wrong(
            "question",
            "too-large",
            f"The matrix would have {axes.size:,} entries ({len(axes.strata):,} strata, {len(axes.periods):,} periods, "
            f"{len(axes.locations):,} locations); {COVERAGE_LIMIT:,} may be. Ask for some of them: with category, "
            "stratum, period or location, each as often as needed.",
        )
        query.check()
    return axes


def _named(query: Query, name: str, labels: Sequence[str], read: Callable[[str], str] = str) -> frozenset[int] | None:
    """Return the codes of the labels that a filter names; None where it is not there."""
    given = query.all(name)
    codes = {label: code for code, label in enumerate(labels)} if given else {}
    for text in given:
        if read(text) not in codes:
            near = closest(text, labels)
            query.wrong(name, "unknown", f"There is no {name} {quoted(text)}. {suggestion(near)}".rstrip(), near)
    return frozenset(codes[read(text)] for text in given if read(text) in codes) if given else None


def _written(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _period(text: str) -> str:
    """Return a period as it is written here.

    >>> _period("2020-2020"), _period("2019-2020"), _period("2020")
    ('2020', '2019-2020', '2020')
    """
    years = re.fullmatch(r"(-?[0-9]{1,6})-(-?[0-9]{1,6})", text, re.ASCII)
    return _written(int(years[1]), int(years[2])) if years else text


# The rows

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_SUMMARY = {
    "name": "sample",
    "is_default": True,
    "status": "ready",
    "reading": None,
    "failure": None,
    "title": "Synthetic sample",
    "fingerprint": "9f2c" * 16,
    "synthetic": True,
    "rows": 20000,
    "cells": 19874,
    "withheld": 1034,
    "rejected": 0,
    "links": {
        "self": "/v1/datasets/sample",
        "coverage": "/v1/datasets/sample/coverage",
        "rejected": "/v1/datasets/sample/rejected",
        "reload": "/v1/datasets/sample/reload",
    },
}
_DATASET = {
    **_SUMMARY,
    "withheld_by_reason": {"~": 1034},
    "roles": {"question": "Question", "location": "LocationDesc", "value": "Data_Value"},
    "columns": ["Question", "LocationDesc", "Data_Value"],
    "questions": [
        {
            "text": _QUESTION,
            "topic": "Obesity / Weight Status",
            "unit": "percent",
            "polarity": "lower",
            "years": {"first": 2011, "last": 2022},
            "cells": 2210,
            "rows": 2224,
            "withheld": 115,
            "value_types": [{"name": "Value", "unit": "%"}],
        }
    ],
    "locations": [{"name": "Utah", "cells": 364}],
    "categories": [{"name": "Sex", "strata": ["Female", "Male"], "cells": 1438}],
    "periods": [{"first": 2022, "last": 2022}],
    "files": ["sample.csv"],
    "encoding": "utf-8",
    "delimiter": ",",
    "decimal_mark": ".",
    "warnings": [],
}
_LINE = {"file": "table.csv", "line": 17, "reason": "5 fields where the header has 6"}
_COVERAGE = {
    "dataset": "sample",
    "fingerprint": "9f2c" * 16,
    "question": _QUESTION,
    "strata": [{"category": "Sex", "stratum": "Female"}],
    "periods": [{"first": 2021, "last": 2021}, {"first": 2022, "last": 2022}],
    "locations": ["Guam", "Utah"],
    "legend": [
        {"presence": "absent", "reasons": [], "entries": 1},
        {"presence": "published", "reasons": [], "entries": 2},
        {"presence": "withheld", "reasons": ["~"], "entries": 1},
    ],
    "matrix": [[[0, 1], [2, 1]]],
}

NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(min_length=1)],
    description="Name of the data set, as GET /v1/datasets lists it.",
    required=True,
    example="sample",
)


def _filter(name: str, description: str, example: str) -> Parameter:
    return Parameter(name=name, where="query", kind=list[str], description=description, example=[example])


_COVERAGE_PARAMETERS = (
    Parameter(
        name="question",
        where="query",
        kind=str,
        description="The question, as the data set has it.",
        required=True,
        example=_QUESTION,
    ),
    _filter("location", "Only this location; may come several times.", "Utah"),
    _filter("category", "Only strata of this category; may come several times.", "Sex"),
    _filter("stratum", "Only this stratum; may come several times.", "Female"),
    _filter("period", "Only this year, or first and last year: 2020-2021; may come several times.", "2020"),
)
_READY = (DatasetUnknown, DatasetLoading, DatasetNotReady, RequestInvalid)
_HEADERS = (unchanged.ETAG, unchanged.CACHE_CONTROL)


def _link(name: str, operation: str, description: str, of: str = "$response.body#/name") -> Link:
    return Link(name=name, operation=operation, parameters={"name": of}, description=description)


_LINKS = (
    _link("rejected", "list_rejected", "Its rejected lines."),
    _link("reload", "reload_dataset", "Have its files read again."),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="list_datasets",
        method="GET",
        path="/v1/datasets",
        tag="datasets",
        summary="List the data sets",
        description="Each as it stands, in the order in which the server was given them. The first is the one that is "
        "asked where none is named.",
        handle=list_datasets,
        parameters=(unchanged.IF_NONE_MATCH,),
        outcomes=(
            Outcome(
                status=200,
                description="Every data set.",
                content={"application/json": DatasetList},
                example={"datasets": [_SUMMARY]},
                headers=_HEADERS,
                links=(_link("first", "get_dataset", "The first of them.", "$response.body#/datasets/0/name"),),
            ),
            unchanged.NOT_MODIFIED,
        ),
        problems=(RequestInvalid,),
    ),
    Endpoint(
        name="get_dataset",
        method="GET",
        path="/v1/datasets/{name}",
        tag="datasets",
        summary="Look what is in a data set",
        description="Its questions, locations, categories and years, how its files were understood, and how it "
        "stands. One that is loading, or could not be loaded, is described too: `status`, `reading` and `failure` "
        "say how that is.",
        handle=get_dataset,
        parameters=(NAME, unchanged.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="The data set.",
                content={"application/json": DatasetResource},
                example=_DATASET,
                headers=_HEADERS,
                links=_LINKS,
            ),
            unchanged.NOT_MODIFIED,
        ),
        problems=(DatasetUnknown, RequestInvalid),
    ),
    Endpoint(
        name="list_rejected",
        method="GET",
        path="/v1/datasets/{name}/rejected",
        tag="datasets",
        summary="List the lines that could not be read",
        description="With file, line and reason. Of very many only the first are remembered: `total` counts all, "
        "`known` those that are listed.",
        handle=list_rejected,
        parameters=(
            NAME,
            Parameter(
                name="limit",
                where="query",
                kind=Annotated[int, msgspec.Meta(ge=1, le=_PAGE_LIMIT)],
                description=f"How many lines a page has; {_PAGE} if it is left out.",
                example=20,
            ),
            Parameter(
                name="cursor",
                where="query",
                kind=str,
                description="`next` of the page before, as it came. It does not outlast a reload that finds other "
                "lines.",
            ),
            unchanged.IF_NONE_MATCH,
        ),
        outcomes=(
            Outcome(
                status=200,
                description="A page of lines.",
                content={"application/json": RejectedPage},
                example={
                    "dataset": "sample",
                    "fingerprint": "9f2c" * 16,
                    "total": 1,
                    "known": 1,
                    "rejected": [_LINE],
                    "next": None,
                    "links": {"next": None},
                },
                headers=(
                    *_HEADERS,
                    Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False),
                ),
            ),
            unchanged.NOT_MODIFIED,
        ),
        problems=(*_READY, CursorInvalid),
    ),
    Endpoint(
        name="get_coverage",
        method="GET",
        path="/v1/datasets/{name}/coverage",
        tag="datasets",
        summary="Look which values of a question there are",
        description="For each stratum, period and location: whether a value is published, withheld (and why), or "
        "absent. The strata and periods are those in which the question was asked at all, the locations are all of "
        f"the data set; filters narrow them. Of more than {COVERAGE_LIMIT:,} entries a part must be asked for.",
        handle=get_coverage,
        parameters=(NAME, *_COVERAGE_PARAMETERS, unchanged.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="A matrix, and what its numbers stand for.",
                content={"application/json": CoverageResource},
                example=_COVERAGE,
                headers=_HEADERS,
            ),
            unchanged.NOT_MODIFIED,
        ),
        problems=_READY,
    ),
    Endpoint(
        name="reload_dataset",
        method="POST",
        path="/v1/datasets/{name}/reload",
        tag="datasets",
        summary="Have a data set's files read again",
        description="Where they have changed, what is in them is served from the moment it is all there; jobs keep "
        "the content that they were accepted with. Until then, and where it fails, what was served still is. For the "
        "operator: from the server's own machine, or with the administrator's key.",
        handle=reload_dataset,
        parameters=(
            NAME,
            Parameter(
                name="Prefer",
                where="header",
                kind=PREFERENCE,
                description="`wait=N` (RFC 7240): let the answer wait until it is done, for up to N seconds, at most "
                f"{WAIT_LIMIT_S}.",
                example="wait=10",
            ),
            Parameter(
                name="X-Admin-Key",
                where="header",
                kind=str,
                description="The administrator's key (the setting admin_key); needed from other machines.",
            ),
        ),
        outcomes=(
            Outcome(
                status=200,
                description="It was waited for, and is done.",
                content={"application/json": Reloaded},
                example={"outcome": "replaced", "dataset": _DATASET},
                headers=(PREFERENCE_APPLIED, unchanged.CACHE_CONTROL),
            ),
            Outcome(
                status=202,
                description="It is under way.",
                content={"application/json": Reloaded},
                example={
                    "outcome": "reading",
                    "dataset": {**_DATASET, "reading": {"phase": "waiting", "share": 0.0, "rows": None}},
                },
                headers=(
                    Header(name="Location", description="Where to see how it stands."),
                    Header(name="Retry-After", description="Seconds after which to look."),
                    PREFERENCE_APPLIED,
                    unchanged.CACHE_CONTROL,
                ),
                links=(_link("dataset", "get_dataset", "How it stands.", "$response.body#/dataset/name"),),
            ),
        ),
        problems=(DatasetUnknown, OperatorOnly, RequestInvalid, ReloadFailed, ShuttingDown),
    ),
)
