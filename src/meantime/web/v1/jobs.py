"""/v1/jobs: questions as resources. Submitted one by one or by the thousand, listed, looked at, cancelled, removed."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec

from meantime.dataset.catalog import Catalog, Loading
from meantime.did_you_mean import closest, suggestion
from meantime.engine.engine import Engine, JobDetail
from meantime.engine.ports import JobFilter
from meantime.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    CursorInvalid,
    DatasetNotReady,
    Failure,
    HeaderInvalid,
    JobCancelled,
    JobEnded,
    JobFailed,
    JobUnknown,
    KeyReused,
    Problem,
    QueueFull,
    RequestInvalid,
    ResultGone,
    ShuttingDown,
    StoreBroken,
    StoreFull,
)
from meantime.model import IdempotencyKey, JobRecord, JobState, Request
from meantime.statistics.check import check, check_form
from meantime.text import json_pointer, quoted
from meantime.web.backend import Backend
from meantime.web.http import bodies
from meantime.web.http import cursor as cursors
from meantime.web.http.endpoint import Endpoint, Header, Link, Outcome, Parameter
from meantime.web.http.prefer import PREFERENCE_APPLIED, applied, preferred_wait
from meantime.web.http.query import PROBLEMS_TOLD, Query, refusal
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets import dataset_unknown
from meantime.web.v1.representation import choose
from meantime.web.v1.results import DRAWING, HEADERS, JOB_ID, PREFER, number_of, of_job, whole
from meantime.web.v1.waiting import lobby_of

# A thousand questions as long as the longest in use (246 characters, each up to 4 bytes, or 12 where escaped), with
# room for what is around them.
BATCH_LIMIT_BYTES = 8 * 1024 * 1024
# One commit and one answer: more would make the jobs of others wait for longer than a few hundredths of a second.
BATCH_LIMIT = 1000
# A line of a list; a text of its own belongs beside the job, not into it.
LABEL_LIMIT_CHARACTERS = 200

# A body up to this is parsed, and checked, in less than a millisecond.
_READ_AT_ONCE_BYTES = 32 * 1024
# How long a running job is waited for to see that it was cancelled. Statistics look every few milliseconds; one that is
# in the middle of a long step of DuckDB is interrupted within a second.
_CANCEL_WAIT_S = 5.0
_PAGE = 100
_PAGE_LIMIT = 1000

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_NO_STORE = (("cache-control", "no-store"), ("vary", "Prefer"))

T = TypeVar("T")


# What goes over the wire


class JobLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a job."""

    self_: str = msgspec.field(name="self")
    results: str
    events: str


