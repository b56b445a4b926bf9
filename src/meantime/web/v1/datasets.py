"""/v1/datasets: what is served, what is in it, which lines were rejected, and having its files read again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec

from meantime.dataset.catalog import Change, Loading
from meantime.dataset.snapshot import Rejected, Snapshot
from meantime.did_you_mean import closest, suggestion
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
from meantime.formats.citation import SYNTHETIC
from meantime.text import quoted, share, writable
from meantime.web.backend import Backend
from meantime.web.http import conditional, operator
from meantime.web.http import cursor as cursors
from meantime.web.http.endpoint import Endpoint, Header, Link, Outcome, Parameter
from meantime.web.http.prefer import PREFERENCE, PREFERENCE_APPLIED, WAIT_LIMIT_S, applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.described import DatasetResource, DatasetSummary, path_of, resource_of, said, summary_of

# A page of lines for people; and all that are remembered of a file (staging.py), for programs.
_PAGE = 100
_PAGE_LIMIT = 1000
_RETRY_AFTER_S = 1

_NO_STORE = ("cache-control", "no-store")
_ENCODER = msgspec.json.Encoder()


# What goes over the wire


class DatasetList(msgspec.Struct, frozen=True, kw_only=True):
    """Every data set, in the order in which the server was given them."""

    datasets: list[DatasetSummary]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload has come to."""

    outcome: Annotated[
        Literal["replaced", "unchanged", "reading"],
        said(
            "replaced: another content is served from now on. unchanged: nothing new was in the files. "
            "reading: it is under way, and what was served still is."
        ),
    ]
    dataset: DatasetResource


class RejectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read as a row."""

    file: str
    line: Annotated[int, said("From 1, the header included.", ge=1)]
    reason: str


class RejectedPageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list goes on."""

    next: str | None


class RejectedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rejected lines, by file and then by line."""

    dataset: str
    fingerprint: str
    total: Annotated[int, said("Lines that were rejected.")]
    known: Annotated[int, said("How many of them are remembered, and listed here: the first ones.")]
    rejected: list[RejectedLine]
    next: Annotated[str | None, said("Cursor of the page behind this one; null on the last.")]
    links: RejectedPageLinks


# Looking


async def list_datasets(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets."""
    Query(request.query, ()).check()
    summaries = [summary_of(backend.catalog, name) for name in backend.catalog.names]
    body = _ENCODER.encode(DatasetList(datasets=summaries))
    if any(each.reading is not None for each in summaries):
        return Reply(200, body, headers=(_NO_STORE,))
    return conditional.answer(request, body)


async def get_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}."""
    name = name_of(backend, request)
    Query(request.query, ()).check()
    resource = await asyncio.to_thread(resource_of, backend.catalog, name)
    body = _ENCODER.encode(resource)
    if resource.reading is not None:
        return Reply(200, body, headers=(_NO_STORE,))
    return conditional.answer(request, body)


async def list_rejected(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}/rejected."""
    snapshot = snapshot_of(backend, name := name_of(backend, request))
    query = Query(request.query, ("cursor", "limit"))
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
    pairs = [(key, value) for key, value in request.query if key != "cursor"]
    following = None if after is None else f"{path_of(name)}/rejected?{urlencode([*pairs, ('cursor', after)])}"
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
    return conditional.answer(request, _ENCODER.encode(page), *link)


# Reloading


