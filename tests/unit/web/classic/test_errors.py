from __future__ import annotations

from collections.abc import Iterator

import pytest

from meantime import errors
from meantime.errors import MeantimeError
from meantime.web.classic.errors import SHUTTING_DOWN, error_reply
from meantime.web.http.statuses import STATUS


def every_error(root: type[MeantimeError] = MeantimeError) -> Iterator[type[MeantimeError]]:
    yield root
    for kind in root.__subclasses__():
        yield from every_error(kind)


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.__name__)
def test_every_error_of_ours_has_an_answer_in_json(kind: type[MeantimeError]) -> None:
    reply = error_reply(kind("the matter"))
    assert 400 <= reply.status < 600
    assert b'"status":"error"' in reply.body
    if kind is not errors.ShuttingDown:
        assert reply.body == b'{"status":"error","reason":"the matter"}'


@pytest.mark.parametrize("kind", [kind for kind in STATUS if issubclass(kind, errors.RequestRefused)])
def test_what_the_caller_did_wrong_is_a_4xx(kind: type[BaseException]) -> None:
    assert 400 <= STATUS[kind] < 500


def test_what_may_pass_says_when_to_try_again() -> None:
    assert error_reply(errors.QueueFull("full", retry_after_s=3)).headers == (("retry-after", "3"),)
    assert error_reply(errors.StoreFull("full")).status == 503
    assert error_reply(errors.StoreBroken("broken")).status == 503
    assert error_reply(errors.StoreBroken("broken")).headers == ()


def test_shutting_down_is_said_in_the_contracts_words_wherever_it_comes_from() -> None:
    assert error_reply(errors.ShuttingDown("x")) is SHUTTING_DOWN


def test_an_error_that_is_not_meantimes_shows_no_details() -> None:
    reply = error_reply(ValueError("secret"))
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert "secret" in str(reply.reason)  # for the log


def test_paths_are_for_the_log_only() -> None:
    reply = error_reply(errors.StoreBroken("The store failed.").for_operator("/srv/jobs.sqlite3 failed."))
    assert b"/srv" not in reply.body
    assert reply.reason == "/srv/jobs.sqlite3 failed."


def test_a_reason_with_half_characters_can_be_sent() -> None:
    assert error_reply(errors.SourceUnreadable("caf\udce9.csv")).body.decode().endswith('caf\\\\udce9.csv"}')
