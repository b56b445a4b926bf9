"""A cache of complete answers, for clients that send the same request."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready
from meantime.errors import MeantimeError
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest

# Room for the answers of a popular page: 16 MB hold about a thousand answers for 55 states. A single answer longer than
# a sixteenth of that would displace too many others.
_KEPT_BYTES = 16 * 2**20
_KEPT_ANSWERS = 2_048
_KEPT_ANSWER_BYTES = _KEPT_BYTES // 16
# Limits the length of a key, since addresses can have 64 KB.
_KEY_BYTES = 4_096


class AnswerKey(NamedTuple):
    """Everything in a request that its answer depends on."""

    name: str
    suffix: str | None
    query: bytes
    accept: str | None
    accept_encoding: str | None
    if_none_match: str | None


def key_of(request: HttpRequest) -> AnswerKey | None:
    """Return the key for an answer, or None if it is not cached: ranges, and very long addresses."""
    if request.header("range") is not None:
        return None
    key = AnswerKey(
        request.path_params["name"],
        request.path_params.get("suffix"),
        request.raw_query,
        request.header("accept"),
        request.header("accept-encoding"),
        request.header("if-none-match"),
    )
    return key if sum(len(part) for part in key if part) <= _KEY_BYTES else None


class _Entry(NamedTuple):
    """An answer, and the snapshot that it was computed from."""

    reply: Reply
    dataset: str
    fingerprint: str
    is_pinned: bool


class Making:
    """An answer that is being made, for all who have sent the same request meanwhile."""

    __slots__ = ("lock", "refusal", "requests")

    def __init__(self) -> None:
        self.requests = 0  # that make it, or wait for it
        self.lock = asyncio.Lock()
        self.refusal: MeantimeError | None = None  # why the last one was refused; those who waited for it are, too


class AnswerCache:
    """Complete answers; the least recently used are dropped first.

    Only used in the event loop. An answer is valid as long as its snapshot is the current one, or was named in the
    request.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[AnswerKey, _Entry] = OrderedDict()
        self._size_bytes = 0
        self._making: dict[AnswerKey, Making] = {}

    @asynccontextmanager
    async def making(self, key: AnswerKey) -> AsyncIterator[Making]:
        """Let one request at a time make an answer, so that many equal requests cause no more work than one."""
        making = self._making.setdefault(key, Making())
        making.requests += 1
        try:
            async with making.lock:
                yield making
        finally:
            making.requests -= 1
            if not making.requests:
                del self._making[key]

    def get(self, key: AnswerKey, catalog: Catalog) -> Reply | None:
        """Return the cached answer, if there is one and it is still valid."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        status = None if entry.is_pinned else catalog.status(entry.dataset)
        if status is not None and not (isinstance(status, Ready) and status.snapshot.fingerprint == entry.fingerprint):
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.reply

    def put(self, key: AnswerKey, reply: Reply, *, dataset: str, fingerprint: str, is_pinned: bool) -> None:
        """Cache an answer unless it is too long. The caller holds the lock and has found none for this key."""
        if len(reply.body) > _KEPT_ANSWER_BYTES:
            return
        self._entries[key] = _Entry(reply, dataset, fingerprint, is_pinned)
        self._size_bytes += _size_bytes(key, reply)
        while len(self._entries) > _KEPT_ANSWERS or self._size_bytes > _KEPT_BYTES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: AnswerKey) -> None:
        self._size_bytes -= _size_bytes(key, self._entries.pop(key).reply)


def _size_bytes(key: AnswerKey, reply: Reply) -> int:
    # A kilobyte for the Python objects.
    return len(reply.body) + sum(len(part) for part in key if part) + 1024
