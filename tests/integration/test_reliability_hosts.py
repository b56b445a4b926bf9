"""A short form of the harness for several hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.mark.thorough
@pytest.mark.usefixtures("postgresql")  # skipped where there is none
def test_three_hosts_lose_nothing(tmp_path: Path) -> None:
    from reliability.hosts import hosts
    from reliability.scene import MAIN

    outcome = hosts(MAIN, tmp_path, number=3, seed=4)
    assert outcome.violations == []


@pytest.mark.thorough
@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize(
    ("sabotage", "found"),
    [("lost-when-done", "was acknowledged, and is answered"), ("each-host-computes", "has changed")],
)
def test_hosts_that_lose_a_job_or_have_two_results_of_one_are_found(sabotage: str, found: str, tmp_path: Path) -> None:
    from reliability.hosts import hosts
    from reliability.scene import broken

    violations = hosts(broken(sabotage), tmp_path, number=3, seed=4).violations
    assert any(re.search(found, violation) for violation in violations), violations
