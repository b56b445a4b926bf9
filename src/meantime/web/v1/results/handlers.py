"""Handlers for the results of jobs, read from their files or computed again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from meantime.engine.engine import JobDetail
from meantime.errors import (
    DatasetNotReady,
    JobCancelled,
    JobFailed,
    ResultGone,
    ResultNotReady,
    SnapshotDamaged,
)
from meantime.formats.document import Document
from meantime.formats.file_names import stem_of
from meantime.formats.format import Format
from meantime.model import JobRecord, JobState, Receipt, Unwatched
from meantime.statistics.registry import STATISTICS
from meantime.web.backend import Backend
from meantime.web.http.prefer import applied, preferred_wait
from meantime.web.http.query import Query, refusal
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1 import figures
from meantime.web.v1.forms import choose_chart, choose_form
from meantime.web.v1.job_parameters import job_number_of
from meantime.web.v1.representation import represent
from meantime.web.v1.results.description import CHART

# The result of a job never changes, but a new server at the same address has another job_id_1. So results may be cached
# and must be revalidated; a 304 takes less than a millisecond. Private, so that a removed result is not left in shared
# caches.
CACHE_CONTROL = "private, no-cache"

# Reading a file and comparing its checksum runs at about a gigabyte a second; longer files would block the event loop.
_INLINE_BYTES = 512 * 1024
# Threads of their own, so that a finished result waits for nothing but other results. The interpreter joins them at
# exit.
_READERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="read")


async def answer_with_result(
    backend: Backend,
    request: HttpRequest,
    detail: JobDetail,
    *,
    form: Format,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply | Stream:
    """Answer with the result of a job.

    Raises:
        ResultNotReady, JobFailed, JobCancelled: there is no result.
        ResultGone: its file is lost and cannot be computed again.
        JobUnknown, ShuttingDown: the job was removed, or the server stopped, while a lost result was computed again.
    """
    job = detail.record
    receipt = receipt_of(detail)
    is_kept = job.request.view == "document"
    return await represent(
        request,
        form=await _with_points(backend, job, form),
        tag=receipt.checksum,
        body=partial(read_result_file, backend, job, receipt) if is_kept else None,
        document=None if is_kept else partial(classic_as_document, backend, job, receipt),
        cache_control=CACHE_CONTROL,
        headers=headers,
        job_id=job.id,
        stem=partial(
            stem_of,
            statistic=job.request.statistic,
            parameters=job.request.parameters,
            dataset=job.request.dataset,
            fingerprint=job.request.fingerprint,
        ),
        run=(backend.pools.pictures if form.is_slow else backend.pools.documents).run,
    )


async def _with_points(backend: Backend, job: JobRecord, form: Format) -> Format:
    """Give a chart the points of the snapshot of a job; none if the snapshot is gone.

    Raises:
        RequestInvalid: it highlights a location that the snapshot does not have.
    """
    if form.draw is None:
        return form
    request = job.request
    try:
        # Opening one that is not the current one may take a tenth of a second.
        snapshot = await asyncio.to_thread(backend.catalog.snapshot, request.dataset, request.fingerprint)
    except (SnapshotDamaged, DatasetNotReady):
        return form
    if problems := figures.unknown_highlights(form.figure, snapshot.cube.labels.locations):
        raise refusal(problems, "query")
    about = snapshot.about
    return form.with_chart(form.chart, form.figure, lambda: about.points.coordinates)


async def read_result_file(backend: Backend, job: JobRecord, receipt: Receipt) -> bytes:
    """Read the file of a result; a lost one is computed again."""
    if receipt.size_bytes > _INLINE_BYTES:
        reading = await asyncio.get_running_loop().run_in_executor(_READERS, backend.engine.read_result, job.number)
    else:
        reading = backend.engine.read_result(job.number)
    await backend.wait_for(reading)
    return reading.result()


async def get_result(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/results, and with a suffix."""
    form = choose_form(request.header("accept"), request.path_params.get("suffix"))
    query = Query(request.query, (CHART.name, *(parameter.name for parameter in figures.PARAMETERS)))
    chart = query.one(CHART.name)
    texts = {parameter.name: query.all(parameter.name) for parameter in figures.PARAMETERS}
    figure = figures.figure_of({name: given for name, given in texts.items() if given}, query.problems)
    query.check()
    wait_s = preferred_wait(request.header("prefer"))
    detail = await backend.waiters.wait_for_end(
        backend.engine, job_number_of(request), within_s=wait_s or 0, disconnected=request.disconnected
    )
    # The available formats and charts depend on the job's statistic.
    statistic = detail.record.request.statistic
    form = choose_chart(
        choose_form(request.header("accept"), request.path_params.get("suffix"), statistic), chart, statistic, figure
    )
    return await answer_with_result(backend, request, detail, form=form, headers=applied(wait_s))


def receipt_of(detail: JobDetail) -> Receipt:
    """Return the receipt of a job's result.

    Raises:
        ResultNotReady, JobFailed, JobCancelled: there is no result.
    """
    job = detail.record
    failure = job.failure
    if detail.state is JobState.FAILED:
        reason = failure.reason if failure else "no reason is known"
        raise JobFailed(f"{job.id} failed, so it has no result: {reason}", failure=failure)
    if detail.state is JobState.CANCELLED:
        raise JobCancelled(f"{job.id} was cancelled, so it has no result. Submit the same request again as a new job.")
    if job.receipt is None or detail.state is not JobState.DONE:
        raise ResultNotReady(
            f"{job.id} is {detail.state}, so it has no result yet. Send the request again with the header Prefer: "
            "wait=30 to wait for the job to end, or follow its events.",
            retry_after_s=1,
        )
    return job.receipt


def classic_as_document(backend: Backend, job: JobRecord, receipt: Receipt) -> Document:
    """Compute the result of a classic job as a document: its file contains only the classic JSON."""
    request = job.request
    statistic = STATISTICS.get(request.statistic)
    if statistic is None or statistic.method_version != receipt.method_version:
        # The classic API still answers from the file. A document computed now could have other numbers.
        raise ResultGone(
            f"{job.id} was computed with version {receipt.method_version} of {request.statistic}, which this "
            "server no longer has, so its result cannot be written in another format. Submit the request again, "
            f"or get it from /api/get_results/{job.id}."
        )
    try:
        return backend.compute.document(backend.compute.prepare(request), request.dataset, Unwatched())
    except (SnapshotDamaged, DatasetNotReady) as error:
        raise ResultGone(
            f"The snapshot that {job.id} was computed from is no longer there, so its result cannot be written in "
            f"another format. Submit the request again, or get it from /api/get_results/{job.id}."
        ) from error
