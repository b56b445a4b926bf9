from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from meantime import errors
from meantime.dataset.snapshot import Snapshot
from meantime.web.classic import contract
from tests.support import factories
from tests.support.web_app import OBESITY, Served, carried_by, served, table

EVIL = "<script>alert('1')</script>\"&'<img src=x onerror=y>"


@pytest.fixture(autouse=True)
def _by_flask() -> Iterator[None]:
    with carried_by("flask"):
        yield


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser gives both
        self.seen.add(tag)


def page(server: Served, **more: object) -> str:
    answer = server.ask("GET", "/", **more)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.body.decode()


def with_about(snapshot: Snapshot, **changes: object) -> Snapshot:
    return Snapshot(
        fingerprint=snapshot.fingerprint, cube=snapshot.cube, about=msgspec.structs.replace(snapshot.about, **changes)
    )


def test_names_what_is_loaded_every_route_and_the_documents(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        text = page(server)
    for needed in (
        OBESITY,
        "A table for a test",
        "6 rows (1 withheld, 0 lines rejected)",
        *contract.STATISTICS,
        "/api/get_results/",
        "/readyz",
        "/openapi.json",
        "classic-api.md",
        "curl http://localhost:5000/api/states_mean --json",
    ):
        assert needed in text
    assert "ynthetic" not in text
    assert "refresh" not in text


def test_has_no_script_and_a_policy_that_allows_none(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        answer = server.ask("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    [style] = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert b"<script" not in answer.body
    assert b"style=" not in answer.body


def test_synthetic_data_is_said_to_be_synthetic(tmp_path: Path) -> None:
    with served(tmp_path, outcomes={"sample": with_about(table(), synthetic=True)}) as server:
        assert "Synthetic data: made up by a program." in page(server)


def test_while_loading_it_shows_how_far_and_looks_again_by_itself(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        text = page(server)
        assert "reading, 42%, 1,234 rows" in text
        assert '<progress max="1" value="0.420">' in text
        assert 'http-equiv="refresh"' in text


def test_shutting_down_is_said(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.engine.stop_accepting()
        assert "shutting down" in page(server)


@pytest.mark.parametrize("is_failed", [False, True])
def test_no_text_of_a_file_becomes_markup(tmp_path: Path, is_failed: bool) -> None:
    evil = with_about(
        factories.snapshot([factories.row(EVIL, EVIL, "1")]),
        title=EVIL,
        warnings=(EVIL,),
        delimiter=EVIL,
        files=(EVIL,),
    )
    outcome = errors.SourceUnreadable(EVIL + "\udcff") if is_failed else evil
    with served(tmp_path, outcomes={"table": outcome}, allowed_hosts=["a&'b"]) as server:
        answer = server.ask("GET", "/", headers={"Host": "a&'b"})
    tags = Tags()
    tags.feed(answer.body.decode())
    assert "meta" in tags.seen
    assert not {"script", "img"} & tags.seen
    assert b"&lt;script&gt;" in answer.body
    assert b"http://a&amp;&#x27;b/api" in answer.body


def test_a_table_with_very_many_questions_is_cut_and_says_so(tmp_path: Path) -> None:
    many = factories.snapshot([factories.row(f"Question {number}", "Utah", "1") for number in range(250)])
    with served(tmp_path, outcomes={"table": many}) as server:
        text = page(server)
    assert text.count("<li>") == 200
    assert "and 50 more" in text
