"""What clients share, they take in turns; a client is an address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.web_app import FRAMEWORKS, OBESITY, Served, served, using_framework

JOB = {"statistic": "global_mean", "parameters": {"question": OBESITY}}


def positions(server: Served) -> list[int | None]:
    return [server.engine.describe(number).position for number, _ in server.engine.jobs()]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_classic_jobs_of_two_addresses_take_turns(tmp_path: Path, framework: str) -> None:
    body = json.dumps({"question": OBESITY}).encode()
    with using_framework(framework), served(tmp_path, is_loaded=False) as server:
        for peer in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
            assert server.ask("POST", "/api/global_mean", body=body, peer=peer).status == 200
        assert positions(server) == [0, 2, 3, 1]


def test_jobs_of_v1_take_turns_with_a_batch_of_another_address(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        batch = json.dumps({"requests": [JOB] * 3}).encode()
        assert server.ask("POST", "/v1/jobs/batch", body=batch, peer="10.0.0.1").status == 202
        late = server.ask("POST", "/v1/jobs", body=json.dumps(JOB).encode(), peer="10.0.0.2")
        assert late.json["position"] == 1
        nameless = server.ask("POST", "/v1/jobs", body=json.dumps(JOB).encode(), peer=None)
        assert nameless.json["position"] == 2
