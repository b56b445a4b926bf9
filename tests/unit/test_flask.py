"""The parts of a Flask application: started once in a process, stopped in order, reported in its log."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from meantime import flask as meantime_flask
from meantime.errors import SettingInvalid, SourceUnreadable, StateInUse
from meantime.stores.state_lock import StateLock


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    data = tmp_path / "table.csv"
    data.write_text("Question,LocationDesc,Data_Value\nSmoking,Utah,1.5\n", encoding="utf-8")
    monkeypatch.setenv("MEANTIME_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MEANTIME_DATA", str(data))
    monkeypatch.setenv("TP_NUM_OF_THREADS", "2")
    # The process of the tests goes on: who would stop at its end is stopped here.
    yield tmp_path
    for lifetime in list(meantime_flask._started.values()):
        lifetime.stop()


def test_the_whole_application_starts_and_stops_its_parts(environment: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="meantime"):
        app = meantime_flask.create_app()
        running = app.extensions["meantime"]
        client = app.test_client()
        assert client.get("/livez").json == {"status": "alive"}
        assert client.post("/api/states_mean", json={"question": "Smoking"}).json == {"job_id": "job_id_1"}
        assert running.engine.wait_drained(30)
        assert client.get("/api/get_results/job_id_1").json == {"status": "done", "data": {"Utah": 1.5}}
        running.stop()
        running.stop()
    assert client.post("/api/states_mean", json={"question": "Smoking"}).status_code == 503
    messages = [record.getMessage().partition(" ")[0] for record in caplog.records if record.name == "meantime"]
    assert messages[-2:] == ["stopping:", "stopped"]
    assert len([record for record in caplog.records if "data set ready" in record.getMessage()]) == 1
    StateLock(environment / "state").release()


@pytest.mark.usefixtures("environment")
def test_the_parts_are_started_once_in_a_process() -> None:
    threads = threading.active_count()
    first = meantime_flask.start()
    started = threading.active_count()
    assert meantime_flask.start() is first
    assert threading.active_count() == started > threads
    first.stop()
    second = meantime_flask.start()
    assert second is not first
    assert second.engine.is_accepting


def test_another_process_on_the_state_directory_gets_an_error_that_says_what_to_do(environment: Path) -> None:
    with StateLock(environment / "state"), pytest.raises(StateInUse, match="one worker with threads"):
        meantime_flask.start()


def test_what_is_wrong_is_said_before_anything_is_started(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEANTIME_DATA", str(environment / "absent.csv"))
    with pytest.raises(SourceUnreadable):
        meantime_flask.start()
    monkeypatch.setenv("MEANTIME_DATA", f"a={environment}/table.csv:a={environment}/table.csv")
    with pytest.raises(SettingInvalid, match="named 'a'"):
        meantime_flask.create_app()
    assert not (environment / "state").exists()


def test_what_the_application_says_itself_is_said_once_and_is_in_our_file(
    environment: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("shop")
    running = meantime_flask.start(app.logger)
    app.logger.warning("the till is empty")
    running.stop()
    assert [record.getMessage() for record in caplog.records].count("the till is empty") == 1
    file = (environment / "state" / "webserver.log").read_text(encoding="utf-8")
    assert file.count("the till is empty logger=shop") == 1
    assert file.count("stopped unfinished=0") == 1


def test_the_blueprint_of_the_page_works_in_an_application_as_it_says(environment: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "flask.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "shop"}
    exec(code, names)  # noqa: S102 - the page's own example
    client = names["app"].test_client()
    assert client.get("/indicators/api/num_jobs").json == {"status": "done", "num_jobs": 0}
    assert client.get("/api/num_jobs").status_code == 404
    assert client.post("/indicators/api/states_mean", json={"question": "Smoking"}).json == {"job_id": "job_id_1"}
    assert "path=/indicators/api/num_jobs" in _log_after_stop(environment, names["running"])


def _log_after_stop(environment: Path, running: meantime_flask.Running) -> str:
    running.stop()
    return (environment / "state" / "webserver.log").read_text(encoding="utf-8")
