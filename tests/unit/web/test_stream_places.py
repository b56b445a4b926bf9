"""Places for event streams: a client that has many gives one to a client that has fewer."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import Any

import pytest

from meantime.errors import AnswersBusy
from meantime.web.stream_places import StreamPlaces
from meantime.web.v1.events import all_jobs, one_job
from tests.support.http_requests import job_request
from tests.support.v1_calls import FakeEngine, taken
from tests.support.waiting import run


def test_a_client_with_fewer_gets_a_place_of_the_client_with_most() -> None:
    places = StreamPlaces(3)
    with ExitStack() as held:
        one, two, three = (held.enter_context(places.take("a")) for _ in range(3))
        with places.take("b"):
            assert [each.is_lost for each in (one, two, three)] == [False, False, True]
            with pytest.raises(AnswersBusy, match="All 3 places") as refused, places.take("a"):
                pass
            assert refused.value.retry_after_s == 60
        with places.take("a") as again:  # the place of b is free
            assert not again.is_lost


def test_a_stream_whose_place_is_lost_ends_and_the_next_of_the_same_client_is_refused() -> None:
    async def story() -> None:
        engine = FakeEngine()
        backend = dataclasses.replace(engine.backend, streams=StreamPlaces(1))
        with backend.streams.take("somebody else"), pytest.raises(AnswersBusy):
            await taken((await all_jobs.follow_jobs(backend, job_request())).pieces)
        for follow in (all_jobs.follow_jobs, one_job.follow_job):
            answer: Any = await follow(backend, job_request(job_id="job_id_1"))
            assert await taken(answer.pieces) != []
            with pytest.raises(AnswersBusy):
                await taken((await all_jobs.follow_jobs(backend, job_request())).pieces)
            backend.streams._places.pop().is_lost = True
            engine.happen()
            left = [piece async for piece in answer.pieces]
            assert len(left) <= 1
            with backend.streams.take("127.0.0.1"):
                pass

    run(story())
