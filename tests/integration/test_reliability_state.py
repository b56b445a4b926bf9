"""A small share of the harnesses of ``reliability/`` that damage a state, or fill its disk; ``make faults`` runs more.

Each is shown to find the fault that a build has which is broken on purpose.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meantime.dataset.row_files import RowFiles
from meantime.stores import result_files, sqlite, sqlite_writer
from meantime.stores.result_files import ResultFiles
from reliability import disk, flips, flips_served
from reliability.outcome import Outcome
from reliability.sabotage import SABOTAGES
from reliability.scene import MAIN, broken

# What the functions of sabotage.py replace, by the name of the sabotage.
_REPLACED: dict[str, list[tuple[Any, str]]] = {
    "unchecked-rows": [(RowFiles, "_compare")],
    "unchecked-records": [(sqlite, "record_of"), (sqlite_writer, "record_of")],
    "unchecked-results": [(ResultFiles, "open")],
    "shortage-is-final": [(result_files, "PASSING")],
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> flips.State:
    return flips.made_state(MAIN, tmp_path_factory.mktemp("made"))


def break_it(monkeypatch: pytest.MonkeyPatch, sabotage: str) -> None:
    """Break this process on purpose, until the test ends."""
    for where, name in _REPLACED[sabotage]:
        monkeypatch.setattr(where, name, vars(where)[name])
    SABOTAGES[sabotage]()


def holds(outcome: Outcome) -> None:
    if "not tried" in outcome.tried:
        pytest.skip(outcome.tried)
    assert list(outcome.violations) == [], outcome.tried


def test_a_flipped_bit_in_any_file_of_the_state_is_noticed(state: flips.State, tmp_path: Path) -> None:
    holds(flips.flips_of(state, tmp_path, number=4, seed=1))


@pytest.mark.parametrize(
    ("sabotage", "kind"),
    [("unchecked-rows", "rows"), ("unchecked-records", "jobs.sqlite3"), ("unchecked-results", "results")],
)
@pytest.mark.thorough
def test_a_build_that_checks_no_checksums_is_found_out(
    state: flips.State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sabotage: str, kind: str
) -> None:
    break_it(monkeypatch, sabotage)
    assert flips.flips_of(state, tmp_path, number=24, seed=1, only=kind).violations


def test_an_error_at_any_call_of_the_store_of_results_is_a_pause_or_said(tmp_path: Path) -> None:
    holds(disk.errors_at_every_call(MAIN, tmp_path, number=44, seed=1))


def test_a_full_disk_at_any_write_loses_nothing(tmp_path: Path) -> None:
    holds(disk.full_at_every_write(MAIN, tmp_path, number=48, seed=1))


@pytest.mark.thorough
def test_a_build_to_which_a_shortage_is_final_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, "shortage-is-final")
    assert disk.errors_at_every_call(MAIN, tmp_path, number=44, seed=1).violations


def test_work_goes_on_when_a_full_disk_has_space_again(tmp_path: Path) -> None:
    holds(disk.disk_full(MAIN, tmp_path, number=1, seed=1))


@pytest.mark.thorough
def test_work_goes_on_when_a_quota_has_space_again(tmp_path: Path) -> None:
    holds(disk.quota_full(MAIN, tmp_path, number=2, seed=1))


@pytest.mark.thorough
def test_a_server_to_which_a_full_disk_is_final_is_found_out(tmp_path: Path) -> None:
    outcome = disk.disk_full(broken("shortage-is-final"), tmp_path, number=6, seed=1)
    if "not tried" in outcome.tried:
        pytest.skip(outcome.tried)
    assert outcome.violations


@pytest.mark.thorough
def test_many_flipped_bits_and_full_disks_do_no_harm(state: flips.State, tmp_path: Path) -> None:
    for name in ("flips", "served", "writes", "full"):
        (tmp_path / name).mkdir()
    holds(flips.flips_of(state, tmp_path / "flips", number=60, seed=2))
    holds(flips_served.flips_served(MAIN, tmp_path / "served", number=3, seed=2))
    holds(disk.full_at_every_write(MAIN, tmp_path / "writes", number=160, seed=2))
    holds(disk.disk_full(MAIN, tmp_path / "full", number=2, seed=2))
