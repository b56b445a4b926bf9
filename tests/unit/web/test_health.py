from __future__ import annotations

import time
from pathlib import Path

import pytest

from meantime.errors import RolesMissing
from tests.support.web_app import served, table


def test_livez_is_alive_whatever_the_data_sets_do(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        answer = server.ask("GET", "/livez")
        assert (answer.status, answer.body) == (200, b'{"status":"alive"}')


def test_readyz_says_loading_with_progress_and_then_ready_with_what_is_loaded(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        answer = server.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.json == {
            "status": "loading",
            "datasets": {"table": {"status": "loading", "phase": "reading", "share": 0.42, "rows": 1234}},
        }
        server.load()
        answer = server.ask("GET", "/readyz")
        assert answer.status == 200
        fingerprint = server.catalog.snapshot("table").fingerprint
        assert answer.json == {
            "status": "ready",
            "datasets": {
                "table": {
                    "status": "ready",
                    "title": "A table for a test",
                    "rows": 6,
                    "questions": 2,
                    "fingerprint": fingerprint,
                    "synthetic": False,
                }
            },
        }


def test_readyz_says_failed_with_the_reason_while_the_others_are_ready(tmp_path: Path) -> None:
    with served(
        tmp_path, outcomes={"good": table(), "bad": RolesMissing("no value column in caf\udce9.csv")}
    ) as server:
        answer = server.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.json["status"] == "failed"
        assert answer.json["datasets"]["good"]["status"] == "ready"
        assert answer.json["datasets"]["bad"] == {
            "status": "failed",
            "code": "roles-missing",
            "reason": "no value column in caf\\udce9.csv",
        }


def test_readyz_says_shutting_down_before_anything_else(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        server.engine.stop_accepting()
        answer = server.ask("GET", "/readyz")
        assert (answer.status, answer.json["status"]) == (503, "shutting down")


def test_readyz_and_metrics_say_that_nothing_is_removed_while_the_clock_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        assert "removal" not in server.ask("GET", "/readyz").json
        monkeypatch.setattr(server.engine._removal._watch, "_clock", lambda: time.time() + 365 * 86_400)
        answer = server.ask("GET", "/readyz")
        assert answer.status == 200
        assert answer.json["removal"] == (
            "The server's clock has jumped ahead, so expired jobs are kept for 24 more hours. Check the clock."
        )
        assert "meantime_removal_held 1.0" in server.ask("GET", "/metrics").body.decode()
