"""The endpoints of the classic API, one row each. The servers and the OpenAPI document use these rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Protocol

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    DatasetNotReady,
    JobUnknown,
    OperatorOnly,
    QueueFull,
    RequestInvalid,
    ShuttingDown,
    StoreBroken,
    StoreFull,
    StorePaused,
)
from meantime.model import job_number
from meantime.statistics.registry import STATISTICS
from meantime.web.backend import Backend
from meantime.web.checking import check_submission
from meantime.web.classic import contract, schemas
from meantime.web.classic.errors import SHUTTING_DOWN
from meantime.web.http import bodies
from meantime.web.http.access import Caller
from meantime.web.http.endpoint import Endpoint, Handler, Outcome, Parameter
from meantime.web.http.replies import JSON, Later, Reply
from meantime.web.http.request import HttpRequest


class ClassicRequest(Protocol):
    """The parts of a request that the functions below use; ``HttpRequest`` has them, and so has Flask's."""

    @property
    def method(self) -> str:
        """GET, HEAD or POST."""

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The values of the names in the path."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by lower-case name."""

    @property
    def peer(self) -> str | None:
        """Address of the client."""

    @property
    def caller(self) -> Caller:
        """Who sends it."""


class Services(Protocol):
    """The running parts that the functions below use; ``Backend`` has them, and so has Flask's."""

    @property
    def engine(self) -> Engine:
        """The running engine."""

    @property
    def catalog(self) -> Catalog:
        """The data sets."""


Answer = Callable[[Any, Any], Reply | Later]

# For how long "running" is held back of a job that may end in a moment. A client that waits for a longer one without a
# pause then costs some percent of a core; one that asks about a thousand jobs in turn is held up by those few that
# threads have or take next.
_MOMENT_S = 0.01


def get_results(services: Services, request: ClassicRequest) -> Reply | Later:
    """GET /api/get_results/{job_id}."""
    return contract.get_results(request.path_params.get("job_id", ""), engine=services.engine)


def jobs(services: Services, _: ClassicRequest) -> Reply:
    """GET /api/jobs."""
    return contract.jobs(engine=services.engine)


def num_jobs(services: Services, _: ClassicRequest) -> Reply:
    """GET /api/num_jobs."""
    return contract.num_jobs(engine=services.engine)


def graceful_shutdown(services: Services, request: ClassicRequest) -> Reply:
    """GET or POST /api/graceful_shutdown."""
    return contract.graceful_shutdown(
        engine=services.engine,
        peer=request.peer,
        headers=request.headers,
        caller=request.caller,
        is_dry_run=request.method == "HEAD",
    )


def handler_of(answer: Answer) -> Handler:
    """Return a handler for a function that does not know the event loop."""

    async def handle(backend: Backend, request: HttpRequest) -> Reply:
        return await _finished(backend, answer(backend, request))

    return handle


async def _get_results(backend: Backend, request: HttpRequest) -> Reply:
    # Most jobs take a millisecond or two. A client that asks again and again meanwhile keeps the interpreter from the
    # threads that work on its job, which then takes several times as long.
    number = job_number(request.path_params.get("job_id", ""))
    if number is not None and backend.engine.is_at_hand(number):
        with suppress(JobUnknown):
            await backend.waiters.wait_a_moment(backend.engine, number, within_s=_MOMENT_S)
    return await _finished(backend, get_results(backend, request))


async def _kept_jobs(backend: Backend, _: HttpRequest) -> Reply:
    return await backend.job_list.reply(backend.engine, partial(contract.jobs, engine=backend.engine))


def _submit(statistic: str) -> Handler:
    async def handle(backend: Backend, request: HttpRequest) -> Reply:
        if not backend.engine.is_accepting:
            await request.discard_body()
            return SHUTTING_DOWN
        body = await request.read_body(bodies.BODY_LIMIT_BYTES)

        def submit() -> Reply | Later:
            return contract.submit(
                statistic, body, engine=backend.engine, catalog=backend.catalog, caller=request.caller
            )

        return await _finished(backend, await check_submission(backend.catalog, body, submit))

    return handle


async def _finished(backend: Backend, answer: Reply | Later) -> Reply:
    if isinstance(answer, Reply):
        return answer
    await backend.wait_for(answer.awaited)
    return answer.finish(answer.awaited)


