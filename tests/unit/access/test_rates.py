from __future__ import annotations

from meantime.access.rates import RateLimit


def test_a_client_may_send_ten_seconds_worth_at_once_and_then_as_many_a_second() -> None:
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert [limit.take("a") for _ in range(20)] == [0.0] * 20
    assert limit.take("a") == 0.5
    assert limit.take("b") == 0.0
    now[0] = 0.5
    assert limit.take("a") == 0.0
    assert limit.take("a") == 0.5
    now[0] = 1_000_000.0
    assert [limit.take("a") for _ in range(21)] == [0.0] * 20 + [0.5]


def test_any_number_of_clients_takes_little_memory() -> None:
    limit = RateLimit(1, clock=lambda: 0.0)
    for number in range(30_000):
        limit.take(str(number))
    assert len(limit._left) == 10_000
