"""How many examples and cases `make test` takes where each takes long; `make check` takes them all."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import settings


def one_in(number: int) -> int:
    """Return one in so many of the examples that the profile draws, and one more: the first is often a trivial one."""
    assert settings.default is not None
    return settings.default.max_examples // number + 1


def one_case_in(number: int, cases: Iterable[object]) -> list[object]:
    """Return all cases of a test, for pytest's parametrize: ``make test`` runs the first and one in so many others."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.thorough if at % number else ())
        for at, case in enumerate(cases)
    ]
