from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from meantime import errors
from meantime.errors import Failure, Fault, MeantimeError, Problem
from meantime.web.http import problems
from meantime.web.v1 import openapi
from meantime.web.v1.routes import ENDPOINTS
from tests.support import generated_docs

# What no request under /v1 can meet, and why. Whatever is in neither list is a gap.
NEVER_TOLD = {
    errors.SettingInvalid: "ends the start of the server",
    errors.DataError: "a data set that failed to load is told as DatasetNotReady, with the reason",
    errors.LoadFailed: "likewise",
    errors.LoadMemoryTooSmall: "likewise",
    errors.LoadCancelled: "the server stops",
    errors.RequestRefused: "only its kinds are raised",
    errors.Unavailable: "only its kinds are raised",
    errors.JobInterrupted: "only its kinds are raised",
    errors.JobOutOfTime: "the failure of a job, told as JobFailed",
    errors.JobOutOfMemory: "the failure of a job, told as JobFailed",
    errors.JobGivenBack: "the engine's own: the job is run at the next start",
    errors.JobEnded: "an outcome of DELETE, which leaves the job as it is",
    errors.JobUnfinished: "DELETE cancels such a job",
    errors.ServerUnreachable: "a client's",
    errors.NotMeantime: "a client's",
    errors.PackageMissing: "a client's",
    errors.StoreError: "only its kinds are raised",
    errors.RecordDamaged: "the failure of a job, told as JobFailed",
    errors.StoreTooNew: "ends the start of the server",
    errors.StateInUse: "ends the start of the server",
    errors.IllegalTransition: "a bug",
}


def kinds(of: type[MeantimeError] = MeantimeError) -> Iterator[type[MeantimeError]]:
    for kind in of.__subclasses__():
        # Those of tests are none of ours.
        if kind.__module__.startswith(f"{errors.__name__}."):
            yield kind
            yield from kinds(kind)


def test_every_error_is_a_problem_or_never_reaches_a_client() -> None:
    for kind in kinds():
        is_never_told = kind in NEVER_TOLD or issubclass(kind, errors.DataError)
        assert (kind in problems.KINDS) is not is_never_told, kind


def test_every_problem_has_a_page_and_every_page_a_problem() -> None:
    assert set(problems.PAGES) == {kind.code for kind in problems.KINDS} | {problems.INTERNAL}


def test_every_problem_is_one_that_some_endpoint_may_answer_with_or_the_door() -> None:
    declared = {kind for endpoint in ENDPOINTS for kind in endpoint.problems} | {*openapi.EVERYWHERE}
    # What is said where no endpoint is.
    of_the_carrier = {errors.PathUnknown, errors.MethodNotAllowed}
    assert declared - {None} | of_the_carrier == {*problems.KINDS}


def test_wherever_the_record_of_a_job_is_read_it_may_be_that_it_cannot() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.path.startswith("/v1/jobs") and endpoint.name != "follow_jobs":
            assert errors.StoreBroken in endpoint.problems, endpoint.name


def test_a_code_belongs_to_one_kind() -> None:
    assert len({kind.code for kind in kinds()}) == len(list(kinds()))


def test_every_problem_has_a_status_of_its_own_not_that_of_a_bug() -> None:
    for kind in problems.KINDS:
        assert problems.status_of(kind) in range(400, 500) or problems.status_of(kind) == 503, kind


def test_the_pages_in_the_documents_are_current() -> None:
    made = generated_docs.made()
    assert {path: path.read_text(encoding="utf-8") for path in made} == made, "run make docs"
    problems = generated_docs.DOCS / "problems"
    assert set(problems.iterdir()) == {path for path in made if path.parent == problems}


