"""Where submitted requests are read and checked: in the event loop if that takes a moment, otherwise in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready

T = TypeVar("T")

# A body up to this length is parsed within a millisecond.
_INLINE_BYTES = 32 * 1024
# Checking selects among the cells of one question, which takes some milliseconds for so many. The CDC's have 20,020.
_INLINE_CELLS = 25_000
# More would be no sooner, since they share the interpreter. Nothing else waits for them, because a batch of a thousand
# questions may take a second. The interpreter joins them at exit.
_CHECKERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="check")


async def check_submission(catalog: Catalog, body: bytes, check: Callable[[], T]) -> T:
    """Read and check a request with this body, and return what ``check`` does."""
    if len(body) <= _INLINE_BYTES and not any(_is_large(catalog, name) for name in catalog.names):
        return check()
    return await asyncio.get_running_loop().run_in_executor(_CHECKERS, check)


def _is_large(catalog: Catalog, name: str) -> bool:
    status = catalog.status(name)
    return isinstance(status, Ready) and status.snapshot.cube.most_cells > _INLINE_CELLS
