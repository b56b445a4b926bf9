"""A host is lost when its beats stay the same for a lease, by the clock of who looks, while it can look."""

from __future__ import annotations

import pytest

pytest.importorskip("psycopg", reason="the extra postgres is not installed: make cluster")

from meantime.stores.postgres.neighbors import Neighbors
from tests.support.engine_fakes import ManualClock


def test_a_host_without_a_beat_for_a_lease_is_lost_until_it_beats_again() -> None:
    clock = ManualClock(0.0)
    neighbors = Neighbors(lease_s=15.0, monotonic=clock)
    row = (2, 5, False, '{"7":0.5}')
    assert neighbors.look([row]) == ({7: 0.5}, frozenset())
    clock.now_s = 14.9
    assert neighbors.look([row]) == ({7: 0.5}, frozenset())
    clock.now_s = 15.0
    assert neighbors.look([row]) == ({}, frozenset({2}))
    assert neighbors.look([(2, 6, False, "{}")]) == ({}, frozenset())


def test_time_in_which_nobody_could_look_does_not_count() -> None:
    clock = ManualClock(0.0)
    neighbors = Neighbors(lease_s=15.0, monotonic=clock)
    neighbors.look([(2, 5, False, "{}")])
    clock.now_s = 100.0
    neighbors.forget()
    assert neighbors.look([(2, 5, False, "{}")]) == ({}, frozenset())


def test_a_host_that_has_left_is_lost_at_once() -> None:
    assert Neighbors(lease_s=15.0, monotonic=ManualClock()).look([(2, 5, True, '{"7":0.5}')]) == ({}, frozenset({2}))
