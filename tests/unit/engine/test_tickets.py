from __future__ import annotations

import random

import pytest

from meantime.engine import tickets as tickets_module
from meantime.engine.tickets import Ticket, Tickets


def ticket(number: int) -> Ticket:
    return (number // 10, number % 10)


def tickets_of(*numbers: int) -> Tickets:
    tickets = Tickets()
    for number in numbers:
        tickets.add([ticket(number)])
    return tickets


def test_the_tickets_before_one_are_those_that_are_lower() -> None:
    tickets = tickets_of(2, 5, 9)
    assert [tickets.count_before(ticket(number)) for number in (2, 5, 9)] == [0, 1, 2]
    assert len(tickets) == 3


def test_those_after_a_removed_ticket_move_up_and_no_others() -> None:
    tickets = tickets_of(2, 5, 9)
    tickets.remove(ticket(5))
    assert [tickets.count_before(ticket(number)) for number in (2, 9)] == [0, 1]
    tickets.remove(ticket(2))
    assert (tickets.count_before(ticket(9)), len(tickets)) == (0, 1)


def test_a_ticket_that_is_added_again_is_where_it_was() -> None:
    tickets = tickets_of(2, 5, 9)
    tickets.remove(ticket(2))
    tickets.remove(ticket(5))
    tickets.add([ticket(5)])
    tickets.add([ticket(2)])
    assert [tickets.count_before(ticket(number)) for number in (2, 5, 9)] == [0, 1, 2]


def test_tickets_are_counted_as_a_plain_set_would_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets_module, "_STALE_LIMIT", 4)  # so that the front is deleted often
    chance = random.Random(3)  # noqa: S311 - the same each time
    tickets, expected = Tickets(), set[Ticket]()
    coming = [(number // 7, number) for number in range(3000)]
    chance.shuffle(coming)
    while coming:
        # Batches of up to 60: the long ones are sorted in, the short ones put in one by one.
        batch = sorted(coming.pop() for _ in range(min(len(coming), chance.choice([0, 1, 1, 5, 60]))))
        tickets.add(batch)
        expected.update(batch)
        for _ in range(chance.randint(0, 2 * len(batch))):
            if expected:
                leaving = min(expected) if chance.random() < 0.8 else chance.choice(sorted(expected))
                tickets.remove(leaving)
                expected.remove(leaving)
        assert len(tickets) == len(expected)
        assert [tickets.count_before(each) for each in sorted(expected)] == list(range(len(expected)))
