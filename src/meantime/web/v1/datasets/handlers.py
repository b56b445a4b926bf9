"""Handlers of the endpoints of data sets."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from meantime.web.backend import Backend
from meantime.web.http import conditional, operator
from meantime.web.http import cursor as cursors
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets.address import current_snapshot, dataset_name_of
from meantime.web.v1.datasets.describe import list_of, path_of, resource_of
from meantime.web.v1.datasets.pages import PAGE, PAGE_LIMIT, RejectedPage, RejectedPageLinks, rejected_line

_NO_STORE = ("cache-control", "no-store")
_ENCODER = msgspec.json.Encoder()


async def list_datasets(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets."""
    Query(request.query, ()).check()
    may_operate = operator.is_operator(request)
    listed = list_of(backend.catalog, may_reload=may_operate, may_upload=may_operate and backend.uploads is not None)
    body = _ENCODER.encode(listed)
    if any(each.reading is not None for each in listed.datasets):
        return Reply(200, body, headers=(_NO_STORE,))
    return conditional.answer(request, body)


async def get_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}."""
    name = dataset_name_of(backend, request)
    Query(request.query, ()).check()

    def make() -> tuple[bytes, bool]:
        resource = resource_of(backend.catalog, name)
        return _ENCODER.encode(resource), resource.reading is not None

    body, is_reading = await backend.pools.documents.run(request, make)
    if is_reading:
        return Reply(200, body, headers=(_NO_STORE,))
    return conditional.answer(request, body)


async def list_rejected(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}/rejected."""
    snapshot = current_snapshot(backend, name := dataset_name_of(backend, request))
    query = Query(request.query, ("cursor", "limit"))
    limit = query.number("limit", default=PAGE, up_to=PAGE_LIMIT)
    cursor = query.one("cursor")
    query.check()
    about = snapshot.about
    # The lines themselves are part of the key, because the fingerprint does not cover rejected lines.
    list_key = [name, snapshot.fingerprint, about.rejected_total, [(each.file, each.line) for each in about.rejected]]
    first = 0 if cursor is None else cursors.decode(cursor, list_key)
    shown = about.rejected[first : first + limit]
    stop = first + limit
    next_cursor = cursors.encode(stop, list_key) if stop < len(about.rejected) else None
    pairs = [(key, value) for key, value in request.query if key != "cursor"]
    next_url = (
        None if next_cursor is None else f"{path_of(name)}/rejected?{urlencode([*pairs, ('cursor', next_cursor)])}"
    )
    page = RejectedPage(
        dataset=name,
        fingerprint=snapshot.fingerprint,
        total=about.rejected_total,
        known=len(about.rejected),
        rejected=[rejected_line(each) for each in shown],
        next=next_cursor,
        links=RejectedPageLinks(next=next_url),
    )
    link = () if next_url is None else (("link", f'<{next_url}>; rel="next"'),)
    return conditional.answer(request, _ENCODER.encode(page), *link)