class JobResource(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands."""

    id: Annotated[str, msgspec.Meta(description="Never given twice.", pattern="^job_id_[1-9][0-9]{0,17}$")]
    state: Annotated[JobState, msgspec.Meta(description="queued and running go on; done, failed, cancelled are ends.")]
    label: Annotated[str | None, msgspec.Meta(description="The asker's own word for it.")]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[
        str | None, msgspec.Meta(description="Of the snapshot that answers; null while the data set is loading.")
    ]
    statistic: Annotated[str, msgspec.Meta(description="Name of the statistic.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="As checked, with the defaults filled in.")]
    api: Annotated[Literal["v1", "classic"], msgspec.Meta(description="Which API it was submitted to.")]
    progress: Annotated[float, msgspec.Meta(description="Share of the work that is done.", ge=0, le=1)]
    position: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(description="How many jobs stand before it; null unless it is queued."),
    ]
    attempts: Annotated[int, msgspec.Meta(description="How often work on it was begun.", ge=0)]
    created_at: Annotated[datetime, msgspec.Meta(description="When it was accepted.", tz=True)]
    started_at: Annotated[datetime | None, msgspec.Meta(description="When the last attempt began.")]
    ended_at: Annotated[datetime | None, msgspec.Meta(description="When it came to its end.")]
    expires_at: Annotated[
        datetime | None,
        msgspec.Meta(description="When it is removed, at the latest; earlier where too many jobs are kept."),
    ]
    failure: Annotated[
        Failure | None, msgspec.Meta(description="Why there is no result, and whose fault that is: failed, cancelled.")
    ]
    links: JobLinks


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be computed."""

    statistic: Annotated[str, msgspec.Meta(description="One of GET /v1/statistics.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="What the statistic takes.")] = {}
    dataset: (
        Annotated[str, msgspec.Meta(description="One of GET /v1/datasets; the first, if it is left out.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    label: Annotated[
        str | None,
        msgspec.Meta(description="A word of yours to find the job by.", extra_json_schema={"maxLength": 200}),
    ] = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Several requests, accepted all together or not at all."""

    requests: Annotated[list[Submission], msgspec.Meta(min_length=1, max_length=BATCH_LIMIT)]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a batch, in the order of its requests."""

    jobs: list[JobResource]


class PageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list goes on."""

    next: str | None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some jobs, the newest first."""

    jobs: list[JobResource]
    next: Annotated[str | None, msgspec.Meta(description="Cursor of the page behind this one; null on the last.")]
    links: PageLinks


class Dismissal(msgspec.Struct, frozen=True, kw_only=True):
    """What DELETE has done."""

    outcome: Annotated[
        Literal["cancelled", "cancelling", "ended", "removed"],
        msgspec.Meta(
            description="cancelled: it will not run (on). cancelling: that is asked, and it stops at its next check. "
            "ended: it came to its end before, and is still there. removed: it had ended; record and result are gone."
        ),
    ]
    job: JobResource


_ENCODER = msgspec.json.Encoder()


def resource(detail: JobDetail, *, keep_ended_s: float) -> JobResource:
    """Describe a job to clients."""
    job, state = detail.record, detail.state
    request = job.request
    path = f"/v1/jobs/{job.id}"
    return JobResource(
        id=job.id,
        state=state,
        label=request.label,
        dataset=request.dataset,
        fingerprint=request.fingerprint,
        statistic=request.statistic,
        parameters=request.parameters,
        api="v1" if request.view == "document" else "classic",
        progress=detail.progress,
        position=detail.position,
        attempts=job.attempts,
        created_at=_moment(job.created_at_s),
        # A job that is claimed and waits for its thread is shown as queued, and has not begun.
        started_at=None if job.started_at_s is None or state is JobState.QUEUED else _moment(job.started_at_s),
        ended_at=None if job.ended_at_s is None else _moment(job.ended_at_s),
        expires_at=None if job.ended_at_s is None else _moment(job.ended_at_s + keep_ended_s),
        failure=job.failure,
        links=JobLinks(self_=path, results=f"{path}/results", events=f"{path}/events"),
    )


def _moment(at_s: float) -> datetime:
    """Return a time as clients see it: never later than it was, so that asking for jobs since then includes this one.

    >>> _moment(1.0000009).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment if moment.timestamp() <= at_s else moment - timedelta(microseconds=1)


# Submitting


async def submit(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """POST /v1/jobs: make a job, and wait for its result if that is preferred."""
    # All that can be refused is refused before there is a job.
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    form = choose(request.header("accept"), None) if wait_s is not None else None
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(bodies.BODY_LIMIT_BYTES)

    def read() -> tuple[Request, IdempotencyKey | None]:
        raw = bodies.json_object(body, example=f"send {_EXAMPLE}")
        return _one(raw, backend.catalog), _idempotency_key(key, "/v1/jobs", raw)

    wanted, idempotency_key = await _at_once_or_in_thread(read, body)
    if form is not None:
        form = choose(request.header("accept"), None, wanted.statistic)
    accepted = backend.engine.submit((wanted,), key=idempotency_key)
    await backend.landed(accepted)
    [job] = accepted.result()
    location = ("location", f"/v1/jobs/{job.id}")
    if form is None:
        detail = _as_it_is(backend.engine, job)
    else:
        detail = await lobby_of(backend.engine).end_of(
            backend.engine, job.number, within_s=wait_s or 0, gone=request.gone
        )
        if detail.state.is_ended:
            where = ("content-location", f"/v1/jobs/{job.id}/results")
            return await of_job(backend, request, detail, form=form, headers=(location, where, *applied(wait_s)))
    return Reply(
        202,
        _ENCODER.encode(resource(detail, keep_ended_s=backend.keep_ended_s)),
        headers=(location, ("retry-after", "1"), *applied(wait_s), *_NO_STORE),
        job_id=job.id,
    )


async def submit_batch(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/jobs/batch: make many jobs in one commit, or none."""
    Query(request.query, ()).check()
    key = _key(request.header("idempotency-key"))
    body = await request.read_body(BATCH_LIMIT_BYTES)
    engine = backend.engine

    def read_and_submit() -> Any:
        raw = bodies.json_object(body, example=f"send {_EXAMPLE_OF_MANY}")
        return engine.submit(_many(raw, backend.catalog), key=_idempotency_key(key, "/v1/jobs/batch", raw))

    def answer(jobs: Sequence[JobRecord]) -> bytes:
        details = (_as_it_is(engine, job) for job in jobs)
        return _ENCODER.encode(Accepted(jobs=[resource(each, keep_ended_s=backend.keep_ended_s) for each in details]))

    accepted = await _at_once_or_in_thread(read_and_submit, body)
    await backend.landed(accepted)
    jobs = accepted.result()
    written = await _at_once_or_in_thread(partial(answer, jobs), body)
    return Reply(202, written, headers=(("retry-after", "1"), *_NO_STORE))


async def _at_once_or_in_thread(read: Callable[[], T], body: bytes) -> T:
    return read() if len(body) <= _READ_AT_ONCE_BYTES else await asyncio.to_thread(read)


def _as_it_is(engine: Engine, job: JobRecord) -> JobDetail:
    """Look how an accepted job stands. It may have ended, also long ago: then the same request came once more."""
    try:
        return engine.describe(job.number)
    except JobUnknown:  # removed meanwhile
        return JobDetail(job, job.state, 0.0, None)


def _key(header: str | None) -> str | None:
    if header is not None and not _KEY.fullmatch(header):
        raise HeaderInvalid(
            "The header Idempotency-Key must have 1 to 255 visible ASCII characters and no space; a UUID is a good one."
        )
    return header


def _idempotency_key(key: str | None, path: str, raw: Mapping[str, Any]) -> IdempotencyKey | None:
    """Bind a key to what it came with. White space and the order of keys are not part of that."""
    if key is None:
        return None
    canonical = msgspec.json.encode(["POST", path, raw], order="sorted")
    return IdempotencyKey(key=key, digest=hashlib.blake2b(canonical, digest_size=16).hexdigest())


# Reading what is asked


class _Invalid(Exception):
    """Carries problems to where they are gathered."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)


def _one(raw: Mapping[str, Any], catalog: Catalog) -> Request:
    try:
        return _request(raw, catalog)
    except _Invalid as invalid:
        raise _refusal(invalid.problems) from None


def _many(raw: Mapping[str, Any], catalog: Catalog) -> list[Request]:
    unknown = (key for key in raw if key != "requests")
    problems = [_unknown_key(key, ("requests",)) for key in islice(unknown, PROBLEMS_TOLD)]
    given = raw.get("requests")
    if not isinstance(given, list) or not 0 < len(given) <= BATCH_LIMIT:
        has = f"has {len(given):,}" if isinstance(given, list) else "is missing" if given is None else "is none"
        problems.append(
            Problem(
                pointer="/requests",
                code="missing" if given is None else "type" if not isinstance(given, list) else "length",
                detail=f'"requests" must be a list of 1 to {BATCH_LIMIT:,} requests, and {has}. '
                "Send several batches if there are more.",
            )
        )
        given = []
    # Equal requests are common in batches that programs write: each is checked once.
    known: dict[bytes, Request | tuple[Problem, ...]] = {}
    made = []
    for place, each in enumerate(given):
        if len(problems) >= PROBLEMS_TOLD:
            break
        checked = _checked_once(each, catalog, known)
        if isinstance(checked, Request):
            made.append(checked)
        else:
            problems += _below(f"/requests/{place}", checked)
    if problems:
        raise _refusal(problems)
    return made


def _checked_once(
    raw: object, catalog: Catalog, known: dict[bytes, Request | tuple[Problem, ...]]
) -> Request | tuple[Problem, ...]:
    written = _ENCODER.encode(raw)
    if (checked := known.get(written)) is None:
        try:
            checked = _request(raw, catalog)
        except _Invalid as invalid:
            checked = invalid.problems
        known[written] = checked
    return checked


_KEYS = tuple(Submission.__struct_fields__)


def _request(raw: object, catalog: Catalog) -> Request:
    """Make a request of what was sent.

    Raises:
        _Invalid: with all that is wrong.
        DatasetNotReady: the data set failed to load.
    """
    if not isinstance(raw, dict):
        raise _Invalid([Problem(pointer="", code="type", detail="A request must be an object such as " + _EXAMPLE)])
    problems = []
    for key in raw:
        if key not in _KEYS:
            problems.append(_unknown_key(key, _KEYS))
            if len(problems) >= PROBLEMS_TOLD:
                raise _Invalid(problems)
    if (label := raw.get("label")) is not None:
        problems += _of_label(label)
    dataset = raw.get("dataset", catalog.default)
    is_served = isinstance(dataset, str) and dataset in catalog.names
    if not is_served:
        problems.append(_unknown_dataset(dataset, catalog.names))
    statistic, parameters = raw.get("statistic"), raw.get("parameters", {})
    if not isinstance(statistic, str):
        problems.append(_no_statistic("statistic" in raw))
    if not isinstance(parameters, dict):
        problems.append(
            Problem(pointer="/parameters", code="type", detail='"parameters" must be an object: names and values.')
        )
    if not isinstance(statistic, str) or not isinstance(parameters, dict):
        raise _Invalid(problems)
    # While it loads, only the form can be checked: the rest is when the job runs. One that failed to load raises here.
    is_there = is_served and not isinstance(catalog.status(dataset), Loading)
    snapshot = catalog.snapshot(dataset) if is_there else None
    try:
        checked = (
            check_form(statistic, parameters, refuse_unknown=True)
            if snapshot is None
            else check(statistic, parameters, snapshot, refuse_unknown=True).parameters
        )
    except RequestInvalid as invalid:
        raise _Invalid([*problems, *_below("/parameters", invalid.problems)]) from invalid
    if problems:
        raise _Invalid(problems)
    return Request(
        dataset=dataset,
        statistic=statistic,
        parameters=msgspec.to_builtins(checked),
        view="document",
        fingerprint=snapshot.fingerprint if snapshot else None,
        label=label,
    )


def _below(pointer: str, problems: Iterable[Problem]) -> Iterable[Problem]:
    """Let pointers begin further up. The statistic's name is beside its parameters, not among them."""
    for problem in problems:
        if problem.code == "unknown-statistic" and pointer == "/parameters":
            yield msgspec.structs.replace(problem, pointer="/statistic")
        else:
            yield msgspec.structs.replace(problem, pointer=pointer + problem.pointer)


def _refusal(problems: Sequence[Problem]) -> RequestInvalid:
    told = list(problems[:PROBLEMS_TOLD])
    if len(told) == PROBLEMS_TOLD:
        # Said as a problem too, since only these are read by programs.
        told.append(
            Problem(
                pointer="",
                code="too-many",
                detail=f"There may be more: nothing was looked at behind the first {PROBLEMS_TOLD} problems.",
            )
        )
    return refusal(told, "request")


def _unknown_key(key: str, known: Sequence[str]) -> Problem:
    near = closest(key, known)
    hint = suggestion(near).strip() or f"It takes {', '.join(known)}."
    return Problem(
        pointer=json_pointer(key), code="unknown-key", detail=f"A request has no {quoted(key)}. {hint}", closest=near
    )


def _of_label(label: object) -> list[Problem]:
    if not isinstance(label, str):
        return [Problem(pointer="/label", code="type", detail='"label" must be a text, or left out.')]
    if len(label) > LABEL_LIMIT_CHARACTERS:
        detail = f'"label" has {len(label):,} characters; {LABEL_LIMIT_CHARACTERS} may be.'
        return [Problem(pointer="/label", code="length", detail=detail)]
    return []


def _unknown_dataset(dataset: object, names: Sequence[str]) -> Problem:
    if not isinstance(dataset, str):
        detail = '"dataset" must be the name of a data set; left out, it is the first.'
        return Problem(pointer="/dataset", code="type", detail=detail)
    detail = dataset_unknown(dataset, names).reason
    return Problem(pointer="/dataset", code="unknown", detail=detail, closest=closest(dataset, names))


def _no_statistic(is_there: bool) -> Problem:
    if is_there:
        return Problem(pointer="/statistic", code="type", detail='"statistic" must be the name of a statistic.')
    return Problem(pointer="/statistic", code="missing", detail=f'"statistic" is missing: send {_EXAMPLE}')


_EXAMPLE = '{"statistic": "states_mean", "parameters": {"question": "..."}}; GET /v1/statistics lists them.'
_EXAMPLE_OF_MANY = '{"requests": [{"statistic": "states_mean", "parameters": {"question": "..."}}]}.'


# Looking


async def get_job(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs/{job_id}: how a job stands, at its end if that is waited for."""
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    engine = backend.engine
    detail = await lobby_of(engine).end_of(engine, number_of(request), within_s=wait_s or 0, gone=request.gone)
    return Reply(
        200,
        _ENCODER.encode(resource(detail, keep_ended_s=backend.keep_ended_s)),
        headers=(*applied(wait_s), *_NO_STORE),
        job_id=detail.record.id,
    )


class Asked(NamedTuple):
    """What the query of a list asks for."""

    wanted: JobFilter
    limit: int = _PAGE
    cursor: str | None = None


async def list_jobs(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs: pages of jobs, the newest first."""
    asked = read_query(request.query, tuple(parameter.name for parameter in _LIST_PARAMETERS))
    before = None if asked.cursor is None else cursors.read(asked.cursor, _list_of(asked.wanted))

    def page() -> JobPage:
        # One more than is shown: whether there is another page is known by it.
        found = backend.engine.find(asked.wanted, before=before, limit=asked.limit + 1)
        shown = found[: asked.limit]
        is_last = len(found) <= asked.limit
        cursor = None if is_last else cursors.write(shown[-1].record.number, _list_of(asked.wanted))
        return JobPage(
            jobs=[resource(detail, keep_ended_s=backend.keep_ended_s) for detail in shown],
            next=cursor,
            links=PageLinks(next=None if cursor is None else _url_of_next(request.query, cursor)),
        )

    def answer() -> Reply:
        made = page()
        link = () if made.links.next is None else (("link", f'<{made.links.next}>; rel="next"'),)
        return Reply(200, _ENCODER.encode(made), headers=(*link, _NO_STORE[0]))

    return await asyncio.to_thread(answer)


def read_query(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> Asked:
    """Read which jobs are asked for. Only ``state`` may come several times: any of them is taken.

    ``names`` are those that the endpoint takes.

    Raises:
        RequestInvalid: with everything that is wrong.
    """
    query = Query(pairs, names)
    asked = Asked(
        wanted=JobFilter(
            states=_states(query),
            statistic=query.one("statistic"),
            dataset=query.one("dataset"),
            label=query.one("label"),
            created_after_s=_since(query, "created_after"),
            created_before_s=_since(query, "created_before"),
        ),
        limit=query.number("limit", default=_PAGE, up_to=_PAGE_LIMIT),
        cursor=query.one("cursor"),
    )
    query.check()
    return asked


def _states(query: Query) -> frozenset[JobState] | None:
    states = set()
    for text in query.all("state"):
        try:
            states.add(JobState(text))
        except ValueError:
            known = [str(state) for state in JobState]
            detail = f"There is no state {quoted(text)}; there are {', '.join(known)}."
            query.wrong("state", "unknown", detail, closest(text, known))
    return frozenset(states) or None


def _since(query: Query, name: str) -> float | None:
    text = query.one(name)
    if text is None:
        return None
    if re.search(r":[0-9.]+ [0-9]{2}:[0-9]{2}$", text):
        text = f"{text[:-6]}+{text[-5:]}"  # the plus of a zone, which in a query that is not escaped is a space
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        detail = f'"{name}" must be a time with its zone, such as 2026-11-24T09:30:00Z, not {quoted(text)}.'
        query.wrong(name, "type", detail)
        return None
    return moment.timestamp()


def _url_of_next(query: Sequence[tuple[str, str]], cursor: str) -> str:
    pairs = [(name, value) for name, value in query if name != "cursor"]
    return "/v1/jobs?" + urlencode([*pairs, ("cursor", cursor)])


def _list_of(wanted: JobFilter) -> list[Any]:
    """Return what a cursor belongs to: another filter makes another list."""
    return [sorted(wanted.states or ()), *msgspec.structs.astuple(wanted)[1:]]


# Dismissing


async def delete_job(backend: Backend, request: HttpRequest) -> Reply:
    """DELETE /v1/jobs/{job_id}: cancel a job that goes on, remove one that has ended, and say which it was."""
    engine, number, is_to_be_cancelled_only = backend.engine, number_of(request), _is_if_unfinished(request)
    detail = engine.describe(number)
    if detail.state.is_ended and is_to_be_cancelled_only:
        return _dismissed(backend, "ended", detail)
    if detail.state.is_ended:
        removal = engine.remove(number)
        await backend.landed(removal)
        removal.result()
        return _dismissed(backend, "removed", detail)
    try:
        cancellation = engine.cancel(number)
        async with asyncio.timeout(_CANCEL_WAIT_S):
            await backend.landed(cancellation)
        job = cancellation.result()
    except JobEnded:
        # It was about to end when we looked. Removing it now would throw away a result that nobody has seen.
        return _dismissed(backend, "ended", engine.describe(number))
    except TimeoutError:
        return _dismissed(backend, "cancelling", engine.describe(number))
    return _dismissed(backend, "cancelled", JobDetail(job, job.state, detail.progress, None))


def _is_if_unfinished(request: HttpRequest) -> bool:
    """Whether a job that has ended is to be left as it is. A mistake in saying so must not remove one."""
    query = Query(request.query, (_IF.name,))
    condition = query.one(_IF.name)
    if condition not in (None, "unfinished"):
        query.wrong(_IF.name, "unknown", f'"{_IF.name}" can only be unfinished, not {quoted(condition)}.')
    query.check()
    return condition is not None


def _dismissed(
    backend: Backend, outcome: Literal["cancelled", "cancelling", "ended", "removed"], detail: JobDetail
) -> Reply:
    body = _ENCODER.encode(Dismissal(outcome=outcome, job=resource(detail, keep_ended_s=backend.keep_ended_s)))
    later = (("location", f"/v1/jobs/{detail.record.id}"), ("retry-after", "1")) if outcome == "cancelling" else ()
    return Reply(202 if outcome == "cancelling" else 200, body, headers=(*later, _NO_STORE[0]), job_id=detail.record.id)


# The rows

_JOB = {
    "id": "job_id_7",
    "state": "queued",
    "label": "obesity by state",
    "dataset": "sample",
    "fingerprint": "9f2c" * 16,
    "statistic": "states_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "api": "v1",
    "progress": 0.0,
    "position": 0,
    "attempts": 0,
    "created_at": "2026-11-24T09:30:00.123456Z",
    "started_at": None,
    "ended_at": None,
    "expires_at": None,
    "failure": None,
    "links": {
        "self": "/v1/jobs/job_id_7",
        "results": "/v1/jobs/job_id_7/results",
        "events": "/v1/jobs/job_id_7/events",
    },
}
_ENDED = {
    **_JOB,
    "state": "done",
    "progress": 1.0,
    "position": None,
    "attempts": 1,
    "started_at": "2026-11-24T09:30:00.125000Z",
    "ended_at": "2026-11-24T09:30:00.126000Z",
    "expires_at": "2026-12-24T09:30:00.126000Z",
}
_CANCELLED = {
    **_ENDED,
    "state": "cancelled",
    "progress": 0.0,
    "failure": {"code": "cancelled", "fault": "caller", "reason": "It was cancelled."},
}
_SUBMISSION = {
    "statistic": "states_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "label": "obesity by state",
}

_KEY_PARAMETER = Parameter(
    name="Idempotency-Key",
    where="header",
    kind=Annotated[str, msgspec.Meta(pattern="^[!-~]{1,255}$")],
    description="A word of the client's, best a UUID. The same request under the same key again makes no new jobs: the "
    "answer is about the first ones, as long as they are kept. Another request under it is refused.",
    example="8e03978e-40d5-43e8-bc93-6894a57f9324",
)
_RETRY_AFTER = Header(name="Retry-After", description="Seconds after which a look is worth while.", kind=int)
_CACHE_CONTROL = Header(name="Cache-Control", description="`no-store`: it changes.")
_VARY = Header(name="Vary", description="`Prefer`.")
_LOCATION = Header(name="Location", description="Of the job.")
_BODY_PROBLEMS = (BodyInvalid, BodyTooLarge, BodyNotJson, HeaderInvalid, RequestInvalid, KeyReused)
_SUBMIT_PROBLEMS = (*_BODY_PROBLEMS, QueueFull, ShuttingDown, StoreFull, StoreBroken, DatasetNotReady)


def _link(name: str, operation: str, description: str, job_id: str = "$response.body#/id") -> Link:
    return Link(name=name, operation=operation, parameters={"job_id": job_id}, description=description)


_LINKS = (
    _link("job", "get_job", "How it stands."),
    _link("result", "get_result", "What it has come to."),
    _link("cancel", "delete_job", "Cancel it, or remove it when it has ended."),
)


def _filter(name: str, kind: Any, description: str, example: Any = None) -> Parameter:
    return Parameter(name=name, where="query", kind=kind, description=description, example=example)


FILTERS: tuple[Parameter, ...] = (
    _filter("state", list[JobState], "Only jobs in this state; may be given several times, for any of them.", ["done"]),
    _filter("statistic", str, "Only jobs of this statistic.", "states_mean"),
    _filter("dataset", str, "Only jobs of this data set."),
    _filter("label", str, "Only jobs with exactly this label.", "obesity by state"),
)
_LIST_PARAMETERS = (
    *FILTERS,
    _filter("created_after", datetime, "Only jobs accepted at this time or later, with its zone (RFC 3339)."),
    _filter("created_before", datetime, "Only jobs accepted before this time, with its zone (RFC 3339)."),
    _filter(
        "limit",
        Annotated[int, msgspec.Meta(ge=1, le=_PAGE_LIMIT)],
        f"How many jobs a page has, at most; {_PAGE} if it is left out.",
        20,
    ),
    _filter("cursor", str, "`next` of the page before, with the same filters."),
)

_IF = Parameter(
    name="if",
    where="query",
    kind=Literal["unfinished"],
    description="`unfinished`: leave a job that has ended as it is. So who only wants to cancel removes nothing, and "
    "may ask again where the answer was lost.",
    example="unfinished",
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="submit_job",
        method="POST",
        path="/v1/jobs",
        tag="jobs",
        summary="Submit a job",
        description="What is wrong with a request is said at once, all of it, and before there is a job. An accepted "
        "job is durable: it survives a crash of the server. While its data set is loading, only the form of a request "
        "can be checked. With `Prefer: wait=N` the answer is the result, in the form that `Accept` wants, if it is "
        "there in time, and else the job.",
        handle=submit,
        parameters=(
            PREFER,
            Parameter(
                name="Accept",
                where="header",
                kind=str,
                description="With `Prefer: wait=N`: the media types for the result.",
                example="application/json",
            ),
            _KEY_PARAMETER,
        ),
        body=Submission,
        body_example=_SUBMISSION,
        outcomes=(
            Outcome(
                status=202,
                description="Accepted: the job.",
                content={"application/json": JobResource},
                example=_JOB,
                headers=(_LOCATION, _RETRY_AFTER, PREFERENCE_APPLIED, _CACHE_CONTROL, _VARY),
                links=_LINKS,
            ),
            whole(
                200,
                "The result, which came in the time that `Prefer: wait=N` allowed.",
                (
                    _LOCATION,
                    Header(name="Content-Location", description="Of the result."),
                    PREFERENCE_APPLIED,
                    *HEADERS,
                ),
            ),
        ),
        problems=(*_SUBMIT_PROBLEMS, *DRAWING, JobFailed, JobCancelled, JobUnknown, ResultGone),
    ),
    Endpoint(
        name="submit_batch",
        method="POST",
        path="/v1/jobs/batch",
        tag="jobs",
        summary="Submit up to 1,000 jobs",
        description="All are accepted, in one durable commit, or none is. Problems point at their request: "
        f"`/requests/17/parameters/question`; after {PROBLEMS_TOLD} no more are looked for.",
        handle=submit_batch,
        parameters=(_KEY_PARAMETER,),
        body=Batch,
        body_example={"requests": [_SUBMISSION]},
        outcomes=(
            Outcome(
                status=202,
                description="Accepted: the jobs, in the order of the requests.",
                content={"application/json": Accepted},
                example={"jobs": [_JOB]},
                headers=(_RETRY_AFTER, _CACHE_CONTROL, _VARY),
                links=(_link("job", "get_job", "The first of them.", "$response.body#/jobs/0/id"),),
            ),
        ),
        problems=_SUBMIT_PROBLEMS,
    ),
    Endpoint(
        name="list_jobs",
        method="GET",
        path="/v1/jobs",
        tag="jobs",
        summary="List jobs",
        description="The newest first, those of the classic API too. A page goes on where the one before it ended, "
        "whatever was submitted, ended or removed meanwhile.",
        handle=list_jobs,
        parameters=_LIST_PARAMETERS,
        outcomes=(
            Outcome(
                status=200,
                description="A page of jobs.",
                content={"application/json": JobPage},
                example={"jobs": [_JOB], "next": None, "links": {"next": None}},
                headers=(
                    Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False),
                    _CACHE_CONTROL,
                ),
                links=(
                    Link(
                        name="next",
                        operation="list_jobs",
                        parameters={"cursor": "$response.body#/next"},
                        description="The page behind this one, where there is one.",
                    ),
                ),
            ),
        ),
        problems=(RequestInvalid, CursorInvalid, StoreBroken),
    ),
    Endpoint(
        name="get_job",
        method="GET",
        path="/v1/jobs/{job_id}",
        tag="jobs",
        summary="Look how a job stands",
        description="With `Prefer: wait=N` the answer comes when the job has ended, or N seconds have passed: no "
        "client has to ask again and again.",
        handle=get_job,
        parameters=(JOB_ID, PREFER),
        outcomes=(
            Outcome(
                status=200,
                description="The job.",
                content={"application/json": JobResource},
                example=_ENDED,
                headers=(PREFERENCE_APPLIED, _CACHE_CONTROL, _VARY),
                links=_LINKS[1:],
            ),
        ),
        problems=(JobUnknown, RequestInvalid, StoreBroken),
    ),
    Endpoint(
        name="delete_job",
        method="DELETE",
        path="/v1/jobs/{job_id}",
        tag="jobs",
        summary="Cancel a job, or remove it",
        description="A job that is queued or running is cancelled, and stays in the list; one that has ended is "
        "removed, with its result, unless `if=unfinished` says that it is to stay. `outcome` says which it was. A job "
        "that comes to its end at that very moment is left as it is: `ended`.",
        handle=delete_job,
        parameters=(JOB_ID, _IF),
        outcomes=(
            Outcome(
                status=200,
                description="It is cancelled, or removed, or had ended and is left.",
                content={"application/json": Dismissal},
                example={"outcome": "cancelled", "job": _CANCELLED},
                headers=(_CACHE_CONTROL,),
            ),
            Outcome(
                status=202,
                description=f"It runs, and has not seen within {_CANCEL_WAIT_S:.0f} s that it is to stop; it will at "
                "its next check.",
                content={"application/json": Dismissal},
                example={"outcome": "cancelling", "job": {**_JOB, "state": "running", "position": None, "attempts": 1}},
                headers=(_LOCATION, _RETRY_AFTER, _CACHE_CONTROL),
                links=(_link("job", "get_job", "How it stands.", "$response.body#/job/id"),),
            ),
        ),
        problems=(JobUnknown, RequestInvalid, ShuttingDown, StoreFull, StoreBroken),
    ),
)
