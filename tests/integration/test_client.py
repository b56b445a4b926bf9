"""The client and the server's application in one process, with a simulated network between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from meantime import Ask, AsyncClient, Result
from meantime.compute.local import LocalCompute
from meantime.errors import DatasetUnknown, JobUnknown, NotMeantime, RequestInvalid, StatisticUnknown
from meantime.model import Request
from tests.support.answers import document_of
from tests.support.web_app import OBESITY, Served, served


@contextmanager
def connected(tmp_path: Path) -> Iterator[tuple[Served, AsyncClient, Network]]:
    with served(tmp_path) as server:
        network = Network(server.app)
        yield server, AsyncClient("http://localhost:5000", transport=network, sleep=_at_once), network


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class Network(httpx.AsyncBaseTransport):
    """Passes requests to the application. The answers to the first ``to_lose`` requests of a method are lost."""

    def __init__(self, app: Any) -> None:
        self._carry = httpx.ASGITransport(app=app)
        self.to_lose: dict[str, int] = {}
        self.carried: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._carry.handle_async_request(request)
        self.carried.append(f"{request.method} {request.url.path}")
        if self.to_lose.get(request.method, 0) > 0:
            self.to_lose[request.method] -= 1
            raise httpx.ReadError("Connection reset by peer")
        return response


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(in_time())


def test_the_result_is_what_the_server_computes(tmp_path: Path) -> None:
    with connected(tmp_path) as (server, client, network):

        async def story() -> None:
            result = await client.ask("states_mean", question=OBESITY)
            request = Request(dataset="table", statistic="states_mean", parameters={"question": OBESITY})
            assert result == Result(document_of(LocalCompute(server.catalog), request))
            assert result.rows[0]["location"] == "Utah"

        run(story)
        assert network.carried[0] == "POST /v1/jobs"


def test_a_request_whose_answer_was_lost_is_sent_again_and_is_one_job(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client, network):
        network.to_lose = {"POST": 2}

        async def story() -> None:
            await client.ask("global_mean", question=OBESITY, label="once")
            await client.ask_all([Ask("global_mean", question=OBESITY, label="once")] * 3)
            assert [job.id async for job in client.jobs(label="once")] == [
                "job_id_4",
                "job_id_3",
                "job_id_2",
                "job_id_1",
            ]

        run(story)
        assert network.carried.count("POST /v1/jobs") == 3


def test_a_job_is_found_again_listed_and_left_as_it_ended(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client, _network):

        async def story() -> None:
            job = await client.submit("best5", label="mine", question=OBESITY)
            await (await client.job(job.id)).wait()
            assert (await job.refresh()).state == "done"
            assert (await job.cancel(), job.state) == ("ended", "done")
            assert [each.id async for each in client.jobs(state="done", label="mine")] == [job.id]
            assert [each async for each in client.jobs(state=["failed", "queued"])] == []
            assert (await job.result()).statistic == "best5"

        run(story)


def test_many_results_are_in_the_order_of_the_questions(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client, _network):

        async def story() -> None:
            states = ["Utah", "Ohio", "National", "Utah"]
            results = await client.ask_all([Ask("state_mean", question=OBESITY, state=state) for state in states])
            assert [result.rows[0]["location"] for result in results] == states

        run(story)


def test_an_invalid_request_is_refused_with_all_its_problems_and_creates_no_job(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client, _network):

        async def story() -> None:
            with pytest.raises(RequestInvalid) as caught:
                await client.ask("state_mean", question=OBESITY.replace("obesity", "obesety"), state="Utha")
            problems: Any = caught.value.problems
            assert [(each.pointer, each.closest[0]) for each in problems] == [
                ("/parameters/question", OBESITY),
                ("/parameters/state", "Utah"),
            ]
            with pytest.raises(RequestInvalid) as caught:
                await client.ask_all([Ask("global_mean", question=OBESITY), Ask("global_mean", question="?")])
            problems = caught.value.problems
            assert [each.pointer for each in problems] == ["/requests/1/parameters/question"]
            with pytest.raises(JobUnknown):
                await client.job("job_id_1")

        run(story)


def test_data_sets_and_statistics_are_described(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client, _network):

        async def story() -> None:
            dataset = (await client.datasets)["table"]
            assert dataset == await client.dataset() == await client.dataset("table")
            assert (dataset.status, dataset.rows, dataset.withheld, dataset.synthetic) == ("ready", 6, 1, False)
            questions = {question.text: question.polarity for question in dataset.questions or ()}
            assert questions[OBESITY] == "lower"
            assert "Utah" in [location.name for location in dataset.locations or ()]
            assert "6 rows, 2 questions" in repr(dataset)
            in_short = (await client.statistics)["state_mean"]
            statistic = await client.statistic("state_mean")
            assert (in_short.name, in_short.estimates) == (statistic.name, statistic.estimates)
            assert set(statistic.parameters["properties"]) == {"question", "state"} == set(statistic.example.parameters)
            with pytest.raises(StatisticUnknown, match="states_mean"):
                await client.statistic("state_means")
            with pytest.raises(DatasetUnknown):
                await client.dataset("tabel")

        run(story)


def test_a_server_without_v1_is_reported_as_one() -> None:
    """Another application stands in for it."""

    async def other_application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Not Found"})

    async def story() -> None:
        client = AsyncClient("http://localhost", transport=Network(other_application))
        with pytest.raises(NotMeantime, match="not a Meantime server with /v1"):
            await client.ask("global_mean", question=OBESITY)

    run(story)
