"""The harnesses of crashes find nothing in Meantime, and find what was broken on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reliability import document
from reliability.kills import kills
from reliability.outcome import Outcome
from reliability.power_loss import power_losses
from reliability.scene import FLASK, MAIN, Front, broken
from reliability.syscalls import kills_at_calls

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed (apt-get install strace)")


def test_servers_that_are_killed_keep_their_promises(tmp_path: Path) -> None:
    outcome = kills(MAIN, tmp_path, number=2, seed=3)
    assert (outcome.violations, "2 kills" in outcome.tried) == ([], True)


@pytest.mark.thorough
@pytest.mark.parametrize("front", [MAIN, FLASK], ids=["main", "flask"])
def test_many_servers_that_are_killed_keep_their_promises(front: Front, tmp_path: Path) -> None:
    assert kills(front, tmp_path, number=8, seed=5).violations == []


@pytest.mark.thorough
@pytest.mark.parametrize("sabotage", ["mark-before-file", "acknowledged-before-commit"])
def test_what_is_broken_on_purpose_is_found(sabotage: str, tmp_path: Path) -> None:
    assert kills(broken(sabotage), tmp_path, number=10, seed=1).violations


@needs_strace
@pytest.mark.thorough
def test_no_job_is_lost_when_the_power_fails() -> None:
    # It fails by itself if its control, in which syncs do nothing, loses no job.
    outcome = power_losses(number=100, seed=1)
    assert outcome.violations == []
    assert "the control without syncs" in outcome.tried


@needs_strace
@pytest.mark.thorough
def test_servers_that_are_killed_at_system_calls_keep_their_promises() -> None:
    assert kills_at_calls(number=5).violations == []


def test_a_row_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text("# Title\n<!-- rows -->\n| fault |\n|---|\n<!-- end -->\nMore.\n", encoding="utf-8")
    document.write("kills", Outcome("SIGKILL", "3 kills", ["one"]), "python -m reliability kills --number 3", page)
    document.write("power-loss", Outcome("power", "9 states", []), "python -m reliability power-loss --number 9", page)
    document.write("kills", Outcome("SIGKILL", "7 kills", []), "python -m reliability kills --number 7", page)
    assert page.read_text(encoding="utf-8") == (
        "# Title\n<!-- rows -->\n| fault |\n|---|\n"
        "| SIGKILL | 7 kills | 0 | `python -m reliability kills --number 7` |\n"
        "| power | 9 states | 0 | `python -m reliability power-loss --number 9` |\n<!-- end -->\nMore.\n"
    )
