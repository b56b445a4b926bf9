"""The list of all jobs, as bytes that are kept until a job comes, ends or goes.

A hundred thousand jobs take a tenth of a second to write and are 3 MB. So the list is written in a thread, once for all
who have asked before that began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from meantime.engine.engine import Engine
from meantime.web.http.replies import Reply


class _Written(NamedTuple):
    reply: Reply
    changes: int  # of the jobs, that it shows at least


class KeptJobList:
    """The last list that was written. Used in the event loop only."""

    def __init__(self) -> None:
        self._kept: _Written | None = None
        self._writing: asyncio.Task[_Written] | None = None

    async def reply(self, engine: Engine, write: Callable[[], Reply]) -> Reply:
        """Return a list that shows all that has happened until now; ``write`` lists the jobs of the engine."""
        wanted = engine.changes
        while self._kept is None or self._kept.changes < wanted:
            if self._writing is None:
                self._writing = asyncio.create_task(asyncio.to_thread(_write, engine, write))
                self._writing.add_done_callback(self._written)
            # One that was begun before the request came may lack what the client knows of. Not awaited itself, because
            # the others wait for it too if this one is cancelled.
            writing = self._writing
            await asyncio.wait((writing,))
            writing.result()
        return self._kept.reply

    def _written(self, writing: asyncio.Task[_Written]) -> None:
        self._writing = None
        if not writing.cancelled() and writing.exception() is None:
            self._kept = writing.result()


def _write(engine: Engine, write: Callable[[], Reply]) -> _Written:
    changes = engine.changes  # first, so that what happens meanwhile counts as not shown
    return _Written(write(), changes)
