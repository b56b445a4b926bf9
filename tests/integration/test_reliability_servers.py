"""A small share of the harnesses of ``reliability/`` that send what clients should not; ``make faults`` runs more.

Each is shown to find the fault that a build has which is broken on purpose.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.errors import MeantimeError
from reliability import clocks, descriptors, hostile, requests
from reliability.outcome import Outcome
from reliability.sabotage import SABOTAGES
from reliability.scene import MAIN, broken


def holds(outcome: Outcome) -> None:
    assert list(outcome.violations) == [], outcome.tried


def test_a_clock_that_jumps_removes_no_job(tmp_path: Path) -> None:
    holds(clocks.clocks(MAIN, tmp_path, number=1, seed=1))


@pytest.mark.thorough
def test_a_server_that_believes_every_clock_is_found_out(tmp_path: Path) -> None:
    assert clocks.clocks(broken("believed-clock"), tmp_path, number=8, seed=1).violations


@pytest.mark.thorough  # tests/acceptance/test_descriptors.py does the same in `make test`
def test_idle_connections_cost_no_job(tmp_path: Path) -> None:
    holds(descriptors.descriptors(MAIN, tmp_path, number=1, seed=1))


@pytest.mark.thorough
def test_a_server_that_accepts_every_connection_is_found_out(tmp_path: Path) -> None:
    assert descriptors.descriptors(broken("uncapped-connections"), tmp_path, number=1, seed=1).violations


def test_hostile_files_are_refused_or_read_as_what_they_are(tmp_path: Path) -> None:
    holds(hostile.hostile_files(MAIN, tmp_path, number=2, seed=1))


@pytest.mark.thorough
def test_a_build_that_shows_paths_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeantimeError, "reason", vars(MeantimeError)["reason"])
    SABOTAGES["shown-paths"]()
    assert hostile.hostile_files(MAIN, tmp_path, number=2, seed=1).violations


def test_hostile_requests_get_an_answer_or_the_end_of_the_connection(tmp_path: Path) -> None:
    holds(hostile.hostile_requests(MAIN, tmp_path, number=150, seed=1))


@pytest.mark.thorough
def test_a_server_that_has_not_foreseen_something_is_found_out(tmp_path: Path) -> None:
    assert hostile.hostile_requests(broken("unforeseen-bodies"), tmp_path, number=150, seed=1).violations


def test_varied_requests_are_answered_as_declared_and_leave_nothing_behind(tmp_path: Path) -> None:
    holds(requests.requests(MAIN, tmp_path, number=300, seed=1))


@pytest.mark.thorough
def test_a_server_that_grows_is_found_out(tmp_path: Path) -> None:
    assert requests.requests(broken("kept-requests"), tmp_path, number=400, seed=1).violations


@pytest.mark.thorough
def test_many_hostile_files_requests_and_clocks_do_no_harm(tmp_path: Path) -> None:
    for name in ("clocks", "descriptors", "files", "raw", "varied"):
        (tmp_path / name).mkdir()
    holds(clocks.clocks(MAIN, tmp_path / "clocks", number=3, seed=2))
    holds(descriptors.descriptors(MAIN, tmp_path / "descriptors", number=2, seed=2))
    holds(hostile.hostile_files(MAIN, tmp_path / "files", number=20, seed=2))
    holds(hostile.hostile_requests(MAIN, tmp_path / "raw", number=400, seed=2))
    holds(requests.requests(MAIN, tmp_path / "varied", number=1_500, seed=2))
