"""What every store of results does: one suite for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.engine.ports import EncodedResult, ResultStore
from meantime.stores.fresh_results import FreshResults
from meantime.stores.memory import MemoryResultStore
from meantime.stores.result_files import ResultFiles


@pytest.fixture(params=["memory", "files", "fresh"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ResultStore:
    if request.param == "memory":
        return MemoryResultStore()
    files = ResultFiles(tmp_path / "results")
    return FreshResults(files) if request.param == "fresh" else files


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff" * 300_000], ids=["empty", "small", "large"])
def test_a_result_is_read_as_it_was_written(store: ResultStore, body: bytes) -> None:
    receipt = store.put(7, EncodedResult(body, 2))
    assert (receipt.size_bytes, receipt.method_version) == (len(body), 2)
    assert store.open(7, receipt) == body


def test_a_result_that_was_never_written_is_not_there(store: ResultStore) -> None:
    assert store.open(8, EncodedResult(b"{}", 1).receipt()) is None


def test_a_result_that_was_lost_is_kept_again(store: ResultStore) -> None:
    receipt = store.put(7, EncodedResult(b"one", 1))
    store.remove(7)
    store.restore(7, EncodedResult(b"one", 1))
    assert store.open(7, receipt) == b"one"


def test_bytes_that_do_not_match_the_receipt_are_not_returned(store: ResultStore) -> None:
    receipt = store.put(7, EncodedResult(b"one", 1))
    store.put(7, EncodedResult(b"two", 1))
    assert store.open(7, receipt) is None
    store.put(7, EncodedResult(b"longer", 1))
    assert store.open(7, receipt) is None


def test_a_result_that_is_written_again_replaces_the_first(store: ResultStore) -> None:
    store.put(7, EncodedResult(b"one", 1))
    receipt = store.put(7, EncodedResult(b"two", 1))
    assert store.open(7, receipt) == b"two"


def test_a_removed_result_is_gone_and_may_be_removed_again(store: ResultStore) -> None:
    receipt = store.put(7, EncodedResult(b"one", 1))
    kept = store.put(8, EncodedResult(b"two", 1))
    store.remove(7)
    store.remove(7)
    assert store.open(7, receipt) is None
    assert store.open(8, kept) == b"two"
