"""Complete answers that are kept for the next client that asks the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from weakref import WeakValueDictionary

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest

# Answers that are kept ready: those of a page that everybody looks at. 16 MB are some thousand answers of 55 states;
# one that is longer than a sixteenth of that would push out too many others.
_KEPT_BYTES = 16 * 2**20
_KEPT_ANSWERS = 2_048
_KEPT_ANSWER_BYTES = _KEPT_BYTES // 16
# Of what an answer was kept under: addresses may be as long as 64 KB.
_KEY_BYTES = 4_096


class AnswerKey(NamedTuple):
    """All of a request that an answer depends on, beside the data."""

    name: str
    suffix: str | None
    query: bytes
    accept: str | None
    accept_encoding: str | None
    if_none_match: str | None


def key_of(request: HttpRequest) -> AnswerKey | None:
    """Return what the answer may be kept under; None where it is not worth keeping: parts, and odd addresses."""
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


class _Kept(NamedTuple):
    """An answer, and the snapshot that it is of."""

    reply: Reply
    dataset: str
    fingerprint: str
    is_pinned: bool


class AnswerCache:
    """Whole answers to whole requests, as many as have room; the one that was not asked for longest goes first.

    Used in the event loop alone. An answer is handed out only while the snapshot that it is of is the current one.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[AnswerKey, _Kept] = OrderedDict()
        self._size_bytes = 0
        # Those that are held or waited for by somebody; nobody else has need of them.
        self._turns: WeakValueDictionary[AnswerKey, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: AnswerKey) -> AsyncIterator[None]:
        """Let one at a time make the same answer, so that a page that many look at is no reason to be busy."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            yield

    def find(self, key: AnswerKey, catalog: Catalog) -> Reply | None:
        """Return the answer to a request, if it is here and still holds."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        status = None if kept.is_pinned else catalog.status(kept.dataset)
        if status is not None and not (isinstance(status, Ready) and status.snapshot.fingerprint == kept.fingerprint):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.reply

    def keep(self, key: AnswerKey, reply: Reply, *, dataset: str, fingerprint: str, is_pinned: bool) -> None:
        """Keep an answer, unless it is long. None is kept under this key: whose turn it is has looked."""
        if len(reply.body) > _KEPT_ANSWER_BYTES:
            return
        self._kept[key] = _Kept(reply, dataset, fingerprint, is_pinned)
        self._size_bytes += _size_bytes(key, reply)
        while len(self._kept) > _KEPT_ANSWERS or self._size_bytes > _KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: AnswerKey) -> None:
        self._size_bytes -= _size_bytes(key, self._kept.pop(key).reply)


def _size_bytes(key: AnswerKey, reply: Reply) -> int:
    # A kilobyte for what Python needs around them.
    return len(reply.body) + sum(len(part) for part in key if part) + 1024
