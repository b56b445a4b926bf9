from __future__ import annotations

from typing import NoReturn

import pytest

from meantime.web.backend import Backend
from meantime.web.http.request import HttpRequest
from meantime.web.http.router import Router
from tests.support.endpoint_client import endpoint


async def unused(_backend: Backend, _request: HttpRequest) -> NoReturn:
    raise AssertionError("a router calls nothing")


ROUTER = Router(
    [
        endpoint(path, unused, method)
        for path, method in (
            ("/v1/jobs", "GET"),
            ("/v1/jobs", "POST"),
            ("/v1/jobs/batch", "POST"),
            ("/v1/jobs/events", "GET"),
            ("/v1/jobs/{job_id}", "GET"),
            ("/v1/jobs/{job_id}", "DELETE"),
            ("/v1/jobs/{job_id}/events", "GET"),
            ("/v1/jobs/{job_id}/results", "GET"),
            ("/v1/jobs/{job_id}/results.{suffix}", "GET"),
            ("/v1/statistics/{name}.{suffix}", "GET"),
            ("/v1/statistics/{name}", "GET"),
            ("/api/get_results", "GET"),
            ("/api/get_results/{job_id:path}", "GET"),
            ("/explorer/{file:path}", "GET"),
        )
    ]
)


@pytest.mark.parametrize(
    ("path", "template", "values"),
    [
        ("/v1/jobs", "/v1/jobs", {}),
        ("/v1/jobs/", "/v1/jobs", {}),
        ("//v1///jobs//", "/v1/jobs", {}),
        ("/%76%31/jo%62s", "/v1/jobs", {}),
        ("/v1/jobs/events", "/v1/jobs/events", {}),
        ("/v1/jobs/events/events", "/v1/jobs/{job_id}/events", {"job_id": "events"}),
        ("/v1/jobs/batch", "/v1/jobs/batch", {}),
        ("/v1/jobs/job%5Fid_1", "/v1/jobs/{job_id}", {"job_id": "job_id_1"}),
        ("/v1/jobs/a%2Fb", "/v1/jobs/{job_id}", {"job_id": "a/b"}),
        ("/v1/jobs/a%252Fb", "/v1/jobs/{job_id}", {"job_id": "a%2Fb"}),
        ("/v1/jobs/a+b%0a", "/v1/jobs/{job_id}", {"job_id": "a+b\n"}),
        ("/v1/jobs/%ff", "/v1/jobs/{job_id}", {"job_id": "\ufffd"}),
        ("/v1/jobs/..", "/v1/jobs/{job_id}", {"job_id": ".."}),
        ("/v1/jobs/1/results", "/v1/jobs/{job_id}/results", {"job_id": "1"}),
        ("/v1/jobs/1/results.csv", "/v1/jobs/{job_id}/results.{suffix}", {"job_id": "1", "suffix": "csv"}),
        ("/v1/jobs/1/results%2Etar.gz", "/v1/jobs/{job_id}/results.{suffix}", {"job_id": "1", "suffix": "tar.gz"}),
        ("/v1/statistics/mean", "/v1/statistics/{name}", {"name": "mean"}),
        ("/v1/statistics/a.vl.json", "/v1/statistics/{name}.{suffix}", {"name": "a", "suffix": "vl.json"}),
        ("/api/get_results", "/api/get_results", {}),
        ("//api//get_results//", "/api/get_results", {}),
        ("/api/get_results/job%5Fid_1", "/api/get_results/{job_id}", {"job_id": "job_id_1"}),
        ("//api//get_results//a/b%2Fc/", "/api/get_results/{job_id}", {"job_id": "/a/b/c/"}),
        ("/api/%67et_results/%ff%0a", "/api/get_results/{job_id}", {"job_id": "\ufffd\n"}),
    ],
)
def test_a_path_leads_to_the_template_that_says_most_of_it(path: str, template: str, values: dict[str, str]) -> None:
    match = ROUTER.find(path.encode())
    assert match is not None
    assert (match[0].template, match[1]) == (template, values)


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/Jobs",
        "/v1/jobs/1/resultsXcsv",
        "/v1/jobs/1/results.",
        "/v1/jobs/1/events/2",
        "/v1%2Fjobs",
        "/",
        "/explorer",
        "/explorer/",
        "/api%2Fget_results",
        "*",
    ],
)
def test_other_paths_lead_nowhere(path: str) -> None:
    assert ROUTER.find(path.encode()) is None


def test_a_route_knows_its_methods() -> None:
    match = ROUTER.find(b"/v1/jobs/1")
    assert match is not None
    assert match[0].allowed == ("DELETE", "GET", "HEAD", "OPTIONS")


def test_two_endpoints_for_one_method_are_refused() -> None:
    with pytest.raises(ValueError, match="two endpoints"):
        Router([endpoint("/v1/jobs", unused), endpoint("/v1/jobs", unused)])
