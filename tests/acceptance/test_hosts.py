"""Two servers that share their jobs in PostgreSQL, and nothing else: what a client is told by one, the other knows."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import QUESTION as CONTRACT_QUESTION
from tests.support.object_storage import Bucket
from tests.support.postgres_store import emptied, execute
from tests.support.postgresql import PASSWORD, PostgresServer
from tests.support.server_process import RunningServer, keeps_the_contract, serving
from tests.support.waiting import poll

QUESTION = {"question": "Percent of adults aged 18 years and older who have obesity"}


@contextmanager
def two_hosts(database: str, folder: Path) -> Iterator[tuple[RunningServer, RunningServer]]:
    with (
        serving(state_dir=folder / "one", MEANTIME_JOBS=database) as one,
        serving(state_dir=folder / "two", MEANTIME_JOBS=database) as two,
    ):
        yield one.ready(), two.ready()


@pytest.fixture
def hosts(jobs_database: str, tmp_path: Path) -> Iterator[tuple[RunningServer, RunningServer]]:
    with two_hosts(jobs_database, tmp_path) as running:
        yield running


@pytest.fixture(scope="class")
def lasting_hosts(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningServer, RunningServer]]:
    """Hosts of a whole class, which no test of it ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        with two_hosts(emptied(postgresql), tmp_path_factory.mktemp("hosts")) as running:
            yield running


class TestOfTwoHostsThatStay:
    def test_every_job_works_at_either_host(self, lasting_hosts: tuple[RunningServer, RunningServer]) -> None:
        turns = itertools.cycle(lasting_hosts)
        jobs = [next(turns).ask("states_mean", **QUESTION) for _ in range(20)]
        results = [[host.result(job) for host in lasting_hosts] for job in jobs]
        assert all(result == results[0][0] for pair in results for result in pair)
        lists = [host.client.get("/api/jobs").json()["data"] for host in lasting_hosts]
        assert lists[0] == lists[1]
        assert lists[0][-20:] == [{job: "done"} for job in jobs]
        assert {host.client.get("/api/num_jobs").json()["num_jobs"] for host in lasting_hosts} == {0}
        waited = lasting_hosts[1].client.get(f"/v1/jobs/{jobs[0]}", headers={"prefer": "wait=10"}).json()
        assert waited["state"] == "done"
        assert [job["id"] for job in lasting_hosts[1].client.get("/v1/jobs?limit=1").json()["jobs"]] == [jobs[-1]]

    def test_a_job_is_known_at_the_other_host_at_once_and_gone_there_at_once(
        self, lasting_hosts: tuple[RunningServer, RunningServer]
    ) -> None:
        one, two = lasting_hosts
        for _ in range(20):
            job = one.ask("states_mean", **QUESTION)
            assert two.client.get(f"/v1/jobs/{job}").status_code == 200
            one.result(job)
            assert two.client.get(f"/api/get_results/{job}").json()["status"] == "done"
            assert two.client.delete(f"/v1/jobs/{job}").json()["outcome"] == "removed"
            assert one.client.get(f"/v1/jobs/{job}").status_code == 404
            one, two = two, one

    def test_nobody_without_the_secret_gets_a_file(self, lasting_hosts: tuple[RunningServer, RunningServer]) -> None:
        one, _ = lasting_hosts
        job = one.ask("states_mean", **QUESTION)
        one.result(job)
        for headers in ({}, {"meantime-host-proof": "0" * 64}):
            assert one.client.get(f"/hosts/results/{job}", headers=headers).status_code == 404

    def test_events_of_one_host_reach_those_who_listen_at_the_other(
        self, lasting_hosts: tuple[RunningServer, RunningServer]
    ) -> None:
        one, two = lasting_hosts
        with httpx.Client(base_url=two.url, timeout=60) as client, client.stream("GET", "/v1/jobs/events") as stream:
            lines = stream.iter_lines()
            job = one.ask("states_mean", **QUESTION)
            kinds = []
            kind = ""
            for line in lines:
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                if line.startswith("data:") and f'"{job}"' in line and kind != "progress":
                    kinds.append(kind)
                if kinds[-1:] == ["ended"]:
                    break
        assert kinds == ["accepted", "started", "ended"]


def test_a_result_is_fetched_from_the_host_that_has_it_and_computed_again_when_that_is_gone(
    hosts: tuple[RunningServer, RunningServer], jobs_database: str
) -> None:
    one, two = hosts
    job = one.ask("states_mean", **QUESTION)
    poll(lambda: one.client.get(f"/v1/jobs/{job}").json()["state"], lambda state: state == "done")
    number = int(job.removeprefix("job_id_"))
    [(owner,)] = execute(jobs_database, "SELECT host FROM meantime.jobs WHERE number = %s", (number,))
    [(address,)] = execute(jobs_database, "SELECT address FROM meantime.hosts WHERE host = %s", (owner,))
    mine, other = (one, two) if one.url == address else (two, one)
    file = other.state_dir / "results" / job
    assert not file.exists()
    expected = other.result(job)
    assert mine.result(job) == expected
    assert file.read_bytes() == (mine.state_dir / "results" / job).read_bytes()
    file.unlink()
    assert mine.end() == 0
    assert other.result(job) == expected


def test_the_jobs_of_a_killed_host_are_done_by_the_other(jobs_database: str, tmp_path: Path) -> None:
    fast = {"MEANTIME_JOBS": jobs_database, "MEANTIME_LEASE_S": "1"}
    with (
        serving(state_dir=tmp_path / "one", **fast) as one,
        serving(state_dir=tmp_path / "two", **fast) as two,
    ):
        one.ready(), two.ready()
        jobs = [one.ask("states_mean", **QUESTION) for _ in range(30)]
        one.end(signal.SIGKILL)
        for job in jobs:
            assert two.result(job)


