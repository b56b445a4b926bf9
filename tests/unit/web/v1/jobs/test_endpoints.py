from __future__ import annotations

import msgspec

from meantime.model import JobState
from meantime.web.v1.jobs import endpoints as job_endpoints
from meantime.web.v1.jobs import resource
from meantime.web.v1.results import endpoints as result_endpoints
from tests.support.v1_calls import running_backend
from tests.support.v1_jobs import read_job


def test_every_example_is_what_its_type_says() -> None:
    for endpoint in (*job_endpoints.ENDPOINTS, *result_endpoints.ENDPOINTS):
        if endpoint.body is not None:
            msgspec.convert(endpoint.body_example, endpoint.body)
        for outcome in endpoint.outcomes:
            if (kind := outcome.content.get("application/json")) is not None:
                assert msgspec.to_builtins(msgspec.convert(outcome.example, kind)) == outcome.example


def test_every_state_and_time_of_a_job_is_in_its_schema() -> None:
    _, components = msgspec.json.schema_components([resource.JobResource])
    with running_backend() as api:
        job = read_job(api, api.done())
    assert set(job) == set(components["JobResource"]["properties"])
    assert set(components["JobState"]["enum"]) == {str(state) for state in JobState}


def test_links_lead_to_operations_that_there_are() -> None:
    names = {endpoint.name for endpoint in job_endpoints.ENDPOINTS} | {"get_result"}
    assert {
        link.operation
        for endpoint in job_endpoints.ENDPOINTS
        for outcome in endpoint.outcomes
        for link in outcome.links
    } <= names
