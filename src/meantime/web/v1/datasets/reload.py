"""POST /v1/datasets/{name}/reload."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from typing import Literal

import msgspec

from meantime.dataset.load_status import ReloadOutcome
from meantime.errors import (
    LoadCancelled,
    MeantimeError,
    ReloadFailed,
    ShuttingDown,
)
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import operator
from meantime.web.http.prefer import applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets.address import dataset_name_of
from meantime.web.v1.datasets.describe import path_of, resource_of
from meantime.web.v1.datasets.pages import Reloaded

_RETRY_AFTER_S = 1

_NO_STORE = ("cache-control", "no-store")
_ENCODER = msgspec.json.Encoder()


async def reload_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/datasets/{name}/reload."""
    operator.require_operator_or_own_page("Reloading a data set", request)
    name = dataset_name_of(backend, request)
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    reload = backend.catalog.reload(name)
    headers = (*applied(wait_s), _NO_STORE)
    if wait_s is not None and await _is_over(backend, reload, within_s=wait_s):
        body = await asyncio.to_thread(_reloaded, backend, name, _outcome(name, reload))
        return Reply(200, body, headers=headers)
    body = await asyncio.to_thread(_reloaded, backend, name, "reading")
    return Reply(202, body, headers=(("location", path_of(name)), ("retry-after", str(_RETRY_AFTER_S)), *headers))


async def _is_over(backend: Backend, reload: Future[ReloadOutcome], *, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            # The caller reads the outcome from the future.
            await asyncio.gather(backend.wait_for(reload), return_exceptions=True)
    return reload.done()


def _outcome(name: str, reload: Future[ReloadOutcome]) -> Literal["replaced", "unchanged"]:
    try:
        return "replaced" if reload.result() is ReloadOutcome.REPLACED else "unchanged"
    except LoadCancelled as error:
        raise ShuttingDown(error.reason) from error
    except MeantimeError as error:
        what = f"The files of {quoted(name)} cannot be served, so the previous data still is"
        raise ReloadFailed(f"{what}: {error.reason}").for_operator(f"{what}: {error.operator_reason}") from error


def _reloaded(backend: Backend, name: str, outcome: Literal["replaced", "unchanged", "reading"]) -> bytes:
    return _ENCODER.encode(Reloaded(outcome=outcome, dataset=resource_of(backend.catalog, name)))
