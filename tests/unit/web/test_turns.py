from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.web.turns import TurnQueue


def order(queue: TurnQueue[str]) -> str:
    return "".join(queue.pop() for _ in range(len(queue)))


def queue_of(waiting: str, *, limit: int = 100) -> TurnQueue[str]:
    """Each letter waits for the client of that letter."""
    queue: TurnQueue[str] = TurnQueue(limit)
    for letter in waiting:
        queue.add(letter.lower(), letter)
    return queue


def test_clients_take_turns_in_the_order_in_which_they_came() -> None:
    assert order(queue_of("aaabbc")) == "abcaba"


def test_a_client_that_comes_again_is_behind_those_who_wait() -> None:
    queue = queue_of("ab")
    assert queue.pop() == "a"
    queue.add("a", "a")
    assert order(queue) == "ba"


def test_where_no_more_may_wait_the_last_of_the_client_with_most_goes() -> None:
    queue = queue_of("aaab", limit=4)
    assert queue.add("c", "c") == "a"
    assert order(queue) == "abca"


def test_nobody_goes_for_a_client_that_has_as_many() -> None:
    queue = queue_of("aabb", limit=4)
    assert queue.add("a", "A") == "A"
    assert order(queue) == "abab"
    assert queue_of("", limit=0).add("a", "a") == "a"


def test_one_that_no_longer_waits_is_skipped_and_its_client_forgotten() -> None:
    queue = queue_of("aAb")
    queue.discard("a", "A")
    queue.discard("a", "A")
    queue.discard("b", "b")
    queue.discard("b", "b")
    assert order(queue) == "a"
    with pytest.raises(KeyError):
        queue.pop()


@given(st.text("abcd", max_size=40), st.integers(0, 20))
def test_each_client_has_its_share_of_the_places(waiting: str, limit: int) -> None:
    queue: TurnQueue[tuple[str, int]] = TurnQueue(limit)
    dropped = [gone for number, letter in enumerate(waiting) if (gone := queue.add(letter, (letter, number)))]
    left = [queue.pop() for _ in range(len(queue))]
    assert len(left) == min(limit, len(waiting))
    assert sorted([*left, *dropped], key=lambda each: each[1]) == [*zip(waiting, range(len(waiting)), strict=True)]
    had, has = Counter(waiting), Counter(letter for letter, _ in left)
    for letter in had:
        # Who lost a place has no fewer than anybody else, but for one.
        assert has[letter] == had[letter] or has[letter] >= max(has.values(), default=0) - 1
