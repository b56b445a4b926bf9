from __future__ import annotations

import random

import pytest

from meantime.engine import lane
from meantime.engine.lane import Lane


def lane_of(*places: int) -> Lane:
    made = Lane()
    for place in places:
        made.enter(place)
    return made


def test_each_has_those_before_it_that_entered_with_a_lower_place() -> None:
    of_three = lane_of(2, 5, 9)
    assert [of_three.before(place) for place in (2, 5, 9)] == [0, 1, 2]
    assert len(of_three) == 3


def test_who_leaves_lets_those_behind_move_up_and_nobody_else() -> None:
    of_three = lane_of(2, 5, 9)
    of_three.leave(5)
    assert [of_three.before(place) for place in (2, 9)] == [0, 1]
    of_three.leave(2)
    assert (of_three.before(9), len(of_three)) == (0, 1)


def test_who_comes_back_stands_where_it_stood() -> None:
    of_three = lane_of(2, 5, 9)
    of_three.leave(2)
    of_three.leave(5)
    of_three.enter(5)
    of_three.enter(2)
    assert [of_three.before(place) for place in (2, 5, 9)] == [0, 1, 2]


def test_a_lane_counts_as_somebody_does_who_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "_LEFT_LIMIT", 4)  # so that it is cleared often
    moves = random.Random(3)  # noqa: S311 - the same moves each time
    counted, places = Lane(), set[int]()
    for place in moves.sample(range(1000), 1000):
        counted.enter(place)
        places.add(place)
        for _ in range(moves.randint(0, 2)):
            if places:
                leaving = min(places) if moves.random() < 0.8 else moves.choice(sorted(places))
                counted.leave(leaving)
                places.remove(leaving)
        assert len(counted) == len(places)
        for there in places:
            assert counted.before(there) == sum(other < there for other in places)
