"""/v1/statistics: what can be asked, and answers at once, without a job."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec

from meantime.charts.registry import CHARTS
from meantime.dataset.catalog import Catalog, Loading, Ready
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import (
    AnswersBusy,
    AskAsJob,
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    JobCancelled,
    PathUnknown,
    Problem,
    RangeInvalid,
    RequestInvalid,
    SnapshotDamaged,
    StatisticUnknown,
)
from meantime.formats.document import Document
from meantime.formats.forms import Form
from meantime.statistics.check import check
from meantime.statistics.parameters import fields, item_of, text_is_meant
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared, AnyStatistic
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Link, Outcome, Parameter
from meantime.web.http.query import refusal
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets import dataset_unknown
from meantime.web.v1.representation import choose, represent, showing, stem_of
from meantime.web.v1.results import ACCEPT, CHART, CONDITIONS, DRAWING, SUFFIX, ResultColumn, ResultDocument, outcomes

# What goes through more is made in a thread. A question of the CDC has up to 20,020 cells; each a group of its own they
# take 40 ms, added up to states 10.
_IN_LOOP = 25_000
# What goes through more belongs into a job, where it can be watched and cancelled. Five million rows take 0.1 s for the
# median of each state, and 0.5 s for that of each of 20,020 groups (2 cores).
_AT_ONCE = 10_000_000
# As long as people wait without being told anything. The size above makes it rare.
_SECONDS = 10.0
# At a time; each takes a core and up to half a gigabyte.
_LONG_AT_A_TIME = 2

# Answers that are kept ready: those of a page that everybody looks at. 16 MB are some thousand answers of 55 states;
# one that is longer than a sixteenth of that would push out too many others.
_KEPT_BYTES = 16 * 2**20
_KEPT_ANSWERS = 2_048
_KEPT_ANSWER_BYTES = _KEPT_BYTES // 16
# Of what an answer was kept under: addresses may be as long as 64 KB.
_KEY_BYTES = 4_096

# The data set may be loaded anew, so the answer is asked after each time, which takes no longer than to look it up.
ASK_AFTER = "public, no-cache"
# With its fingerprint named it can never be another one.
_FOR_EVER = "public, max-age=31536000, immutable"

_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
# What a query has beside the parameters of the statistic.
_OURS = ("dataset", "fingerprint", "chart")

_ENCODER = msgspec.json.Encoder()


# What goes over the wire


class ChartResource(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of its results."""

    name: Annotated[str, msgspec.Meta(description="For the query: `chart=map`.")]
    meaning: Annotated[str, msgspec.Meta(description="What one sees.")]


class ExampleResource(msgspec.Struct, frozen=True, kw_only=True):
    """How it may be asked."""

    parameters: dict[str, Any]
    href: Annotated[str, msgspec.Meta(description="The same as an address, of the first data set.")]
    rows: Annotated[
        list[dict[str, Any]],
        msgspec.Meta(description="The first rows of the answer, of the synthetic table that `meantime sample` writes."),
    ]


class StatisticLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a statistic."""

    self_: str = msgspec.field(name="self")


class StatisticSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic in short."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it gives.")]
    estimates: Annotated[
        str, msgspec.Meta(description="What its numbers are an estimate of, and so what they are not.")
    ]
    links: StatisticLinks


class StatisticList(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be asked."""

    statistics: list[StatisticSummary]


class StatisticResource(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic: what it takes, gives and means."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it gives.")]
    estimates: Annotated[
        str, msgspec.Meta(description="What its numbers are an estimate of, and so what they are not.")
    ]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="JSON Schema of its parameters.")]
    columns: Annotated[
        list[ResultColumn],
        msgspec.Meta(description="Of the answer. Of summary: of that to what is asked with nothing but a question."),
    ]
    method_version: Annotated[
        int,
        msgspec.Meta(description="Counts up when the same question of the same data may have another answer.", ge=1),
    ]
    answers_at_once: Annotated[
        bool,
        msgspec.Meta(description="Whether it always does; else a question of very many rows is to be asked as a job."),
    ]
    needs_polarity: Annotated[bool, msgspec.Meta(description="Whether it must be known which values are good.")]
    charts: Annotated[
        list[ChartResource],
        msgspec.Meta(description="What vl.json, svg and png may show of its results, the usual one first."),
    ]
    example: ExampleResource
    links: StatisticLinks