async def reload_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/datasets/{name}/reload."""
    sent = {name: value for name in operator.OPERATOR_HEADERS if (value := request.header(name)) is not None}
    operator.require_operator("Reading files again", peer=request.peer, headers=sent, admin_key=backend.admin_key)
    name = name_of(backend, request)
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    reload = backend.catalog.reload(name)
    headers = (*applied(wait_s), _NO_STORE)
    if wait_s is not None and await _is_over(backend, reload, within_s=wait_s):
        body = await asyncio.to_thread(_reloaded, backend, name, _outcome(name, reload))
        return Reply(200, body, headers=headers)
    body = await asyncio.to_thread(_reloaded, backend, name, "reading")
    return Reply(202, body, headers=(("location", path_of(name)), ("retry-after", str(_RETRY_AFTER_S)), *headers))


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
    return _ENCODER.encode(Reloaded(outcome=outcome, dataset=resource_of(backend.catalog, name)))


# Finding what is asked about


def name_of(backend: Backend, request: HttpRequest) -> str:
    """Return the name of the data set that the path names.

    Raises:
        DatasetUnknown: none is.
    """
    name: str = request.path_params["name"]
    names = backend.catalog.names
    if name not in names:
        raise dataset_unknown(name, names)
    return name


def dataset_unknown(name: str, names: Sequence[str]) -> DatasetUnknown:
    """Return the error that says that no data set of this name is served, and which one may have been meant."""
    hint = suggestion(closest(name, names))
    return DatasetUnknown(f"No data set named {quoted(name)} is served. {hint}GET /v1/datasets lists those that are.")


def snapshot_of(backend: Backend, name: str) -> Snapshot:
    """Return what is served now.

    Raises:
        DatasetLoading: it is being read for the first time.
        DatasetNotReady: it failed to load.
    """
    if isinstance(status := backend.catalog.status(name), Loading):
        done = f"{status.progress.phase}, {share(status.progress.share)}"
        raise DatasetLoading(
            f"The data set {quoted(name)} is still being read ({done}). Jobs of it are accepted, and wait.",
            retry_after_s=_RETRY_AFTER_S,
        )
    return backend.catalog.snapshot(name)


def _rejected(line: Rejected) -> RejectedLine:
    return RejectedLine(file=writable(line.file), line=line.line, reason=writable(line.reason))


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
            "has_total": True,
            "years": {"first": 2011, "last": 2022},
            "cells": 2210,
            "rows": 2224,
            "withheld": 115,
            "value_types": [{"name": "Value", "unit": "%"}],
        }
    ],
    "locations": [
        {
            "name": "Utah",
            "cells": 364,
            "is_aggregate": False,
            "point": {"latitude": 39.36, "longitude": -111.587},
            "no_point": None,
        }
    ],
    "categories": [{"name": "Sex", "strata": ["Female", "Male"], "cells": 1438}],
    "periods": [{"first": 2022, "last": 2022}],
    "files": ["sample.csv"],
    "encoding": "utf-8",
    "delimiter": ",",
    "decimal_mark": ".",
    "citation": f'{SYNTHETIC}: Synthetic sample (data set "sample"), fingerprint {"9f2c" * 16}. Read by Meantime.',
    "warnings": [],
}
_LINE = {"file": "table.csv", "line": 17, "reason": "5 fields where the header has 6"}
NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(min_length=1)],
    description="Name of the data set, as GET /v1/datasets lists it.",
    required=True,
    example="sample",
)


# What may be wrong with asking what is in a data set.
READY = (DatasetUnknown, DatasetLoading, DatasetNotReady, RequestInvalid)
HEADERS = (conditional.ETAG, conditional.CACHE_CONTROL)


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
        parameters=(conditional.IF_NONE_MATCH,),
        outcomes=(
            Outcome(
                status=200,
                description="Every data set.",
                content={"application/json": DatasetList},
                example={"datasets": [_SUMMARY]},
                headers=HEADERS,
                links=(_link("first", "get_dataset", "The first of them.", "$response.body#/datasets/0/name"),),
            ),
            conditional.NOT_MODIFIED,
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
        parameters=(NAME, conditional.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="The data set.",
                content={"application/json": DatasetResource},
                example=_DATASET,
                headers=HEADERS,
                links=_LINKS,
            ),
            conditional.NOT_MODIFIED,
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
            conditional.IF_NONE_MATCH,
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
                    *HEADERS,
                    Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False),
                ),
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(*READY, CursorInvalid),
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
                headers=(PREFERENCE_APPLIED, conditional.CACHE_CONTROL),
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
                    conditional.CACHE_CONTROL,
                ),
                links=(_link("dataset", "get_dataset", "How it stands.", "$response.body#/dataset/name"),),
            ),
        ),
        problems=(DatasetUnknown, OperatorOnly, RequestInvalid, ReloadFailed, ShuttingDown),
    ),
)
