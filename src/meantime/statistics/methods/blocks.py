"""Large work in blocks: memory is bounded, and so is what is done between two checks of whether to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Raises an exception if the work is to stop; ``Work.check`` is one.
Check = Callable[[], None]

# Numbers in a block: half a megabyte of doubles, which a processor's cache holds, worked on for about a millisecond.
MOST_IN_A_BLOCK = 65_536


def unchecked() -> None:
    """Do nothing: nobody wants to stop the work."""


def most_in_a_block() -> int:
    """Return how many numbers a block has, for work that comes in pieces of unlike size."""
    return MOST_IN_A_BLOCK


def rows_in_a_block(width: int) -> int:
    """Return how many rows of so many numbers a block has; one that is longer than a block is a block of its own."""
    return max(1, MOST_IN_A_BLOCK // max(1, width))


def blocks(rows: int, width: int, check: Check = unchecked) -> Iterator[slice]:
    """Cut so many rows of so many numbers into blocks, and check before each.

    >>> list(blocks(5, MOST_IN_A_BLOCK // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = rows_in_a_block(width)
    for start in range(0, rows, step):
        check()
        yield slice(start, min(start + step, rows))
