"""Where requests are read and checked: in the event loop if that takes a moment, otherwise in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready, Status
from meantime.dataset.snapshot import Snapshot

T = TypeVar("T")

# A body up to this length is parsed within a millisecond.
_INLINE_BYTES = 32 * 1024
# Checking selects among the cells of one question, which takes some milliseconds for so many. The CDC's have 20,020.
_INLINE_CELLS = 25_000
# A name that a table does not have is compared with all those that it has: 12 ns each.
_INLINE_COMPARISONS = 200_000
# The shortest text that can be a name in a body, with quotes and a comma.
_NAME_BYTES = 8
# More would be no sooner, since they share the interpreter. Nothing else waits for them, because a batch of a thousand
# questions may take a second. The interpreter joins them at exit.
_CHECKERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="check")


async def check_submission(catalog: Catalog, body: bytes, check: Callable[[], T]) -> T:
    """Read and check a request with this body, and return what ``check`` does."""
    names = 1 + len(body) // _NAME_BYTES
    if len(body) <= _INLINE_BYTES and not any(_is_long(each, names) for each in catalog.statuses().values()):
        return check()
    return await asyncio.get_running_loop().run_in_executor(_CHECKERS, check)


async def check_question(snapshot: Snapshot, names: int, check: Callable[[], T]) -> T:
    """Check a question that names so many things, without its cells, and return what ``check`` does."""
    # Whether a location has a value is seen in the question's cells, which may have to be read first.
    if _are_few_comparisons(snapshot, names) and snapshot.cube.most_cells <= _INLINE_CELLS:
        return check()
    return await asyncio.get_running_loop().run_in_executor(_CHECKERS, check)


def _is_long(status: Status, names: int) -> bool:
    return isinstance(status, Ready) and not (
        status.snapshot.cube.most_cells <= _INLINE_CELLS and _are_few_comparisons(status.snapshot, names)
    )


def _are_few_comparisons(snapshot: Snapshot, names: int) -> bool:
    labels = snapshot.cube.labels
    return names * (len(labels.locations) + len(labels.questions)) <= _INLINE_COMPARISONS
