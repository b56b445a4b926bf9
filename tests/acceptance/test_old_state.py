"""A state directory that an older version left is served as that version served it.

``tests/fixtures/state_c692533`` is one, made by the program next to it, with what that server answered.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meantime.dataset.reading.source import Source, source_identity
from tests.support.server_process import RunningServer, serving

FIXTURE = Path(__file__).parents[1] / "fixtures" / "state_c692533"
ANSWERS: dict[str, Any] = json.loads((FIXTURE / "answers.json").read_text(encoding="utf-8"))
IDS: dict[str, str] = ANSWERS["ids"]


class OldState(NamedTuple):
    """This version over a copy of the state."""

    server: RunningServer
    snapshots: Path

    def get(self, path: str, **query: str) -> Any:
        reply = self.server.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldState]:
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(FIXTURE, folder, dirs_exist_ok=True)
    table, state = folder / "health.csv", folder / "state"
    # The copy has another path and inode than the table had when it was read: registered as the same one, so that the
    # snapshot is opened, as at a restart, and not made anew.
    sources = state / "snapshots" / "sources.json"
    [name] = json.loads(sources.read_bytes()).values()
    same = source_identity(Source(name="health", path=str(table)), rejected_limit=0.05)
    sources.write_text(json.dumps({same: name}))
    # Nearly ten years, the most that the setting takes: by 2036 the jobs expire, and the state has to be made anew.
    with serving(f"health={table}", state_dir=state, MEANTIME_KEEP_ENDED_S="3e8") as server:
        yield OldState(server.ready(), state / "snapshots")


def test_the_old_snapshot_is_opened_and_not_made_anew(old: OldState) -> None:
    assert not [line for line in old.server.output if "loading" in line]
    assert {path.name for path in old.snapshots.iterdir() if path.is_dir()} == {ANSWERS["dataset"]["fingerprint"]}
    dataset = old.get("/v1/datasets/health")
    for name in ("fingerprint", "rows", "cells", "withheld", "withheld_by_reason", "rejected", "roles"):
        assert dataset[name] == ANSWERS["dataset"][name], name


def test_a_statistic_of_the_old_snapshot_is_the_same(old: OldState) -> None:
    before = ANSWERS["at_once"]
    now = old.get("/v1/statistics/states_mean", **before["parameters"])
    for name in ("parameters", "fingerprint", "rows"):
        assert now[name] == before[name], name


def test_every_old_job_is_listed_and_described_as_before(old: OldState) -> None:
    listed = old.get("/v1/jobs", limit="100")["jobs"]
    described = {job["id"]: job for job in listed}
    for name, before in ANSWERS["jobs"].items():
        now = old.get(f"/v1/jobs/{IDS[name]}")
        assert now == described[IDS[name]]
        del now["expires_at"]  # depends on the setting
        assert now == {key: value for key, value in before.items() if key != "expires_at"}


def test_the_classic_answer_about_every_old_job_is_the_same_to_the_byte(old: OldState) -> None:
    for name, before in ANSWERS["classic"].items():
        assert old.server.client.get(f"/api/get_results/{IDS[name]}").text == before


def test_old_results_are_the_same(old: OldState) -> None:
    for name, before in ANSWERS["results"].items():
        assert old.get(f"/v1/jobs/{IDS[name]}/results") == before


def test_an_old_idempotency_key_still_finds_its_job_and_new_jobs_get_new_numbers(old: OldState) -> None:
    # As it was sent, not as it was checked: the key is bound to that.
    submission = {
        "statistic": "ranking",
        "parameters": {
            "question": ANSWERS["jobs"]["v1_ranking"]["parameters"]["question"],
            "years": "2022",
            "better": "lower",
        },
        "label": "“mine”",
    }
    repeated = old.server.client.post("/v1/jobs", json=submission, headers={"idempotency-key": "0b9a1c1e-key"})
    assert repeated.json()["id"] == IDS["v1_ranking"]
    new = old.server.client.post("/v1/jobs", json=submission)
    highest = max(int(job_id.removeprefix("job_id_")) for job_id in IDS.values())
    assert new.json()["id"] == f"job_id_{highest + 1}"
