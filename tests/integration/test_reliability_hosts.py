"""A short form of the harness for several hosts."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.thorough
@pytest.mark.usefixtures("postgresql")  # skipped where there is none
def test_three_hosts_lose_nothing(tmp_path: Path) -> None:
    from reliability.hosts import hosts
    from reliability.scene import MAIN

    outcome = hosts(MAIN, tmp_path, number=3, seed=4)
    assert outcome.violations == []