def test_a_host_that_stops_leaves_its_waiting_jobs_to_the_other(hosts: tuple[RunningServer, RunningServer]) -> None:
    one, two = hosts
    jobs = [one.ask("states_mean", **QUESTION) for _ in range(30)]
    assert one.end() == 0
    for job in jobs:
        assert two.result(job)


def test_while_the_database_is_away_what_is_known_is_told_and_nothing_is_accepted(
    postgresql: PostgresServer, hosts: tuple[RunningServer, RunningServer]
) -> None:
    one, two = hosts
    job = one.ask("states_mean", **QUESTION)
    one.result(job), two.result(job)
    postgresql.stop(signal.SIGKILL)
    try:
        refused = poll(
            lambda: one.client.post("/api/states_mean", json=QUESTION), lambda reply: "job_id" not in reply.text
        )
        assert "error" in refused.text
        for host in hosts:
            assert host.client.get("/api/jobs").json()["data"] == [{job: "done"}]
            assert host.client.get(f"/api/get_results/{job}").json()["status"] == "done"
            assert (
                host.client.post("/v1/jobs", json={"statistic": "states_mean", "parameters": QUESTION}).status_code
                == 503
            )
    finally:
        postgresql.start()
    again = poll(lambda: one.client.post("/api/states_mean", json=QUESTION).json(), lambda body: "job_id" in body)
    assert two.result(again["job_id"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda address: address.replace("/postgres", "/nowhere"), "has no such database"),
        (lambda _: "postgresql://127.0.0.1:1/jobs", "cannot be reached"),
        (lambda address: address.replace("meantime@", "nobody-here@"), "refuses the user"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(
    jobs_database: str, tmp_path: Path, change: object, says: str
) -> None:
    assert callable(change)
    address = change(jobs_database)
    with pytest.raises(AssertionError, match=says) as ended:
        RunningServer(state_dir=tmp_path / "state", MEANTIME_JOBS=address)
    assert "Traceback" not in str(ended.value)


def test_a_newer_schema_and_a_password_in_the_address_are_refused(jobs_database: str, tmp_path: Path) -> None:
    with serving(state_dir=tmp_path / "one", MEANTIME_JOBS=jobs_database) as server:
        server.ready()
    execute(jobs_database, "UPDATE meantime.counters SET schema_version = 99")
    with pytest.raises(AssertionError, match="newer Meantime"):
        RunningServer(state_dir=tmp_path / "one", MEANTIME_JOBS=jobs_database)
    with pytest.raises(AssertionError, match="PGPASSWORD") as ended:
        RunningServer(state_dir=tmp_path / "one", MEANTIME_JOBS=jobs_database.replace("meantime@", "meantime:geheim@"))
    assert "geheim" not in str(ended.value)


# In `make test` one server keeps it (test_conformance.py), and what two of them share is asked above.
@pytest.mark.thorough
def test_the_contract_is_kept_by_two_hosts_in_turn(jobs_database: str, sample: Path, tmp_path: Path) -> None:
    with (
        serving(str(sample), state_dir=tmp_path / "one", MEANTIME_JOBS=jobs_database) as one,
        serving(str(sample), state_dir=tmp_path / "two", MEANTIME_JOBS=jobs_database) as two,
    ):
        # Each host stops accepting by itself, so that is left out.
        keeps_the_contract(f"{one.ready().url} {two.ready().url}", sample, question=CONTRACT_QUESTION, may_stop=False)


def test_a_result_of_a_killed_host_comes_from_the_shelf_even_where_it_could_not_be_computed(
    jobs_database: str, bucket: Bucket, table: Path, tmp_path: Path
) -> None:
    shared = {"MEANTIME_JOBS": jobs_database, "MEANTIME_LEASE_S": "1", "MEANTIME_SHELF": bucket.address("shelf")}
    with (
        serving(state_dir=tmp_path / "one", **shared) as owner,
        serving(str(table), state_dir=tmp_path / "two", **shared) as other,
    ):
        owner.ready(), other.ready()
        job = owner.ask("states_mean", **QUESTION)
        expected = owner.result(job)
        assert owner.end() == 0
    with (
        serving(state_dir=tmp_path / "one", **shared) as owner,
        serving(str(table), state_dir=tmp_path / "two", **shared) as other,
    ):
        owner.ready(), other.ready()
        after = owner.ask("states_mean", **QUESTION)
        owner.result(after)
        owner.end(signal.SIGKILL)
        assert other.result(job) == expected
        # What it did since its last stop is nowhere, and the other one has no such table.
        lost = poll(lambda: other.client.get(f"/v1/jobs/{after}/results"), lambda reply: reply.status_code != 503)
        assert lost.status_code == 410


def test_a_damaged_result_on_the_shelf_is_refused_and_computed_again(
    jobs_database: str, bucket: Bucket, tmp_path: Path
) -> None:
    shared = {"MEANTIME_JOBS": jobs_database, "MEANTIME_SHELF": bucket.address("shelf")}
    with serving(state_dir=tmp_path / "one", **shared) as one:
        job = one.ready().ask("states_mean", **QUESTION)
        expected = one.result(job)
        assert one.end() == 0
    [key] = bucket.keys("shelf/results/")
    bucket.put(key, bucket.get(key)[::-1])
    with serving(state_dir=tmp_path / "two", **shared) as two:
        assert two.ready().result(job) == expected
        assert bucket.keys("shelf/results/") == []
        assert two.end() == 0
    assert "a result on the shelf is damaged" in "".join(two.output)
    assert bucket.keys("shelf/results/") == [key]
