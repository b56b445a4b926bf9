"""Calls of object storage: bounded in time, cancelled when that is asked for, and with errors of ours.

Credentials, region and endpoint are those of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,
AWS_ENDPOINT_URL, ...), and without credentials there, those that Amazon gives a machine. What the storage says is not
passed on, except for its code: Amazon's answer to a wrong signature quotes the key.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from meantime.errors import DataError, LoadCancelled, LoadFailed, SourceChanged, SourceUnreadable

if TYPE_CHECKING:
    from obstore import GetResult, ObjectMeta
    from obstore.store import ClientConfig, LocalStore, RetryConfig

T = TypeVar("T")

_CONNECT_S = 10
# How long the storage may say nothing.
_SILENT_S = 60
_TRIES_MORE = 2
_CHUNK_BYTES = 2**18
# Storage that is slower than a telephone line keeps us waiting.
_CHUNK_WITHIN_S = 120.0
# How soon a stop is noticed.
_LOOK_EVERY_S = 0.1
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: ([1-5][0-9]{2})")
_WRONG_CREDENTIALS = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "InvalidClientTokenId",
)
_NO_BUCKET = "NoSuchBucket"
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
# As obstore says it: where to is not followed, because the signature would be of another host.
_REDIRECTED = "Received redirect"
# What asks Amazon's machines for their credentials.
_OF_THE_MACHINE = ("/latest/api/token", "/latest/meta-data", "169.254.170.2")
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def open_bucket(bucket: str, prefix: str = "") -> S3Store:
    """Return a bucket, or what of it has keys that begin with a folder. Nothing is sent yet.

    Raises:
        SourceUnreadable: what the environment says of it is wrong.
    """
    client: ClientConfig = {
        # Where an operator writes http://, as for a storage in the same network, that is meant.
        "allow_http": True,
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=_SILENT_S),
        # A day: how long a large file takes is not known.
        "timeout": timedelta(days=1),
    }
    retries: RetryConfig = {"max_retries": _TRIES_MORE, "retry_timeout": timedelta(seconds=_SILENT_S)}
    try:
        return S3Store(bucket, prefix=prefix or None, client_options=client, retry_config=retries)
    except (BaseError, ValueError) as error:
        raise SourceUnreadable(
            "The settings of object storage in the environment (AWS_...) cannot be used. Both AWS_ACCESS_KEY_ID and "
            f"AWS_SECRET_ACCESS_KEY are needed, and AWS_ENDPOINT_URL begins with https:// ({type(error).__name__})."
        ) from None


def run(work: Callable[[], Awaitable[T]], cancelled: threading.Event) -> T:
    """Do what calls object storage. Nobody may be using an event loop in this thread.

    Raises:
        LoadCancelled: ``cancelled`` was set.
    """

    async def until_cancelled() -> T:
        if cancelled.is_set():
            raise LoadCancelled("The download was cancelled; nothing was kept.")
        working = asyncio.ensure_future(work())
        while not working.done():
            await asyncio.wait([working], timeout=_LOOK_EVERY_S)
            if cancelled.is_set() and not working.done():
                working.cancel()
                await asyncio.wait([working])
                raise LoadCancelled("The download was cancelled; nothing was kept.")
        return working.result()

    return asyncio.run(until_cancelled())


async def asked(call: Awaitable[T], shown: str, *, doing: str = "read") -> T:
    """Await a call. ``shown`` is what is asked for, as people are told, and ``doing`` what is done with it.

    Raises:
        SourceUnreadable: there is no such thing, or it may not be read.
        SourceChanged: it is not the version that was asked for.
        LoadFailed: the storage or the network is in trouble, which may pass.
        FileExistsError: there is something of that name already.
    """
    try:
        return await call
    except AlreadyExistsError:
        raise FileExistsError(shown) from None
    except PreconditionError:
        raise was_replaced(shown) from None
    except (BaseError, FileNotFoundError) as error:
        raise _error_of(error, shown, doing) from None


async def if_there(call: Awaitable[T], shown: str, *, doing: str = "read") -> T | None:
    """Await a call as ``asked`` does; None if there is no object of that name."""

    async def none_if_absent() -> T | None:
        try:
            return await call
        except FileNotFoundError as error:
            if _NO_BUCKET in str(error):
                raise
            return None

    return await asked(none_if_absent(), shown, doing=doing)


async def chunks_of(answer: GetResult, shown: str) -> AsyncIterator[bytes]:
    """Yield what an object has, as it comes.

    Raises:
        MeantimeError: as ``asked``; or it does not come.
    """
    stream = answer.stream(min_chunk_size=_CHUNK_BYTES).__aiter__()
    while True:
        try:
            chunk = await asyncio.wait_for(asked(stream.__anext__(), shown), _CHUNK_WITHIN_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise LoadFailed(f"The storage of {shown} has stopped sending, or sends too slowly.") from None
        yield chunk


async def objects_below(store: S3Store | LocalStore, folder: str | None, shown: str) -> AsyncIterator[ObjectMeta]:
    """Yield what is known of each object below a folder.

    Raises:
        MeantimeError: as ``asked``.
    """
    pages = obstore.list(store, folder).__aiter__()
    while True:
        try:
            page = await asked(pages.__anext__(), shown, doing="list")
        except StopAsyncIteration:
            return
        for meta in page:
            yield meta


def was_replaced(shown: str) -> SourceChanged:
    """Return the error about an object that changed while it was read."""
    return SourceChanged(f"{shown} was replaced while it was being read. Start again once it is complete.")


def _error_of(error: Exception, shown: str, doing: str) -> DataError | LoadFailed:
    text = str(error)
    code = match[1] if (match := _CODE.search(text)) else ""
    status = int(match[1]) if (match := _STATUS.search(text)) else 0
    said = f" ({' '.join(filter(None, (str(status or ''), code)))})" if status or code else ""
    bucket = shown.removeprefix("s3://").partition("/")[0]
    kind: type[DataError | LoadFailed] = SourceUnreadable
    if any(part in text for part in _OF_THE_MACHINE):
        public = "AWS_SKIP_SIGNATURE=true for a public bucket"
        what = f"There are no credentials to {doing} {shown}. {_CREDENTIALS}, or {public}."
    elif code == _NO_BUCKET:
        what = f"There is no bucket {bucket!r} (for {shown}). Check the address, and AWS_ENDPOINT_URL."
    elif status == 404 or isinstance(error, FileNotFoundError):
        what = f"There is nothing at {shown}. Check the address; that of a folder ends with a slash."
    elif code in _WRONG_CREDENTIALS or status == 401:
        temporary = "AWS_SESSION_TOKEN if they are temporary"
        what = f"The storage of {shown} refuses the credentials{said}. {_CREDENTIALS} to valid ones, and {temporary}."
    elif status == 403:
        what = f"The credentials have no permission to {doing} {shown}{said}. Grant it, or use others."
    elif code in _ELSEWHERE or _REDIRECTED in text:
        what = f"The bucket {bucket!r} (for {shown}) is in another region{said}. Set AWS_REGION to it."
    elif status == 429 or status >= 500:
        kind, what = LoadFailed, f"The storage of {shown} is in trouble or busy{said}."
    elif status:
        what = f"The storage cannot {doing} {shown}{said}."
    else:
        check = "Check that it is running, and the network."
        kind, what = LoadFailed, f"The storage of {shown} cannot be reached, or has ended the connection. {check}"
    return kind(what).for_operator(f"{what}{_endpoint()}")


def _endpoint() -> str:
    """Return which storage it is, without what else there may be in its address."""
    for name in _ENDPOINTS:
        if text := os.environ.get(name):
            return f" {name} names {urlsplit(text).netloc.rpartition('@')[2] or 'no host'}."
    return ""
