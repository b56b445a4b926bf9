"""What hosts that share their jobs ask each other for: the file of a result. Not part of an API."""

from __future__ import annotations

import asyncio

from meantime.model import job_number
from meantime.web.backend import Backend
from meantime.web.http import paths
from meantime.web.http.endpoint import Endpoint
from meantime.web.http.paths import raw_path
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest

PROOF_HEADER = "meantime-host-proof"


async def get_stored_result(backend: Backend, request: HttpRequest) -> Reply:
    """GET /hosts/results/{job_id}: the file of a result, for another host."""
    number = job_number(request.path_params["job_id"])
    body = None
    if backend.host_results is not None and number is not None:
        proof = request.header(PROOF_HEADER) or ""
        body = await asyncio.to_thread(backend.host_results.read, number, proof)
    if body is None:
        raise paths.path_unknown(raw_path(request.scope).decode("latin-1"), "GET /")
    return Reply(200, body, content_type="application/octet-stream")


ENDPOINTS = (
    Endpoint(
        name="get_stored_result",
        method="GET",
        path="/hosts/results/{job_id}",
        tag="server",
        summary="The file of a result, for another host",
        description="For hosts that share their jobs. Nobody else knows the proof that it asks for.",
        handle=get_stored_result,
        is_documented=False,
        is_open=True,
    ),
)
