from __future__ import annotations

from meantime.engine.ports import EncodedResult
from meantime.model import Receipt
from meantime.stores.fresh_results import FreshResults
from meantime.stores.memory import MemoryResultStore


class CountingResults(MemoryResultStore):
    """Notes which results are opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[int] = []

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        self.opened.append(number)
        return super().open(number, receipt)


def test_a_result_is_read_from_memory_once_and_then_from_its_file() -> None:
    files = CountingResults()
    fresh = FreshResults(files)
    receipt = fresh.put(1, EncodedResult(b"one", 1))
    assert files.open(1, receipt) == b"one"  # it was written all the same
    files.opened.clear()
    assert fresh.open(1, receipt) == b"one"
    assert files.opened == []
    assert fresh.open(1, receipt) == b"one"
    assert files.opened == [1]


def test_one_that_is_removed_is_in_memory_no_more() -> None:
    fresh = FreshResults(CountingResults())
    receipt = fresh.put(1, EncodedResult(b"one", 1))
    fresh.remove(1)
    assert fresh.open(1, receipt) is None


def test_one_that_is_made_again_since_it_was_lost_is_in_its_file_only() -> None:
    files = CountingResults()
    fresh = FreshResults(files)
    receipt = fresh.put(1, EncodedResult(b"one", 1))
    fresh.open(1, receipt)
    files.remove(1)
    assert fresh.open(1, receipt) is None
    fresh.restore(1, EncodedResult(b"one", 1))
    assert files.open(1, receipt) == b"one"
    files.remove(1)
    assert fresh.open(1, receipt) is None


def test_a_long_result_is_read_from_its_file() -> None:
    files = CountingResults()
    fresh = FreshResults(files)
    receipt = fresh.put(1, EncodedResult(b"x" * 64_001, 1))
    assert fresh.open(1, receipt) == b"x" * 64_001
    assert files.opened == [1]


def test_the_oldest_go_when_there_is_no_room() -> None:
    files = CountingResults()
    fresh = FreshResults(files, most_bytes=3_000)
    receipts = [fresh.put(number, EncodedResult(b"x" * 600, 1)) for number in (0, 1, 2, 2, 3)]
    assert [fresh.open(number, receipts[-1]) for number in (3, 2, 1, 0)] == [b"x" * 600] * 4
    assert files.opened == [0]
