"""Calls that wait for the thread that writes to a store."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from meantime.errors import ShuttingDown, StoreBroken
from meantime.stores.call_queue import CallQueue, thread_died

Call = Future[str]


@pytest.fixture
def calls() -> CallQueue[Call]:
    return CallQueue(lambda call: call, most=2)


def put(calls: CallQueue[Call], number: int) -> list[Call]:
    made: list[Call] = [Future() for _ in range(number)]
    for call in made:
        calls.put(call)
    return made


def test_calls_that_wait_are_taken_together_in_their_order_up_to_a_number(calls: CallQueue[Call]) -> None:
    first, second, third = put(calls, 3)
    assert calls.take() == ([first, second], True)
    assert calls.take() == ([third], True)
    assert calls.take(timeout_s=0.0) == ([], True)


def test_a_closed_queue_still_gives_out_what_waits_and_refuses_what_comes(calls: CallQueue[Call]) -> None:
    [waiting] = put(calls, 1)
    calls.close()
    calls.close()
    [late] = put(calls, 1)
    assert isinstance(late.exception(0), ShuttingDown)
    assert calls.take() == ([waiting], False)
    assert not waiting.done()
    assert not calls.is_broken


@pytest.mark.parametrize("is_closed", [False, True])
def test_when_the_store_breaks_every_call_without_an_outcome_fails(calls: CallQueue[Call], is_closed: bool) -> None:
    done, taken, waiting = put(calls, 3)
    if is_closed:
        calls.close()
    calls.take()
    done.set_result("written")
    error = thread_died("store", ValueError("a bug"))
    calls.fail_all(error)
    [late] = put(calls, 1)
    assert [call.exception(0) for call in (done, taken, waiting, late)] == [None, error, error, error]
    assert calls.is_broken


def test_of_a_thread_that_died_the_operator_reads_why() -> None:
    error = thread_died("store", ValueError("a bug"))
    assert isinstance(error, StoreBroken)
    assert "a bug" in error.operator_reason
    assert "a bug" not in error.reason
    assert isinstance(error.__cause__, ValueError)
