"""What is refused: with the right status, in JSON, with a reason, and without a job."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conformance.api import BY_STATE, POLARITY, STATISTICS, Api, Ask, Reply, assert_refused
from tests.conformance.expected import Expected

pytestmark = pytest.mark.live

MIB = 1024 * 1024
DEEP = 100_000

UNREADABLE = {
    "empty": b"",
    "space": b"  ",
    "cut": b'{"question": "x',
    "text": b"question",
    "two-values": b'{"question": "x"} {}',
    "trailing-comma": b'{"question": "x",}',
    "single-quotes": b"{'question': 'x'}",
    "not-utf-8": b'{"question": "\xff\xfe"}',
    "lone-surrogate": b'{"question": "\\ud800"}',
    "array": b"[]",
    "string": b'"question"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "deep-arrays": b"[" * DEEP + b"]" * DEEP,
    "deep-objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep-in-question": b'{"question":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep-elsewhere": b'{"question":"x","more":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep-and-open": b"[" * DEEP,
    "no-question": b"{}",
    "question-in-upper-case": b'{"QUESTION": "x"}',
    "question-null": b'{"question": null}',
    "question-number": b'{"question": 1}',
    "question-true": b'{"question": true}',
    "question-array": b'{"question": ["x"]}',
    "question-object": b'{"question": {"x": 1}}',
    "question-empty": b'{"question": ""}',
    "question-nul": b'{"question": "\\u0000"}',
    "question-long": b'{"question": "' + b"x" * (MIB - 100) + b'"}',
}


@pytest.mark.parametrize("statistic", ["states_mean", "state_mean_by_category"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_is_no_request_is_refused(api: Api, statistic: str, body: bytes) -> None:
    assert_refused(api.post(f"/api/{statistic}", body), 400)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_wants_a_question(api: Api, statistic: str) -> None:
    assert_refused(api.post(f"/api/{statistic}", b'{"state": "Utah"}'), 400, says="question")


@pytest.mark.parametrize("statistic", BY_STATE)
@pytest.mark.parametrize("state", ["", ', "state": null', ', "state": 7', ', "state": ["Utah"]'])
def test_a_statistic_of_a_state_wants_a_state(api: Api, question: str, statistic: str, state: str) -> None:
    body = f'{{"question": {json.dumps(question)}{state}}}'
    assert_refused(api.post(f"/api/{statistic}", body.encode()), 400, says="state")


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_question_that_the_data_set_does_not_have_is_refused_with_the_closest(
    api: Api, question: str, states: list[str], statistic: str
) -> None:
    misspelt = Ask(statistic, question[:-3] + question[-2:], states[0])
    assert_refused(api.ask(misspelt), 400, says=question)


@pytest.mark.parametrize("statistic", BY_STATE)
def test_a_state_that_the_data_set_does_not_have_is_refused_with_the_closest(
    api: Api, question: str, states: list[str], statistic: str
) -> None:
    longest = max(states, key=len)
    assert_refused(api.ask(Ask(statistic, question, longest + "x")), 400, says=longest)


def test_names_are_taken_as_they_are_in_the_file(api: Api, question: str, states: list[str]) -> None:
    assert_refused(api.ask(Ask("states_mean", question.upper())), 400)
    assert_refused(api.ask(Ask("state_mean", question, f" {states[0]}")), 400)


def test_a_pair_without_a_value_is_refused_with_the_reason(api: Api, expected: Expected, questions: list[str]) -> None:
    known = {state for _, state in (*expected.values, *expected.withheld)}
    for question, state in expected.without_value:
        if question not in questions:
            continue
        assert state in known
        count = expected.withheld.get((question, state), 0)
        for statistic in BY_STATE:
            reply = api.ask(Ask(statistic, question, state))
            assert_refused(reply, 400, says="withheld" if count else "")
            assert str(count or "") in reply.json()["reason"]


def test_keys_that_the_request_does_not_know_are_no_error(api: Api, question: str) -> None:
    body = json.dumps({"question": question, "state": "x", "colour": [1, {"a": None}]})
    reply = api.post("/api/states_mean", body.encode())
    assert reply.status == 200
    assert api.data(reply.json()["job_id"])


def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_read(api: Api, question: str) -> None:
    def padded(size: int) -> bytes:
        body = json.dumps({"question": question, "more": ""}).encode()
        return body[:-2] + b"x" * (size - len(body)) + body[-2:]

    assert len(padded(MIB)) == MIB
    assert api.post("/api/states_mean", padded(MIB)).status == 200
    assert_refused(api.post("/api/states_mean", padded(MIB + 1)), 413)


def test_a_body_over_the_limit_is_refused_without_a_stated_length_too(api: Api) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(20):
            yield b"x" * (MIB // 16)
        yield b'"}'

    assert_refused(api.post("/api/states_mean", pieces()), 413)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x", "json"],
)
def test_a_body_that_is_not_said_to_be_json_is_refused(api: Api, question: str, content_type: str) -> None:
    body = json.dumps({"question": question}).encode()
    assert_refused(api.post("/api/states_mean", body, content_type), 415)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_recognised_by_its_media_type(api: Api, question: str, content_type: str) -> None:
    body = json.dumps({"question": question}).encode()
    assert api.post("/api/states_mean", body, content_type).status == 200


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/states_mean/x", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_refused(api: Api, method: str, path: str) -> None:
    assert_refused(_send(api, method, path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_statistic_is_only_posted_to(api: Api, method: str, statistic: str) -> None:
    assert_refused(_send(api, method, f"/api/{statistic}"), 405)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/api/jobs", "/api/num_jobs", "/api/get_results/job_id_1", "/livez", "/readyz"])
def test_what_is_read_is_only_got(api: Api, method: str, path: str) -> None:
    assert_refused(_send(api, method, path), 405)


def test_no_refused_request_makes_a_job(api: Api, question: str, states: list[str]) -> None:
    """Numbers are given in order: with none between two of our requests, what came between them made no job.

    Other clients take numbers too, so this is tried until nobody was quicker. Once is proof.
    """
    good = Ask("global_mean", question)
    bad = [
        ("application/json", b"{"),
        ("application/json", b"{}"),
        ("application/json", json.dumps({"question": question + "?"}).encode()),
        ("text/plain", json.dumps({"question": question}).encode()),
        ("application/json", json.dumps({"question": question, "more": "x" * MIB}).encode()),
    ]
    for content_type, body in bad:
        for _ in range(50):
            before = _number(api.submit(good))
            reply = api.post("/api/states_mean", body, content_type)
            assert "job_id" not in reply.json()
            if _number(api.submit(good)) == before + 1:
                break
        else:
            pytest.skip("other clients submit all the time, so numbers say nothing about the requests of this one")
    assert states


def test_best5_of_a_question_without_polarity_is_refused(api: Api, questions: list[str]) -> None:
    own = [question for question in questions if question not in POLARITY]
    if not own:
        pytest.skip("all questions of this data set have a polarity; QUESTION can name one that has none")
    for question in own:
        reply = api.ask(Ask("best5", question))
        if reply.status != 200:
            assert_refused(reply, 400)


def _send(api: Api, method: str, path: str) -> Reply:
    response = api.send(method, path)
    return Reply(response.status_code, response.headers.get("Content-Type", ""), response.content)


def _number(job_id: str) -> int:
    return int(job_id.removeprefix("job_id_"))