@pytest.mark.parametrize("kind", problems.KINDS)
def test_every_kind_becomes_a_whole_problem(kind: type[MeantimeError]) -> None:
    reply = problems.error_reply(kind("It is so."))
    body = json.loads(reply.body)
    assert (reply.status, reply.content_type, reply.reason) == (
        problems.status_of(kind),
        "application/problem+json",
        "It is so.",
    )
    assert body == {
        "type": f"/v1/problems/{kind.code}",
        "title": problems.PAGES[kind.code].title,
        "status": reply.status,
        "detail": "It is so.",
        "code": kind.code,
        "fault": str(kind.fault),
        "next": problems.PAGES[kind.code].next,
    }
    names = {name for name, _ in reply.headers}
    assert {name.lower() for name in problems.headers_of(kind)} == names - {"cache-control"}
    assert ("cache-control", "no-store") in reply.headers


def test_all_problems_of_a_request_are_listed() -> None:
    wrong = Problem(pointer="/question", code="unknown", detail="There is none.", closest=("A", "B"))
    body = json.loads(problems.error_reply(errors.RequestInvalid("No.", problems=[wrong, wrong])).body)
    problem = {"pointer": "/question", "code": "unknown", "detail": "There is none.", "closest": ["A", "B"]}
    assert body["problems"] == [problem, problem]


def test_a_failed_job_has_the_fault_of_its_failure() -> None:
    failure = Failure(code="request-invalid", fault=Fault.CALLER, reason="There is no such question.")
    reply = problems.error_reply(errors.JobFailed("job_id_1 failed.", failure=failure))
    body = json.loads(reply.body)
    assert (reply.status, body["fault"]) == (424, "caller")
    assert body["failure"] == {
        "code": "request-invalid",
        "fault": "caller",
        "reason": "There is no such question.",
    }


def test_headers_say_when_where_and_how() -> None:
    headers = {
        "retry-after": problems.error_reply(errors.QueueFull("Full.", retry_after_s=7)),
        "allow": problems.error_reply(errors.MethodNotAllowed("No.", allowed=["GET", "HEAD"])),
        "content-range": problems.error_reply(errors.RangeInvalid("RunningBackend.", size_bytes=12)),
    }
    assert {name: dict(reply.headers)[name] for name, reply in headers.items()} == {
        "retry-after": "7",
        "allow": "GET, HEAD",
        "content-range": "bytes */12",
    }
    assert dict(problems.error_reply(errors.ResultNotReady("Soon.", retry_after_s=3)).headers)["retry-after"] == "3"


@pytest.mark.parametrize(
    "error", [ValueError("secret"), errors.IllegalTransition("secret"), errors.StoreTooNew("secret")]
)
def test_an_unexpected_error_shows_no_details(error: Exception) -> None:
    reply = problems.error_reply(error)
    assert (reply.status, json.loads(reply.body)["code"]) == (500, "internal")
    assert b"secret" not in reply.body
    assert reply.reason is not None
    assert "secret" in reply.reason


def test_paths_are_for_the_log_only() -> None:
    reply = problems.error_reply(errors.StoreBroken("The store failed.").for_operator("/srv/jobs.sqlite3 failed."))
    assert b"/srv" not in reply.body
    assert reply.reason == "/srv/jobs.sqlite3 failed."


def test_a_reason_with_half_a_character_is_still_sent() -> None:
    reply = problems.error_reply(errors.PathUnknown("Nothing is at \udc80."))
    assert json.loads(reply.body)["detail"] == "Nothing is at \\udc80."


def test_pages_are_texts_of_whole_sentences() -> None:
    for code, page in problems.PAGES.items():
        assert not page.title.endswith("."), code
        assert page.happened.endswith("."), code
        assert page.next.endswith((".", ")")), code


def test_the_document_has_an_example_of_each() -> None:
    for kind in (*problems.KINDS, None):
        example = problems.example(kind)
        assert example.code == problems.code_of(kind)
        assert (problems.kind_of(example.code), example.status) == (kind, problems.status_of(kind))


def test_texts_ship_with_the_package() -> None:
    assert Path(problems.__file__).with_name("problems.toml").is_file()
