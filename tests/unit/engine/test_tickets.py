from __future__ import annotations

import random

import pytest

from meantime.engine import tickets as tickets_module
from meantime.engine.tickets import Tickets


def tickets_of(*numbers: int) -> Tickets:
    tickets = Tickets()
    for number in numbers:
        tickets.add(number)
    return tickets


def test_the_tickets_before_one_are_those_that_are_lower() -> None:
    tickets = tickets_of(2, 5, 9)
    assert [tickets.count_before(number) for number in (2, 5, 9)] == [0, 1, 2]
    assert len(tickets) == 3


def test_those_after_a_removed_ticket_move_up_and_no_others() -> None:
    tickets = tickets_of(2, 5, 9)
    tickets.remove(5)
    assert [tickets.count_before(number) for number in (2, 9)] == [0, 1]
    tickets.remove(2)
    assert (tickets.count_before(9), len(tickets)) == (0, 1)


def test_a_ticket_that_is_added_again_is_where_it_was() -> None:
    tickets = tickets_of(2, 5, 9)
    tickets.remove(2)
    tickets.remove(5)
    tickets.add(5)
    tickets.add(2)
    assert [tickets.count_before(number) for number in (2, 5, 9)] == [0, 1, 2]


def test_tickets_are_counted_as_a_plain_set_would_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets_module, "_STALE_LIMIT", 4)  # so that the front is deleted often
    chance = random.Random(3)  # noqa: S311 - the same each time
    tickets, expected = Tickets(), set[int]()
    for number in chance.sample(range(1000), 1000):
        tickets.add(number)
        expected.add(number)
        for _ in range(chance.randint(0, 2)):
            if expected:
                leaving = min(expected) if chance.random() < 0.8 else chance.choice(sorted(expected))
                tickets.remove(leaving)
                expected.remove(leaving)
        assert len(tickets) == len(expected)
        for one in expected:
            assert tickets.count_before(one) == sum(other < one for other in expected)
