"""A state directory of the last version that wrote snapshots of format 1 is answered as that version did.

``tests/fixtures/state_92bc8c2`` is one, made by the program next to it: its server was killed while jobs were running
and queued, and a result is lost. Rankings and disparities draw random numbers by the fingerprint of their snapshot, so
the rows of what is computed now are the same only if that is the old one. A statistic whose method has got another
version since is left out: its results are another version's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from meantime.dataset.reading.source import Source, source_identity
from tests.support.server_process import RunningServer, serving

FIXTURES = Path(__file__).parents[1] / "fixtures"
ANSWERS: dict[str, Any] = json.loads((FIXTURES / "state_92bc8c2" / "answers.json").read_text(encoding="utf-8"))
IDS: dict[str, str] = ANSWERS["ids"]


class Upgraded(NamedTuple):
    """This version over a copy of the state."""

    server: RunningServer
    snapshots: Path
    is_read_again: bool  # whether its table has to be read again, and is then served under another fingerprint

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.server.client.get(path, params=query)


@pytest.fixture(scope="module", params=[False, True], ids=["the same file", "a file that is read again"])
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("upgraded")
    state, table = folder / "state", folder / "health.csv"
    shutil.copytree(FIXTURES / "state_92bc8c2" / "state", state)
    shutil.copy(FIXTURES / "state_c692533" / "health.csv", table)
    sources = state / "snapshots" / "sources.json"
    if not request.param:
        # The copy has another path and inode than the table had when it was read: registered as the same one.
        [name] = json.loads(sources.read_bytes()).values()
        same = source_identity(Source(name="health", path=str(table)), rejected_limit=0.05)
        sources.write_text(json.dumps({same: name}))
    # Nearly ten years, the most that the setting takes: by 2036 the jobs expire, and the state has to be made anew.
    with serving(f"health={table}", state_dir=state, MEANTIME_KEEP_ENDED_S="3e8") as server:
        yield Upgraded(server.ready(), state / "snapshots", request.param)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_same(answer: dict[str, Any], before: dict[str, Any]) -> bool:
    rows = digest(json.dumps(answer.get("rows")))
    return bool(answer.get("method_version") != before["method_version"] or rows == before["rows"])


def test_the_table_has_its_old_fingerprint_until_it_is_read_again(upgraded: Upgraded) -> None:
    current = upgraded.get("/v1/datasets/health").json()["fingerprint"]
    assert (current == ANSWERS["fingerprint"]) is not upgraded.is_read_again
    folders = {path.name for path in upgraded.snapshots.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders == {current, ANSWERS["fingerprint"]}


def test_every_job_that_was_done_failed_cancelled_running_or_queued_is_answered_as_before(upgraded: Upgraded) -> None:
    for name, job_id in IDS.items():
        job = upgraded.server.client.get(f"/v1/jobs/{job_id}", headers={"prefer": "wait=60"}).json()
        assert job["fingerprint"] == ANSWERS["fingerprint"]
        results, before = upgraded.get(f"/v1/jobs/{job_id}/results").json(), ANSWERS["results"][name]
        assert is_same(results, before), name
        if results.get("method_version") == before["method_version"]:
            assert digest(upgraded.get(f"/api/get_results/{job_id}").text) == ANSWERS["classic"][name], name
    assert digest(upgraded.get(f"/v1/jobs/{IDS['done']}/results").text) == ANSWERS["stored"]


def test_a_lost_result_of_an_older_method_is_not_replaced_by_one_of_another(upgraded: Upgraded) -> None:
    """That of a ranking, whose version is 12 now."""
    upgraded.server.client.get(f"/v1/jobs/{IDS['lost']}", headers={"prefer": "wait=60"})
    reply = upgraded.get(f"/v1/jobs/{IDS['lost']}/results")
    assert reply.status_code == 410
    assert "made by version 11" in reply.json()["detail"]


def test_the_rows_behind_an_old_result_are_the_same(upgraded: Upgraded) -> None:
    assert is_same(upgraded.get(f"/v1/jobs/{IDS['done']}/rows").json(), ANSWERS["source_rows"])


def test_an_old_link_gives_the_old_answer_and_knows_its_etag(upgraded: Upgraded) -> None:
    link = ANSWERS["link"]
    reply = upgraded.get("/v1/statistics/ranking", **link["parameters"])
    assert is_same(reply.json(), link)
    if reply.json()["method_version"] == link["method_version"]:
        # After the point it names the software that wrote it, which may write other bytes: Python, zlib, fonts, ...
        assert reply.headers["etag"].partition(".")[0] == link["etag"].partition(".")[0]
    tag = {"if-none-match": reply.headers["etag"]}
    again = upgraded.server.client.get("/v1/statistics/ranking", params=link["parameters"], headers=tag)
    assert again.status_code == 304
