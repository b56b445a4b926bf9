"""What the server's endpoints of the classic API do besides the contract, which Flask serves too."""

from __future__ import annotations

import asyncio

import pytest

from meantime.errors import JobUnknown
from meantime.web.classic import endpoints
from meantime.web.http.replies import Reply
from tests.support.engine_fakes import HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import RunningBackend, running_backend, turns_until
from tests.support.waiting import PATIENCE_S

RUNNING = b'{"status":"running"}'
[GET_RESULTS] = [row.handle for row in endpoints.ENDPOINTS if row.name == "get_results"]


def get_results(api: RunningBackend, job_id: str) -> Reply:
    return api.run(GET_RESULTS, lambda: job_request(job_id=job_id))


def test_running_is_held_back_while_the_job_may_end_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldTask()
    monkeypatch.setattr(endpoints, "_MOMENT_S", PATIENCE_S)

    async def story(api: RunningBackend) -> bytes:
        asking = asyncio.ensure_future(GET_RESULTS(api.backend, job_request(job_id="job_id_1")))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        held.go_on.set()
        reply = await asyncio.wait_for(asking, PATIENCE_S)
        assert isinstance(reply, Reply)
        return reply.body

    with running_backend(tasks={"states_mean": held}) as api:
        api.submit(view="classic")
        held.wait_begun()
        assert asyncio.run(story(api)).startswith(b'{"status":"done","data":{')


def test_running_comes_when_the_moment_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldTask()
    monkeypatch.setattr(endpoints, "_MOMENT_S", 0)
    with running_backend(tasks={"states_mean": held}) as api:
        job_id = api.submit(view="classic")
        held.wait_begun()
        assert get_results(api, job_id).body == RUNNING
        assert api.backend.waiters.watched == 0
        held.go_on.set()


def test_a_job_that_waits_for_others_is_running_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_backend() as api:
        monkeypatch.setattr(api.engine, "is_at_hand", lambda _: False)
        monkeypatch.setattr(api.backend.waiters, "wait_a_moment", None)  # an error if it is called
        job_id = api.done(view="classic")
        assert get_results(api, job_id).body.startswith(b'{"status":"done"')
        assert get_results(api, "job_id_99").body == get_results(api, "job_id_01").body


def test_a_job_that_is_removed_meanwhile_has_an_invalid_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise JobUnknown("It was removed.")

    with running_backend() as api:
        monkeypatch.setattr(api.engine, "is_at_hand", lambda _: True)
        monkeypatch.setattr(api.backend.waiters, "wait_a_moment", unknown)
        assert get_results(api, "job_id_99").body == b'{"status":"error","reason":"Invalid job_id"}'
