"""Lists of questions: errors in place, and lists that are taken up again."""

from __future__ import annotations

import json

import httpx
import pytest

from meantime import Ask
from meantime.errors import JobFailed, RequestInvalid
from tests.support.client_scripts import (
    QUESTION,
    RESULT,
    ClientFactory,
    Script,
    asynchronous,
    blocking,
    done,
    job_json,
    problem,
)

both = pytest.mark.parametrize("make_client", [blocking, asynchronous])
ASKS = [Ask("state_mean", question=QUESTION, state=state) for state in ("Utah", "Ohai", "Ohio")]


def accepted(*numbers: int) -> httpx.Response:
    return httpx.Response(202, json={"jobs": [job_json(id=f"job_id_{number}") for number in numbers]})


def refused(*at: int) -> httpx.Response:
    problems = [{"pointer": f"/requests/{index}/parameters/state", "code": "unknown", "detail": "No."} for index in at]
    answer: httpx.Response = problem("request-invalid", 400, "Wrong.", problems=problems)
    return answer


@both
def test_errors_are_kept_in_place_each_with_its_ask(make_client: ClientFactory) -> None:
    script = Script(refused(1), accepted(1, 2), done(), problem("job-failed", 424, "job_id_2 failed."))
    first, second, third = make_client(script).ask_all(ASKS, keep_errors=True)
    assert first.document == RESULT
    assert isinstance(second, RequestInvalid)
    assert (str(second), second.problems[0].pointer) == ("ask 1: No.", "/requests/1/parameters/state")
    assert isinstance(third, JobFailed)
    assert str(third) == "ask 2: job_id_2 failed."
    sent = [json.loads(request.content)["requests"] for request in script.requests if request.method == "POST"]
    assert [[each["parameters"]["state"] for each in batch] for batch in sent] == [
        ["Utah", "Ohai", "Ohio"],
        ["Utah", "Ohio"],
    ]


@both
def test_of_a_second_refusal_the_indexes_are_those_of_the_whole_list(make_client: ClientFactory) -> None:
    script = Script(refused(0), refused(1), refused(0))
    answers = make_client(script).ask_all(ASKS, keep_errors=True)
    assert [str(each) for each in answers] == ["ask 0: No.", "ask 1: No.", "ask 2: No."]


@both
def test_without_keeping_errors_a_refusal_names_the_asks_and_each_sentence_once(make_client: ClientFactory) -> None:
    with pytest.raises(RequestInvalid, match=r"^asks 0 and 2: No\.$"):
        make_client(Script(refused(0, 2))).ask_all(ASKS)
    nameless = problem("request-invalid", 400, "Too long.")
    with pytest.raises(RequestInvalid, match="Too long"):
        make_client(Script(nameless)).ask_all(ASKS, keep_errors=True)


@both
def test_a_list_is_taken_up_again_by_its_name_and_the_same_questions(make_client: ClientFactory) -> None:
    def key(resume: str | None, asks: list[Ask]) -> str:
        script = Script(accepted(*range(len(asks))), *[done()] * len(asks))
        make_client(script).ask_all(asks, resume=resume)
        return script.requests[0].headers["Idempotency-Key"]

    assert key("mine", ASKS) == key("mine", list(ASKS))
    assert len({key("mine", ASKS), key("other", ASKS), key("mine", ASKS[:2]), key(None, ASKS), key(None, ASKS)}) == 5


def test_ctrl_c_says_in_a_line_how_to_go_on() -> None:
    script = Script(accepted(1, 2, 3), done())

    def interrupted(request: httpx.Request) -> httpx.Response:
        if script.is_over:
            raise KeyboardInterrupt
        return script(request)

    with pytest.raises(KeyboardInterrupt) as caught:
        blocking(interrupted).ask_all(ASKS, resume="mine")
    assert str(caught.value) == (
        'Interrupted after 1 of 3 answers. The jobs continue; call ask_all again with resume="mine" to collect them.'
    )
    with pytest.raises(KeyboardInterrupt, match=r'With resume="NAME", ask_all could be called again'):
        blocking(interrupted).ask_all(ASKS)