def resource(row: AnyStatistic) -> StatisticResource:
    """Describe a statistic to clients."""
    query = urlencode(_pairs(row.example))
    names = [column.name for column in row.columns_of(msgspec.convert(row.example, row.parameters))]
    return StatisticResource(
        name=row.name,
        help=row.help,
        estimates=row.estimates,
        parameters=_schema(row),
        columns=[
            ResultColumn(name=each.name, kind=each.kind, unit=each.unit, meaning=each.meaning) for each in row.columns
        ],
        method_version=row.method_version,
        answers_at_once=row.is_instant,
        needs_polarity=row.needs_polarity,
        charts=[ChartResource(name=name, meaning=CHARTS[name].meaning) for name in row.charts],
        example=ExampleResource(
            parameters=dict(row.example),
            href=f"/v1/statistics/{row.name}?{query}",
            rows=[dict(zip(names, each, strict=True)) for each in row.example_rows],
        ),
        links=_links(row),
    )


def _links(row: AnyStatistic) -> StatisticLinks:
    return StatisticLinks(self_=f"/v1/statistics/{row.name}")


def _schema(row: AnyStatistic) -> dict[str, Any]:
    """Return the schema of a statistic's parameters, whole, without a reference."""
    schema: dict[str, Any] = msgspec.json.schema(row.parameters)["$defs"][row.parameters.__name__]
    return schema


def _pairs(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Write parameters as a query has them: lists by repetition, since names may have commas in them."""
    return [
        (name, each)
        for name, value in parameters.items()
        for each in (value if isinstance(value, list | tuple) else [value])
    ]


# Describing


async def list_statistics(_: Backend, request: HttpRequest) -> Reply:
    """GET /v1/statistics: all that can be asked."""
    return conditional.answer(request, _LIST)


async def get_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}: without a query what it is, with one its answer."""
    if not request.raw_query:
        # Answers at the same address vary, so caches are told the same of what it is.
        return conditional.answer(
            request, _DESCRIPTIONS[statistic_of(request).name], ("vary", "Accept, Accept-Encoding")
        )
    return await answer_statistic(backend, request)


_LIST = _ENCODER.encode(
    StatisticList(
        statistics=[
            StatisticSummary(name=row.name, help=row.help, estimates=row.estimates, links=_links(row))
            for row in STATISTICS.values()
        ]
    )
)
_DESCRIPTIONS = {name: _ENCODER.encode(resource(row)) for name, row in STATISTICS.items()}


def statistic_of(request: HttpRequest) -> AnyStatistic:
    """Return the statistic that the path names.

    Raises:
        StatisticUnknown: there is none of this name.
    """
    name = request.path_params["name"]
    if (row := STATISTICS.get(name)) is None:
        near = closest(name, tuple(STATISTICS))
        raise StatisticUnknown(
            f"There is no statistic {quoted(name)}. {suggestion(near)}GET /v1/statistics lists those that there are."
        )
    return row


# Answering


async def answer_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}?..., and with a suffix: the answer, as far as the client does not have it."""
    answers = answers_of(backend.catalog)
    key = _key(request)
    if key is None:
        return await _made(backend, request, answers, key)
    if (kept := answers.find(key, backend.catalog)) is not None:
        return kept
    async with answers.turn(key):
        # Made by another one while this one waited for its turn.
        return answers.find(key, backend.catalog) or await _made(backend, request, answers, key)


async def _made(backend: Backend, request: HttpRequest, answers: Answers, key: _Key | None) -> Reply | Stream:
    row = statistic_of(request)
    form = choose(request.header("accept"), request.path_params.get("suffix"), row.name)
    asked = await read(request.query, row, backend.catalog)
    form = showing(form, asked.chart, row.name).over(lambda: asked.snapshot.about.points.places)
    made = await _represented(backend, request, row, form, asked)
    if key is not None and isinstance(made, Reply):
        answers.keep(key, made, asked)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a query asks for, checked and prepared."""

    dataset: str
    prepared: AnyPrepared
    is_pinned: bool  # the snapshot is named, and not whichever is current
    chart: str | None  # that is to be shown

    @property
    def snapshot(self) -> Snapshot:
        """The one that answers."""
        return self.prepared.snapshot


