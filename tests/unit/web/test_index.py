from __future__ import annotations

from pathlib import Path

from meantime.errors import RolesMissing
from tests.support.web_app import OBESITY, served, table

JSON = {"Accept": "application/json"}


def test_who_asks_for_json_at_the_root_gets_what_is_loaded_the_default_first(tmp_path: Path) -> None:
    with served(tmp_path, outcomes={"good": table(), "bad": RolesMissing("no value column")}) as server:
        answer = server.ask("GET", "/", headers=JSON)
        labels = server.catalog.snapshot("good").cube.labels
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["vary"] == "accept"
    good, bad = answer.json["datasets"]
    assert (good["name"], good["status"]) == ("good", "ready")
    assert OBESITY in good["questions"]
    assert good["questions"] == list(labels.questions)
    assert good["locations"] == list(labels.locations)
    assert bad == {"name": "bad", "status": "failed", "code": "roles-missing", "reason": "no value column"}


def test_a_browser_gets_the_page(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*"):
            assert server.ask("GET", "/", headers={"Accept": accept}).headers["content-type"].startswith("text/html")
