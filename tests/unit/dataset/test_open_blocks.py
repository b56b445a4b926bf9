from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from meantime.dataset.cube import Block
from meantime.dataset.open_blocks import OpenBlocks
from tests.support.factories import cube, row
from tests.support.waiting import PATIENCE_S


def block() -> Block:
    """A block of its own; of arrays that belong to nobody else, so that they count."""
    made = cube([row(location=str(number)) for number in range(10_000)]).block(0)
    assert made.size_bytes < 2**20
    return made


def never() -> Block:
    raise AssertionError("it is open, and is read again")


def test_a_block_is_read_once_however_many_threads_ask_for_it() -> None:
    blocks, reads = OpenBlocks(1), []
    begun, go_on = threading.Event(), threading.Event()

    def read() -> Block:
        reads.append(1)
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return block()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(blocks.get, "a", read) for _ in range(4)]
        assert begun.wait(PATIENCE_S)
        go_on.set()
        first, *others = (each.result(PATIENCE_S) for each in asked)
    assert all(each is first for each in others)
    assert len(reads) == 1
    assert blocks.get("a", never) is first


def test_the_least_recently_used_block_makes_room_and_one_that_is_too_large_is_kept_alone() -> None:
    made = block()
    blocks = OpenBlocks(0)
    assert blocks.get("a", lambda: made) is made
    assert blocks.get("a", never) is made  # though it is too large
    assert blocks.size_bytes == made.size_bytes
    other = block()
    blocks.get("b", lambda: other)
    assert blocks.size_bytes == other.size_bytes
    roomy = OpenBlocks(memory_mb=2 * made.size_bytes // 2**20 + 1)
    number = (2 * made.size_bytes // 2**20 + 1) * 2**20 // made.size_bytes
    for key in range(number):
        roomy.get(key, block)
    roomy.get(0, never)
    roomy.get("one more", block)
    roomy.get(0, never)
    with pytest.raises(AssertionError, match="read again"):
        roomy.get(1, never)


def test_an_error_goes_to_who_asks_and_the_next_tries_again() -> None:
    blocks = OpenBlocks(1)

    def fail() -> Block:
        raise OSError("the disk")

    for _ in range(2):
        with pytest.raises(OSError, match="the disk"):
            blocks.get("a", fail)
    assert blocks.get("a", block) is blocks.get("a", never)
