"""POST /v1/datasets, and DELETE /v1/datasets/{name}: tables that people upload."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from meantime.dataset.uploads import Upload, Uploads, check_name
from meantime.errors import (
    BodyNotFile,
    DescriptionInvalid,
    LoadCancelled,
    MeantimeError,
    OperatorOnly,
    RequestInvalid,
    ShuttingDown,
)
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import bodies, operator
from meantime.web.http.query import Query
from meantime.web.http.replies import ClientGone, Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets.address import dataset_name_of
from meantime.web.v1.datasets.describe import list_of, path_of, resource_of
from meantime.web.v1.datasets.pages import TableDescription

_RETRY_AFTER_S = 1
_NO_STORE = ("cache-control", "no-store")
_ENCODER = msgspec.json.Encoder()

# A form of a page of another site can be sent as text/plain without asking this server first, but not as this.
MEDIA_TYPE = "application/octet-stream"

_DESCRIPTION = 'send {"toml": "[columns]\\nlocation = \\"Land\\""}'

# Written to the disk together: by a thread, since a disk that is busy makes whoever writes wait.
_PIECE_BYTES = 2**20


async def upload_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/datasets."""
    try:
        uploads = _uploads_for(backend, request, "Uploading a table")
        if (request.header("content-type") or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
            raise BodyNotFile(f"Send the file itself as the body, with the header Content-Type: {MEDIA_TYPE}.")
        query = Query(request.query, ("file", "name"))
        file_name, name = query.one("file"), query.one("name")
        query.check()
        if not file_name:
            raise RequestInvalid("The parameter `file` is missing: the file's name, such as obesity.csv.")
        check_name(name or "")
    except MeantimeError:
        await request.discard_body()
        raise
    with uploads.receive(file_name) as upload:
        await _receive(request, upload)
        keep = partial(uploads.keep, upload, name or "", taken=backend.catalog.names)
        source = await asyncio.to_thread(keep)
    try:
        backend.catalog.add(source)
    except MeantimeError as error:
        # It is on disk, but nobody was told so.
        await asyncio.to_thread(uploads.remove, source.name)
        if isinstance(error, LoadCancelled):
            raise ShuttingDown(error.reason) from error
        raise
    body = await asyncio.to_thread(lambda: _ENCODER.encode(resource_of(backend.catalog, source.name)))
    headers = (("location", path_of(source.name)), ("retry-after", str(_RETRY_AFTER_S)), _NO_STORE)
    return Reply(202, body, headers=headers)


async def _receive(request: HttpRequest, upload: Upload) -> None:
    pieces, is_whole = bytearray(), False
    while not is_whole:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pieces += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if len(pieces) < _PIECE_BYTES and not is_whole:
            continue
        try:
            await asyncio.to_thread(upload.write, bytes(pieces))
        except MeantimeError:
            if not is_whole:
                await request.discard_body()
            raise
        pieces.clear()


async def remove_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """DELETE /v1/datasets/{name}."""
    uploads = _uploads_for(backend, request, "Removing a table")
    name = dataset_name_of(backend, request)
    Query(request.query, ()).check()
    if not backend.catalog.is_uploaded(name):
        raise RequestInvalid(
            f"{quoted(name)} was not uploaded: the server was started with it. To serve it no longer, start the "
            "server without it."
        )
    await asyncio.to_thread(backend.catalog.remove, name)
    await asyncio.to_thread(uploads.remove, name)
    return Reply(200, _ENCODER.encode(list_of(backend.catalog, may_reload=True, may_upload=True)), headers=(_NO_STORE,))


async def get_description(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}/description."""
    uploads = _uploads_for(backend, request, "Reading what is said of a table")
    name = _uploaded(backend, request)
    toml = await asyncio.to_thread(uploads.description, name)
    return Reply(200, _ENCODER.encode(TableDescription(toml=toml)), headers=(_NO_STORE,))


async def describe_dataset(backend: Backend, request: HttpRequest) -> Reply:
    """POST /v1/datasets/{name}/description."""
    try:
        uploads = _uploads_for(backend, request, "Describing a table")
        name = _uploaded(backend, request)
    except MeantimeError:
        await request.discard_body()
        raise
    raw = bodies.json_object(await request.read_body(bodies.BODY_LIMIT_BYTES), example=_DESCRIPTION)
    try:
        toml = msgspec.convert(raw, TableDescription).toml
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"{error}; {_DESCRIPTION}.") from error
    try:
        await asyncio.to_thread(uploads.describe, name, toml)
    except DescriptionInvalid as error:
        raise RequestInvalid(error.reason) from error
    backend.catalog.reload(name)
    body = await asyncio.to_thread(lambda: _ENCODER.encode(resource_of(backend.catalog, name)))
    return Reply(202, body, headers=(("location", path_of(name)), ("retry-after", str(_RETRY_AFTER_S)), _NO_STORE))


def _uploaded(backend: Backend, request: HttpRequest) -> str:
    name = dataset_name_of(backend, request)
    Query(request.query, ()).check()
    if not backend.catalog.is_uploaded(name):
        raise RequestInvalid(
            f"{quoted(name)} was not uploaded: what is said of it stands in the TOML file next to its data."
        )
    return name


def _uploads_for(backend: Backend, request: HttpRequest, action: str) -> Uploads:
    operator.require_operator_or_own_page(action, request)
    if backend.uploads is None:
        raise OperatorOnly("This server takes no uploads (the setting uploads).")
    return backend.uploads
