from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from meantime.model import JobRecord, JobState, Request
from meantime.web.metrics import Metrics
from tests.support.web_app import OBESITY, Served, served

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(server: Served) -> Samples:
    text = server.ask("GET", "/metrics").body.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_jobs_are_counted_by_state_with_how_long_they_waited_and_worked(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        server.post("states_mean", question=OBESITY)
        server.post("states_mean", question="nonsense")
        samples = read(server)
        assert one(samples, "meantime_jobs", state="queued") == 2
        assert one(samples, "meantime_queue_depth") == 2
        server.load()
        assert server.engine.wait_drained(30)
        samples = read(server)
    assert one(samples, "meantime_queue_depth") == 0
    assert one(samples, "meantime_jobs", state="done") == 1
    assert one(samples, "meantime_jobs", state="failed") == 1
    assert one(samples, "meantime_job_wait_seconds_count") == 2
    assert one(samples, "meantime_job_run_seconds_count", state="done") == 1
    assert one(samples, "meantime_job_run_seconds_count", state="failed") == 1


def test_requests_are_counted_by_route_and_not_by_path(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for number in range(1, 6):
            server.ask("GET", f"/api/get_results/job_id_{number}")
            server.ask("GET", f"/nope/{number}")
            server.ask(f"INVENT{number}", "/api/jobs")
        server.ask("GET", "/livez", headers={"Host": "example.org"})
        samples = read(server)
    name = "meantime_http_requests_total"
    assert one(samples, name, route="/api/get_results/{job_id}", method="GET", status="200") == 5
    assert one(samples, name, route="none", method="GET", status="404") == 5
    assert one(samples, name, route="/api/jobs", method="other", status="405") == 5
    assert one(samples, name, route="none", method="GET", status="421") == 1
    assert one(samples, "meantime_http_request_seconds_count", route="none", method="GET") == 6


def test_what_is_loaded_is_reported(tmp_path: Path) -> None:
    with served(tmp_path, is_loaded=False) as server:
        samples = read(server)
        assert one(samples, "meantime_dataset_state", dataset="table", state="loading") == 1
        assert one(samples, "meantime_dataset_progress", dataset="table") == 0.42
        server.load()
        samples = read(server)
    assert one(samples, "meantime_dataset_state", dataset="table", state="loading") == 0
    assert one(samples, "meantime_dataset_state", dataset="table", state="ready") == 1
    facts = {
        name: one(samples, f"meantime_dataset_{name}", dataset="table")
        for name in ("rows", "cells", "questions", "locations", "withheld_rows", "rejected_lines")
    }
    assert facts == {"rows": 6, "cells": 6, "questions": 2, "locations": 4, "withheld_rows": 1, "rejected_lines": 0}
    assert any(name == "meantime_build_info" for name, _ in samples)
    assert one(samples, "meantime_accepting") == 1


def test_an_error_of_a_job_is_counted_and_logged_in_full() -> None:
    metrics = Metrics()
    job = JobRecord(number=7, request=Request(dataset="d", statistic="states_mean", parameters={}), created_at_s=0)
    with capture_logs() as events:
        metrics.job_trouble(job, ValueError("why"))
        metrics.job_ended(JobState.FAILED, 0.1)
    [event] = events
    assert (event["job_id"], event["statistic"]) == ("job_id_7", "states_mean")
    assert isinstance(event["exc_info"], ValueError)
    assert b'meantime_job_trouble_total{error="ValueError"} 1.0' in metrics.read().body


def test_a_jump_of_the_clock_is_logged() -> None:
    with capture_logs() as events:
        Metrics().clock_jumped(86_400.0)
    [event] = events
    assert (event["log_level"], event["ahead_hours"]) == ("warning", 24.0)


def test_two_servers_count_apart() -> None:
    one_server, other = Metrics(), Metrics()
    one_server.request_answered("/", "GET", 200, 0.1)
    assert b'route="/"' in one_server.read().body
    assert b'route="/"' not in other.read().body
