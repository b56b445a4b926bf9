"""GET .../rows: the rows of the file that an answer is computed from."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import partial
from urllib.parse import urlencode

from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.formats.file_names import stem_of
from meantime.formats.format import Format
from meantime.statistics.explain.database_rows import database_page
from meantime.statistics.explain.source_rows import Page, page, row_asked, row_of
from meantime.web.backend import Backend
from meantime.web.http import cursor as cursors
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.forms import choose_form
from meantime.web.v1.provenance.query import (
    NO_CHART,
    ROW_NAMES,
    AnswerWithSource,
    RowQuery,
    answer_of_job,
    answer_of_statistic,
)
from meantime.web.v1.representation import represent
from meantime.web.v1.results import handlers as results
from meantime.web.v1.statistics import handlers as statistics

# In larger tables, a page counts as a long answer, of which there are few at a time: finding it among five million rows
# takes 0.2 to 0.5 s (30 ms in the CDC's table), and up to half a gigabyte.
_LONG_ROWS = 1_000_000


async def get_statistic_rows(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}/rows?...: the rows of the file that an answer is computed from."""
    form = choose_form(request.header("accept"), request.path_params.get("suffix"), NO_CHART)
    answered, row_query = await answer_of_statistic(backend, request, ROW_NAMES)
    # Revalidated even if a fingerprint is named: it covers the content, but not the order of the lines.
    base = f"/v1/statistics/{answered.document.statistic}/rows"
    return await _rows(backend, request, answered, row_query, form=form, base=base, cache_control=statistics.REVALIDATE)


async def get_job_rows(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/rows: the rows of the file that a result is computed from."""
    form = choose_form(request.header("accept"), request.path_params.get("suffix"), NO_CHART)
    answered, row_query = await answer_of_job(backend, request, ROW_NAMES)
    base = f"/v1/jobs/{request.path_params['job_id']}/rows"
    return await _rows(backend, request, answered, row_query, form=form, base=base, cache_control=results.CACHE_CONTROL)


async def _rows(
    backend: Backend,
    request: HttpRequest,
    answered: AnswerWithSource,
    row_query: RowQuery,
    *,
    form: Format,
    base: str,
    cache_control: str,
) -> Reply | Stream:
    answer = answered.document
    row_index = row_asked(answer.table, row=row_query.row, key=row_query.key)
    list_of = [answer.statistic, answer.parameters, answer.fingerprint, row_index, row_query.in_database]
    after = None if row_query.cursor is None else cursors.decode(row_query.cursor, list_of)

    pools = backend.pools
    is_long = row_query.in_database or answered.prepared.snapshot.about.rows > _LONG_ROWS

    def make() -> tuple[Page, Document, str]:
        row = None if row_index is None else row_of(answer.table, row_index)
        find = database_page if row_query.in_database else page
        source_page = find(
            answered.prepared.snapshot, answered.prepared.rests_on(row), after=after, limit=row_query.page_rows
        )
        made = dataclasses.replace(answer, table=source_page.table)
        return source_page, made, hashlib.blake2b(documents.encode(made), digest_size=16).hexdigest()

    source_page, made, tag = await (pools.long if is_long else pools.documents).run(request, make)

    suffix = f".{request.path_params['suffix']}" if "suffix" in request.path_params else ""
    link = (
        ()
        if source_page.after is None
        else (_link(request, f"{base}{suffix}", cursors.encode(source_page.after, list_of)),)
    )
    return await represent(
        request,
        form=form,
        tag=tag,
        document=lambda: made,
        cache_control=cache_control,
        headers=link,
        stem=partial(
            stem_of,
            statistic=f"{answer.statistic}-rows",
            parameters={},
            dataset=answer.dataset,
            fingerprint=answer.fingerprint,
        ),
        run=pools.documents.run,
    )


def _link(request: HttpRequest, path: str, cursor: str) -> tuple[str, str]:
    pairs = [(name, value) for name, value in request.query if name != "cursor"]
    return "link", f'<{path}?{urlencode([*pairs, ("cursor", cursor)])}>; rel="next"'