# The rows

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_EXAMPLES: Mapping[str, str] = {"question": _QUESTION, "state": "Utah"}
# What `data` is for each statistic, in the contract's shape.
_DATA: Mapping[str, Any] = {
    "states_mean": {"Colorado": 22.4, "Utah": 25.5},
    "state_mean": {"Utah": 25.5},
    "best5": {"Colorado": 22.4, "Hawaii": 23.1},
    "worst5": {"Mississippi": 37.2, "West Virginia": 36.9},
    "global_mean": {"global_mean": 30.1},
    "diff_from_mean": {"Colorado": 7.7, "Utah": 4.6},
    "state_diff_from_mean": {"Utah": 4.6},
    "mean_by_category": {"('Utah', 'Age (years)', '18 - 24')": 14.2},
    "state_mean_by_category": {"Utah": {"('Age (years)', '18 - 24')": 14.2}},
}
_ASK_PROBLEMS = (
    RequestInvalid,
    BodyInvalid,
    BodyTooLarge,
    BodyNotJson,
    QueueFull,
    StoreFull,
    StorePaused,
    DatasetNotReady,
    StoreBroken,
    ShuttingDown,
)


def _statistic(name: str) -> Endpoint:
    row = STATISTICS[name]
    fields = [field.encode_name for field in msgspec.structs.fields(row.parameters)]
    return Endpoint(
        name=name,
        method="POST",
        path=f"/api/{name}",
        tag="statistics",
        summary=row.help,
        description=f"{row.estimates}\n\nThe result of the job: `{msgspec.json.encode(_DATA[name]).decode()}`",
        handle=_submit(name),
        body=row.parameters,
        body_example={field: _EXAMPLES[field] for field in fields if field in _EXAMPLES},
        outcomes=(
            Outcome(
                status=200,
                description="Accepted: the job is on disk.",
                content={JSON: schemas.ACCEPTED},
                example={"job_id": "job_id_1"},
            ),
        ),
        problems=_ASK_PROBLEMS,
    )


def _shutdown(method: Any) -> Endpoint:
    return Endpoint(
        name=f"{method.lower()}_graceful_shutdown",
        method=method,
        path="/api/graceful_shutdown",
        tag="server",
        summary="Accept no new jobs from now on",
        description="",
        handle=handler_of(graceful_shutdown),
        outcomes=(
            Outcome(
                status=200,
                description="running while jobs remain, then done.",
                content={JSON: schemas.PROGRESS},
                example={"status": "running"},
            ),
        ),
        problems=(OperatorOnly,),
        decides_itself=True,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    *(_statistic(name) for name in contract.STATISTICS),
    Endpoint(
        name="get_results",
        method="GET",
        # The rest of the path is the id, slashes included, so that any text is answered as an invalid id.
        path="/api/get_results/{job_id:path}",
        tag="jobs",
        summary="The state of a job, and its result",
        description="",
        handle=_get_results,
        parameters=(
            Parameter(
                name="job_id",
                where="path",
                kind=Annotated[str, msgspec.Meta(pattern="^job_id_[1-9][0-9]{0,17}$")],
                description="The job's id, as the answer to its POST gave it.",
                example="job_id_1",
            ),
        ),
        outcomes=(
            Outcome(
                status=200,
                description="Always 200; an unknown id is an error by its status.",
                content={JSON: schemas.RESULTS},
                examples={
                    "running": {"status": "running"},
                    "done": {"status": "done", "data": {"Utah": 25.5}},
                    "error": {"status": "error", "reason": "Invalid job_id"},
                },
            ),
        ),
    ),
    Endpoint(
        name="get_results_of_no_job",
        method="GET",
        path="/api/get_results",
        tag="jobs",
        summary="An id is missing, so it is invalid",
        description="",
        handle=handler_of(get_results),
        is_documented=False,
    ),
    Endpoint(
        name="jobs",
        method="GET",
        path="/api/jobs",
        tag="jobs",
        summary="All jobs that are kept, by number",
        description="",
        handle=_kept_jobs,
        outcomes=(
            Outcome(
                status=200,
                description="All jobs.",
                content={JSON: schemas.JOBS},
                example={"status": "done", "data": [{"job_id_1": "done"}]},
            ),
        ),
    ),
    Endpoint(
        name="num_jobs",
        method="GET",
        path="/api/num_jobs",
        tag="jobs",
        summary="How many jobs have not ended",
        description="",
        handle=handler_of(num_jobs),
        outcomes=(
            Outcome(
                status=200,
                description="At 0 the server can be stopped.",
                content={JSON: schemas.JOB_COUNT},
                example={"status": "done", "num_jobs": 0},
            ),
        ),
    ),
    _shutdown("GET"),
    _shutdown("POST"),
)

# Flask's answers at each path, by the last word of the template; POSTs for statistics use `contract.submit`.
ANSWERS: Mapping[str, Answer] = {
    "get_results": get_results,
    "jobs": jobs,
    "num_jobs": num_jobs,
    "graceful_shutdown": graceful_shutdown,
}