class Making:
    """How an answer is made at once, in whichever thread; one of very many rows takes one of the few places for such.

    Raises:
        AskAsJob: it goes through too many.
    """

    def __init__(self, backend: Backend, asked: Asked) -> None:
        parameters, count = asked.prepared.parameters, asked.prepared.statistic.entries_read
        entries = 0 if count is None else count(asked.snapshot, parameters)
        if entries > _AT_ONCE:
            raise AskAsJob(
                f"This goes through {entries:,} rows, and at most {_AT_ONCE:,} are gone through at once. POST the same "
                "question to /v1/jobs: there it can be waited for, watched and cancelled."
            )
        self.known: dict[str, Any] = msgspec.to_builtins(parameters)
        self.is_long = entries > _IN_LOOP
        self.work = _Brief()
        self._compute = backend.compute
        self._slots = answers_of(backend.catalog).slots if self.is_long else None
        self._asked = asked

    def document(self) -> Document:
        """Make it; raises AnswersBusy where all places are taken, and as the compute does."""
        with slot(self._slots):
            return self._compute.document(self._asked.prepared, self._asked.dataset, self.work)


async def _represented(
    backend: Backend, request: HttpRequest, row: AnyStatistic, form: Form, asked: Asked
) -> Reply | Stream:
    making = Making(backend, asked)
    try:
        return await represent(
            request,
            form=form,
            tag=_tag(row, asked, making.known),
            document=making.document,
            body=None,
            cache_control=_FOR_EVER if asked.is_pinned else ASK_AFTER,
            stem=stem_of(row.name, asked.dataset, asked.snapshot.fingerprint),
            is_quick=not making.is_long,
        )
    finally:
        # Where the client has left, or the server gives up: the thread is to know.
        making.work.stop()


def _tag(row: AnyStatistic, asked: Asked, known: Mapping[str, Any]) -> str:
    """Name an answer: equal questions of equal data have one name, however they are written."""
    says = [asked.dataset, asked.snapshot.fingerprint, row.name, row.method_version, known]
    return hashlib.blake2b(_ENCODER.encode(says), digest_size=16).hexdigest()


class _Brief:
    """Work that nobody watches, and that is over when the time is, or when nobody waits for it."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _SECONDS
        self._is_stopped = False

    def progress(self, share: float) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Raise AskAsJob after some seconds, JobCancelled where nobody waits any more."""
        if self._is_stopped:
            raise JobCancelled("Nobody waits for the answer any more.")
        if time.monotonic() > self._until:
            raise AskAsJob(
                f"The answer was not ready within {_SECONDS:.0f} s. POST the same question to /v1/jobs: there it can "
                "be waited for, watched and cancelled."
            )

    def stop(self) -> None:
        self._is_stopped = True


@contextmanager
def slot(slots: threading.Semaphore | None) -> Iterator[None]:
    """Take one of the places for long answers, if it is one.

    Raises:
        AnswersBusy: all are taken.
    """
    if slots is None:
        yield
        return
    if not slots.acquire(blocking=False):
        raise AnswersBusy(
            f"{_LONG_AT_A_TIME} long answers are being made, and no more are at once. Try again in a second, or POST "
            "the same question to /v1/jobs, where it waits for its turn.",
            retry_after_s=1,
        )
    try:
        yield
    finally:
        slots.release()


# Reading the query


async def read(pairs: Sequence[tuple[str, str]], row: AnyStatistic, catalog: Catalog) -> Asked:
    """Read and check what is asked.

    Raises:
        DatasetUnknown, DatasetLoading, DatasetNotReady: of the data set.
        RequestInvalid: with everything that is wrong.
    """
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    problems: list[Problem] = []
    ours = {name: _one(name, given.pop(name), problems) for name in _OURS if name in given}
    fingerprint = ours.get("fingerprint")
    if fingerprint is not None and not _FINGERPRINT.fullmatch(fingerprint):
        detail = f'"fingerprint" must be that of a snapshot, 64 hexadecimal digits, not {quoted(fingerprint)}.'
        problems.append(Problem(pointer="/fingerprint", code="type", detail=detail))
    dataset = ours.get("dataset", catalog.default)
    raw = _raw(row, given, problems)
    snapshot = await _snapshot(catalog, dataset, None if problems else fingerprint)
    try:
        prepared = check(row.name, raw, snapshot, refuse_unknown=True)
    except RequestInvalid as invalid:
        raise refusal([*problems, *invalid.problems], "query") from invalid
    if problems:
        raise refusal(problems, "query")
    return Asked(dataset=dataset, prepared=prepared, is_pinned=fingerprint is not None, chart=ours.get("chart"))


async def _snapshot(catalog: Catalog, dataset: str, fingerprint: str | None) -> Snapshot:
    if dataset not in catalog.names:
        raise dataset_unknown(dataset, catalog.names)
    status = catalog.status(dataset)
    if fingerprint is not None and not (isinstance(status, Ready) and status.snapshot.fingerprint == fingerprint):
        return await _older(catalog, dataset, fingerprint)
    if isinstance(status, Loading):
        raise DatasetLoading(
            f"The data set {quoted(dataset)} is still being read. Try again in a second, or POST the same question to "
            "/v1/jobs: the job waits for it.",
            retry_after_s=1,
        )
    return catalog.snapshot(dataset)


