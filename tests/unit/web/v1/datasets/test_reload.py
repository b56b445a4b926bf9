from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.catalogs import ReadGate, Workspace
from tests.support.v1_requests import KEY, serving
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_reload_is_accepted_and_can_be_followed(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        way = ReadGate(workspace)
        workspace.source("a", "2")
        reply = ask.reload()
        way.wait_entered()
        seen = ask("/v1/datasets/a")
        way.let_on()
        ask.catalog.reload("a").result(PATIENCE_S)
        after = ask("/v1/datasets/a").json
    assert reply.status == 202
    assert (reply.headers["location"], reply.headers["retry-after"]) == ("/v1/datasets/a", "1")
    assert reply.json["outcome"] == "reading"
    assert reply.json["dataset"]["reading"] is not None
    assert (seen.json["status"], seen.json["reading"]["share"]) == ("ready", 0.5)
    assert seen.headers["cache-control"] == "no-store"
    assert seen.json["fingerprint"] == reply.json["dataset"]["fingerprint"] != after["fingerprint"]
    assert after["reading"] is None


def test_a_reload_that_is_waited_for_says_what_it_has_come_to(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        unchanged = ask.reload(prefer="wait=30")
        workspace.source("a", "2")
        replaced = ask.reload(prefer="wait=30")
        workspace.source("a")
        failed = ask.reload(prefer="wait=30")
        still = ask("/v1/datasets/a").json
    assert (unchanged.status, unchanged.json["outcome"]) == (200, "unchanged")
    assert unchanged.headers["preference-applied"] == "wait=30"
    assert (replaced.status, replaced.json["outcome"]) == (200, "replaced")
    assert replaced.json["dataset"]["fingerprint"] != unchanged.json["dataset"]["fingerprint"]
    assert (failed.status, failed.json["code"], failed.json["fault"]) == (424, "reload-failed", "data")
    assert "has no rows" in failed.json["detail"]
    assert (still["status"], still["failure"]["code"]) == ("ready", "source-empty")
    assert still["fingerprint"] == replaced.json["dataset"]["fingerprint"]


def test_a_reload_that_takes_longer_than_is_waited_goes_on(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        way = ReadGate(workspace)
        workspace.source("a", "2")
        reply = ask.reload(prefer="wait=0")
        way.wait_entered()
        assert reply.status == 202
        assert reply.headers["preference-applied"] == "wait=0"
        way.let_on()
        assert ask.reload(prefer="wait=30").status == 200
        assert ask.catalog.snapshot("a").cube.by_question.mean.tolist() == [2.0]


def test_a_reload_while_the_server_stops_is_refused_as_that(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        ask.catalog.close()
        reply = ask.reload(prefer="wait=30")
    assert (reply.status, reply.json["code"]) == (503, "shutting-down")


@pytest.mark.parametrize(
    "more",
    [
        {"peer": "192.0.2.7"},
        {"headers": {"x-forwarded-for": "192.0.2.7"}},
        {"headers": {"via": "1.1 proxy"}},
        {"headers": {"origin": "http://elsewhere.example"}},
        {"headers": {"sec-fetch-site": "cross-site"}},
        {"headers": {"x-admin-key": "guessed"}},
    ],
)
def test_only_the_operator_may_have_files_read_again(workspace: Workspace, more: dict[str, Any]) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        workspace.source("a", "2")
        reply = ask("/v1/datasets/a/reload", "POST", **more)
        headers = {**more.get("headers", {}), "x-admin-key": KEY, "prefer": "wait=30"}
        with_key = ask("/v1/datasets/a/reload", "POST", **{**more, "headers": headers})
    assert (reply.status, reply.json["code"]) == (403, "operator-only")
    assert (with_key.status, with_key.json["outcome"]) == (200, "replaced")
