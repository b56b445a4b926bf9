"""How many examples hypothesis draws where each takes long."""

from __future__ import annotations

from hypothesis import settings


def one_in(number: int) -> int:
    """Return one in so many of the examples that the profile draws, and one more: the first is often a trivial one."""
    assert settings.default is not None
    return settings.default.max_examples // number + 1