async def _older(catalog: Catalog, dataset: str, fingerprint: str) -> Snapshot:
    """Return a snapshot that is not current; it may have to be opened, which takes a tenth of a second."""
    try:
        return await asyncio.to_thread(catalog.snapshot, dataset, fingerprint)
    except SnapshotDamaged:
        detail = (
            f'No snapshot with the fingerprint {quoted(fingerprint)} is kept any more. Leave "fingerprint" out to ask '
            "the current one."
        )
        problem = Problem(pointer="/fingerprint", code="unknown", detail=detail)
        raise RequestInvalid(detail, problems=(problem,)) from None


def _raw(row: AnyStatistic, given: Mapping[str, list[str]], problems: list[Problem]) -> dict[str, Any]:
    """Make of texts what the parameters are. What cannot be is left as it is, for the check to say so."""
    parameters: type[msgspec.Struct] = row.parameters
    kinds = {field.name: field.type for field in fields(parameters)}
    raw: dict[str, Any] = {}
    for name, texts in given.items():
        kind = kinds.get(name)
        item = item_of(kind)
        if item is not None:
            # An empty text is a name of its own, of what has none; among numbers and words it stands for nothing.
            kept = texts if text_is_meant(item) else [text for text in texts if text]
            raw[name] = [_value(item, text) for text in kept]
        else:
            raw[name] = _value(kind, _one(name, texts, problems))
    return raw


def _one(name: str, texts: Sequence[str], problems: list[Problem]) -> str:
    """Return the one value that a name came with; the same one several times does not matter."""
    if len(set(texts)) > 1:
        detail = f'"{name}" takes one value, and came with {len(set(texts)):,} different ones.'
        problems.append(Problem(pointer=f"/{name}", code="repeated", detail=detail))
    return texts[0]


def _value(kind: Any, text: str) -> Any:
    """Make of a text what a parameter is."""
    if kind is None or text_is_meant(kind):
        return text
    try:
        return msgspec.convert(text or None, kind, strict=False)
    except msgspec.ValidationError:
        return text


# Answers that are kept ready


class _Key(NamedTuple):
    """All of a request that an answer depends on, beside the data."""

    name: str
    suffix: str | None
    query: bytes
    accept: str | None
    accept_encoding: str | None
    if_none_match: str | None


def _key(request: HttpRequest) -> _Key | None:
    """Return what the answer may be kept under; None where it is not worth keeping: parts, and odd addresses."""
    if request.header("range") is not None:
        return None
    key = _Key(
        request.path_params["name"],
        request.path_params.get("suffix"),
        request.raw_query,
        request.header("accept"),
        request.header("accept-encoding"),
        request.header("if-none-match"),
    )
    return key if sum(len(part) for part in key if part) <= _KEY_BYTES else None


class _Kept(NamedTuple):
    """An answer, and the snapshot that it is of."""

    reply: Reply
    dataset: str
    fingerprint: str
    is_pinned: bool


class Answers:
    """Whole answers to whole requests, as many as have room; the one that was not asked for longest goes first.

    Used in the event loop alone. An answer is handed out only while the snapshot that it is of is the current one.
    """

    def __init__(self) -> None:
        self.slots = threading.Semaphore(_LONG_AT_A_TIME)
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._size_bytes = 0
        # Those that are held or waited for by somebody; nobody else has need of them.
        self._turns: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: _Key) -> AsyncIterator[None]:
        """Let one at a time make the same answer, so that a page that many look at is no reason to be busy."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            yield

    def find(self, key: _Key, catalog: Catalog) -> Reply | None:
        """Return the answer to a request, if it is here and still holds."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        status = None if kept.is_pinned else catalog.status(kept.dataset)
        if status is not None and not (isinstance(status, Ready) and status.snapshot.fingerprint == kept.fingerprint):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.reply

    def keep(self, key: _Key, reply: Reply, asked: Asked) -> None:
        """Keep an answer, unless it is long. None is kept under this key: whose turn it is has looked."""
        if len(reply.body) > _KEPT_ANSWER_BYTES:
            return
        self._kept[key] = _Kept(reply, asked.dataset, asked.snapshot.fingerprint, asked.is_pinned)
        self._size_bytes += _size_bytes(key, reply)
        while len(self._kept) > _KEPT_ANSWERS or self._size_bytes > _KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        self._size_bytes -= _size_bytes(key, self._kept.pop(key).reply)


