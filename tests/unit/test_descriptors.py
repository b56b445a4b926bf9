from __future__ import annotations

import resource
from typing import Any

import pytest

from meantime import descriptors


def limits(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, error: Exception | None = None) -> list[Any]:
    """Have the system say that these are the limits; return what is set."""
    was_set: list[Any] = []

    def set_limit(_kind: int, to: Any) -> None:
        if error is not None:
            raise error
        was_set.append(to)

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    return was_set


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [
        (1024, 4096, 4096),
        (1024, 1024, 1024),
        (1024, resource.RLIM_INFINITY, 65_536),
        (1024, 1_000_000_000, 65_536),
        (100_000, 1_000_000, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 65_536),
    ],
)
def test_the_soft_limit_is_raised_to_the_hard_one_as_far_as_is_useful(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, limit: int
) -> None:
    was_set = limits(monkeypatch, soft, hard)
    assert descriptors.raise_limit() == limit
    assert was_set == ([] if soft in (limit, resource.RLIM_INFINITY) else [(limit, hard)])


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, 256, resource.RLIM_INFINITY, ValueError("not allowed"))
    assert descriptors.raise_limit() == 256


@pytest.mark.parametrize("limit", [64, 256, 1024, 4096, 65_536])
def test_connections_leave_descriptors_for_everything_else(limit: int) -> None:
    assert 0 < descriptors.connections_for(limit) < limit
    assert limit - descriptors.connections_for(limit) >= min(512, limit // 2)
