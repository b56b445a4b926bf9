"""Results on the shelf that servers share: what a host has when it stops, others find there.

::

    results/<group>/<number>-<checksum>    a result, by its job and by what its receipt says of its bytes

Nothing is put while a host runs: that would cost each job a request to the storage, which takes longer, and may cost
more, than to compute most results. So a host that is killed puts nothing, and its results are computed again.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import obstore
import structlog

from meantime.dataset.object_storage.connecting import asked, chunks_of, if_there, objects_below, run
from meantime.dataset.object_storage.shelf import open_shelf
from meantime.engine.ports import EncodedResult
from meantime.errors import LoadFailed, MeantimeError
from meantime.model import JobRecord, Receipt

T = TypeVar("T")

_log = structlog.get_logger("meantime")

# Somebody waits for the answer.
_GET_WITHIN_S = 10.0
# Whoever has stopped a host wants it to end: some thousand results are put in this time, the newest first.
_KEEP_WITHIN_S = 10.0
_AT_ONCE = 32


class ResultShelf:
    """Takes and puts results of one ``group`` of hosts. Whatever goes wrong is logged: results are computed again."""

    def __init__(self, address: str, *, group: str) -> None:
        self._address = address.rstrip("/")
        self._store = open_shelf(address)
        self._folder = f"results/{group}"

    def get(self, record: JobRecord, receipt: Receipt) -> bytes | None:
        """Return the result of a job that is done; None if it is not there, or not what the receipt says."""
        name = self._name(record, receipt)
        return self._bounded(self._get(name, receipt), _GET_WITHIN_S, "a result could not be taken from the shelf")

    def keep(self, jobs: Callable[[], Iterator[JobRecord]], read: Callable[[int, Receipt], bytes | None]) -> None:
        """Put those results of ``jobs`` that can be ``read`` here, and remove those of jobs that are no longer kept."""
        self._bounded(self._keep(jobs, read), _KEEP_WITHIN_S, "not all results could be put on the shelf")

    def _bounded(self, work: Awaitable[T], within_s: float, what: str) -> T | None:
        async def in_time() -> T:
            try:
                return await asyncio.wait_for(work, within_s)
            except TimeoutError:
                raise LoadFailed(f"It took longer than {within_s:g} s.") from None

        try:
            return run(in_time, threading.Event())
        except (MeantimeError, OSError) as error:
            reason = error.operator_reason if isinstance(error, MeantimeError) else str(error)
            _log.warning(what, reason=reason, shelf=self._address)
            return None

    async def _get(self, name: str, receipt: Receipt) -> bytes | None:
        answer = await if_there(obstore.get_async(self._store, name), self._shown(name))
        if answer is None:
            return None
        if answer.meta["size"] == receipt.size_bytes:
            body = b"".join([chunk async for chunk in chunks_of(answer, self._shown(name))])
            if EncodedResult(body, receipt.method_version).receipt() == receipt:
                return body
        _log.warning("a result on the shelf is damaged, and removed there", shelf=self._address, name=name)
        await self._remove([name])
        return None

    async def _keep(
        self, jobs: Callable[[], Iterator[JobRecord]], read: Callable[[int, Receipt], bytes | None]
    ) -> None:
        # Looked up before the jobs are: what another host puts meanwhile is of a job that these may not have.
        there = await self._names()
        kept = {self._name(job, job.receipt): (job.number, job.receipt) for job in jobs() if job.receipt is not None}
        missing = ((name, read(*job)) for name, job in reversed(kept.items()) if name not in there)
        here = ((name, body) for name, body in missing if body is not None)
        put = 0
        while some := list(itertools.islice(here, _AT_ONCE)):
            put += sum(await asyncio.gather(*(self._put(name, body) for name, body in some)))
        if put:
            _log.info("results were put on the shelf", results=put, shelf=self._address)
        await self._remove(sorted(there - kept.keys()))

    async def _names(self) -> set[str]:
        there = objects_below(self._store, self._folder, self._shown(self._folder))
        return {each["path"] async for each in there}

    async def _put(self, name: str, body: bytes) -> bool:
        try:
            await asked(obstore.put_async(self._store, name, body, mode="create"), self._shown(name), doing="write")
        except FileExistsError:
            return False  # another host had it too
        return True

    async def _remove(self, names: list[str]) -> None:
        if names:
            shown = self._shown(self._folder)
            # In a folder, it may be gone already: another host stops too.
            await if_there(obstore.delete_async(self._store, names), shown, doing="delete")

    def _name(self, record: JobRecord, receipt: Receipt) -> str:
        return f"{self._folder}/{record.number}-{receipt.checksum}"

    def _shown(self, name: str) -> str:
        return f"{self._address}/{name}"
