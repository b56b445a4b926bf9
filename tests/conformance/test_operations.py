"""What operators and browsers ask: health, figures, the first page, and who may stop the server."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.api import Api, assert_refused

pytestmark = pytest.mark.live

READ = ("/api/jobs", "/api/num_jobs", "/api/get_results/job_id_1", "/livez", "/readyz", "/metrics", "/")


def test_it_lives_and_is_ready(api: Api) -> None:
    assert api.get("/livez").status == 200
    reply = api.get("/readyz")
    assert reply.status == 200
    assert "ready" in reply.body.decode()
    assert isinstance(reply.json(), dict)


def test_metrics_are_in_the_format_of_prometheus(api: Api) -> None:
    reply = api.get("/metrics")
    assert reply.status == 200
    assert reply.type.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
    assert any(name.startswith("meantime_") for name in families)
    assert any(sample.labels.get("state") == "done" for family in families.values() for sample in family.samples)


def test_the_first_page_is_for_people(api: Api) -> None:
    reply = api.get("/")
    assert reply.status == 200
    assert reply.type.startswith("text/html")
    assert b"/api/" in reply.body


@pytest.mark.parametrize("path", READ)
def test_head_answers_as_get_does_without_a_body(api: Api, path: str) -> None:
    response = api.send("HEAD", path)
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["Content-Type"] == api.get(path).type


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch"},
    ],
    ids="-".join,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_stops_the_server_from_elsewhere(api: Api, method: str, headers: dict[str, str]) -> None:
    response = api.send(method, "/api/graceful_shutdown", headers=headers)
    assert response.status_code == 403
    assert response.json()["status"] == "error"
    assert api.get("/readyz").status == 200


def test_a_name_that_is_not_the_servers_is_refused(api: Api) -> None:
    response = api.send("GET", "/api/num_jobs", headers={"Host": "elsewhere.example"})
    assert 400 <= response.status_code < 500
    assert response.json()["status"] == "error"


@pytest.mark.parametrize("path", ["/", "/api/jobs", "/api/nothing"])
def test_nothing_says_which_language_or_server_it_is_made_of(api: Api, path: str) -> None:
    headers = " ".join(api.send("GET", path).headers.values()).casefold()
    assert "python" not in headers
    assert "traceback" not in api.get(path).body.decode().casefold()


def test_an_unknown_path_is_json_for_people_too(api: Api) -> None:
    assert_refused(api.get("/favicon.nothing", headers={"Accept": "text/html"}), 404)