def _size_bytes(key: _Key, reply: Reply) -> int:
    # A kilobyte for what Python needs around them.
    return len(reply.body) + sum(len(part) for part in key if part) + 1024


_ANSWERS: WeakKeyDictionary[Catalog, Answers] = WeakKeyDictionary()


def answers_of(catalog: Catalog) -> Answers:
    """Return the answers that are kept of a catalog's data sets."""
    if (answers := _ANSWERS.get(catalog)) is None:
        answers = _ANSWERS[catalog] = Answers()
    return answers


# What the document tells


def _query_parameters() -> tuple[Parameter, ...]:
    """Return the parameters that any statistic has; which are needed depends on the statistic."""
    found: dict[str, Parameter] = {}
    for row in STATISTICS.values():
        schema = _schema(row)
        parameters: type[msgspec.Struct] = row.parameters
        for field in fields(parameters):
            about = schema["properties"][field.name]
            found.setdefault(
                field.name,
                Parameter(
                    name=field.name,
                    where="query",
                    kind=field.type,
                    description=f"{about['description']} A parameter of {_takers(field.name)}.",
                    example=about["examples"][0],
                ),
            )
    return tuple(found.values())


def _takers(name: str) -> str:
    takers = [row.name for row in STATISTICS.values() if name in row.parameters.__struct_fields__]
    return "every statistic" if len(takers) == len(STATISTICS) else ", ".join(takers)


NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(STATISTICS)})$")],
    description="One of GET /v1/statistics.",
    required=True,
    example="states_mean",
)
QUERY = (
    Parameter(
        name="dataset",
        where="query",
        kind=str,
        description="One of GET /v1/datasets; left out, the first.",
    ),
    Parameter(
        name="fingerprint",
        where="query",
        kind=Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")],
        description="Of the snapshot that is to answer, also where it is not the current one any more. The answer then "
        "never changes, and may be kept for ever.",
    ),
    CHART,
    *_query_parameters(),
)
PROBLEMS = (
    StatisticUnknown,
    RequestInvalid,
    AskAsJob,
    DatasetUnknown,
    DatasetLoading,
    DatasetNotReady,
    # Its rows are read from disk by some; their file may have been taken away.
    SnapshotDamaged,
    RangeInvalid,
    *DRAWING,
)
_ANSWER = (
    "The answer comes at once, without a job. Lists are given by repeating the name: `location=Utah&location=Ohio`. "
    "Equal questions have one ETag, in whatever order and spelling they are sent. What would take too long is a "
    "problem `ask-as-job`; POST it to /v1/jobs."
)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="list_statistics",
        method="GET",
        path="/v1/statistics",
        tag="statistics",
        summary="List what can be asked",
        description="Every statistic with what it gives and what its numbers are an estimate of.",
        handle=list_statistics,
        parameters=(conditional.IF_NONE_MATCH,),
        outcomes=(
            Outcome(
                status=200,
                description="The statistics.",
                content={"application/json": StatisticList},
                example=msgspec.json.decode(_LIST),
                headers=(conditional.ETAG, conditional.CACHE_CONTROL),
                links=(
                    Link(
                        name="statistic",
                        operation="get_statistic",
                        parameters={"name": "$response.body#/statistics/0/name"},
                        description="What the first one is.",
                    ),
                ),
            ),
            conditional.NOT_MODIFIED,
        ),
    ),
    Endpoint(
        name="get_statistic",
        method="GET",
        path="/v1/statistics/{name}",
        tag="statistics",
        summary="Ask a statistic, or what it is",
        description="Without a query: what it estimates, its parameters as JSON Schema, its columns with units, the "
        f"version of its method, an example. With a query: its answer. {_ANSWER} The form is the one that `Accept` "
        "wants most, JSON if it does not say.",
        handle=get_statistic,
        parameters=(
            NAME,
            *QUERY,
            ACCEPT,
            *CONDITIONS,
        ),
        # As JSON it is either what the statistic is, or its answer.
        outcomes=outcomes(json=(ResultDocument, StatisticResource)),
        problems=PROBLEMS,
    ),
    Endpoint(
        name="get_statistic_as",
        method="GET",
        path="/v1/statistics/{name}.{suffix}",
        tag="statistics",
        summary="Ask a statistic for a file",
        description=f"{_ANSWER} The suffix names the form, whatever `Accept` says.",
        handle=answer_statistic,
        parameters=(NAME, SUFFIX, *QUERY, *CONDITIONS),
        outcomes=outcomes(),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
