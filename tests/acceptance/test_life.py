"""A real process: what it acknowledged is there after any end."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import QUESTION, TABLE
from tests.support.command_line import meantime_process
from tests.support.held_reading import held_reading, reading_process
from tests.support.server_process import RunningServer, serving
from tests.support.waiting import poll

MEANS = {"Utah": 18.0, "Alaska": 21.0, "National": 25.0, "Ohio": 30.1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One that no test ends."""
    folder = tmp_path_factory.mktemp("life")
    table = folder / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    with serving(str(table), state_dir=folder / "state") as running:
        yield running.ready()


def test_it_answers_the_nine_questions_and_keeps_them_over_a_restart(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    expected = {
        ("states_mean", None): MEANS,
        ("state_mean", "Alaska"): {"Alaska": 21.0},
        ("best5", None): MEANS,
        ("worst5", None): dict(reversed(MEANS.items())),
        ("global_mean", None): {"global_mean": 115.1 / 5},
        ("diff_from_mean", None): {name: 115.1 / 5 - mean for name, mean in MEANS.items()},
        ("state_diff_from_mean", "Utah"): {"Utah": 115.1 / 5 - 18.0},
        ("mean_by_category", None): {
            "('Alaska', 'Total', 'Total')": 21.0,
            "('Ohio', 'Sex', 'Female')": 30.1,
            "('Utah', 'Total', 'Total')": 18.0,
        },
        ("state_mean_by_category", "Ohio"): {"Ohio": {"('Sex', 'Female')": 30.1}},
    }

    def flat(data: dict[str, object]) -> dict[str, object]:
        return data["Ohio"] if isinstance(data.get("Ohio"), dict) else data  # type: ignore[return-value]

    with serving(str(table), state_dir=state) as server:
        server.ready()
        ids = {key: server.ask(key[0], question=QUESTION, **({"state": key[1]} if key[1] else {})) for key in expected}
        assert list(ids.values()) == [f"job_id_{number}" for number in range(1, 10)]
        for key, job_id in ids.items():
            data = server.result(job_id)
            assert flat(data) == pytest.approx(flat(expected[key]), abs=1e-9)  # type: ignore[arg-type]
            assert list(flat(data)) == list(flat(expected[key]))  # type: ignore[arg-type]
        before = {job_id: server.client.get(f"/api/get_results/{job_id}").content for job_id in ids.values()}
        assert server.end() == 0
    with serving(str(table), state_dir=state) as server:
        after = {job_id: server.client.get(f"/api/get_results/{job_id}").content for job_id in ids.values()}
        assert after == before
        assert server.ready().ask("global_mean", question=QUESTION) == "job_id_10"


def test_jobs_accepted_while_the_file_loads_survive_sigterm_and_are_answered_at_the_next_start(
    table: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    # The deadline comes before the end of loading, so that the queue is full when the process ends.
    with (
        held_reading(tmp_path) as held,
        serving(str(table), state_dir=state, MEANTIME_SHUTDOWN_DEADLINE_S="0.05", **held) as server,
    ):
        ids = [server.ask("states_mean", question=QUESTION) for _ in range(50)]
        assert server.client.get("/api/num_jobs").json() == {"status": "done", "num_jobs": 50}
        assert server.end(signal.SIGTERM) == 0
    with serving(str(table), state_dir=state) as server:
        answers = {tuple(server.result(job_id).items()) for job_id in ids}
        assert len(answers) == 1
        assert poll(lambda: server.client.get("/api/num_jobs").json()["num_jobs"], lambda n: n == 0) == 0
        assert server.end() == 0


def test_nothing_acknowledged_is_lost_in_two_kills(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    chance = random.Random(20)  # noqa: S311 - where to kill, not a secret
    acknowledged: dict[str, str] = {}
    # Ten, of a process that starts sooner, are in tests/integration/test_crash.py.
    for _ in range(2):
        with serving(str(table), state_dir=state) as server:
            acknowledged |= _ask_until_killed(server, chance.randint(60, 120))
    with serving(str(table), state_dir=state) as server:
        server.ready()
        assert len(acknowledged) > 100
        for job_id, state_name in acknowledged.items():
            assert server.result(job_id) == {state_name: MEANS[state_name]}, job_id


def _ask_until_killed(server: RunningServer, kill_after: int) -> dict[str, str]:
    """Ask from four connections; kill when so many were acknowledged; return what was, and what it asked."""
    acknowledged: dict[str, str] = {}

    def ask(number: int) -> None:
        name = list(MEANS)[number % len(MEANS)]
        try:
            job_id = server.ask("state_mean", question=QUESTION, state=name)
        except httpx.TransportError:
            return
        acknowledged[job_id] = name
        if len(acknowledged) >= kill_after:
            server.process.kill()

    with ThreadPoolExecutor(4) as clients:
        list(clients.map(ask, range(kill_after + 40)))
    assert server.wait() == -signal.SIGKILL
    return acknowledged


def test_a_lost_or_damaged_result_is_made_again_under_a_running_server(server: RunningServer) -> None:
    job_id = server.ask("states_mean", question=QUESTION)
    first = server.result(job_id)
    file = server.state_dir / "results" / job_id
    kept = file.read_bytes()
    file.unlink()
    assert server.result(job_id) == first
    assert file.read_bytes() == kept
    file.write_bytes(kept[:-3])
    assert server.result(job_id) == first
    assert file.read_bytes() == kept


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a test say which thread is given a signal")
def test_a_signal_that_another_thread_is_given_stops_the_server(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "state") as server:
        server.ready()
        threads = {int(task.name) for task in Path(f"/proc/{server.process.pid}/task").iterdir()}
        # By the id of a thread, the kernel gives the process's signal to that thread, as it may do by itself.
        os.kill(max(threads - {server.process.pid}), signal.SIGTERM)
        assert server.wait() == 0


def test_a_second_signal_stops_at_once_and_loses_nothing(table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with held_reading(tmp_path) as held, serving(str(table), state_dir=state, **held) as server:
        job_id = server.ask("global_mean", question=QUESTION)
        server.process.send_signal(signal.SIGINT)
        server.wait_for("a second signal stops at once")
        assert server.end(signal.SIGINT) == 130
    with serving(str(table), state_dir=state) as server:
        assert server.result(job_id)["global_mean"] > 0


def test_graceful_shutdown_refuses_new_jobs_and_reads_go_on(table: Path, tmp_path: Path) -> None:
    with serving(str(table), state_dir=tmp_path / "state") as server:
        server.ready()
        job_id = server.ask("global_mean", question=QUESTION)
        done = poll(lambda: server.client.get("/api/graceful_shutdown").json(), lambda body: body == {"status": "done"})
        assert done == {"status": "done"}
        refused = server.client.post("/api/global_mean", json={"question": QUESTION})
        assert refused.status_code == 503
        assert refused.json() == {"status": "error", "reason": "shutting down", "job_id": -1}
        assert server.result(job_id)["global_mean"] == pytest.approx(115.1 / 5)
        assert server.end() == 0


def test_one_server_per_state_directory(server: RunningServer, table: Path) -> None:
    second = meantime_process("serve", str(table), MEANTIME_PORT="0", MEANTIME_STATE_DIR=str(server.state_dir))
    assert second.returncode == 2
    assert str(server.state_dir) in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_one_clear_line(server: RunningServer, table: Path, tmp_path: Path) -> None:
    port = str(httpx.URL(server.url).port)
    second = meantime_process("serve", str(table), MEANTIME_PORT=port, MEANTIME_STATE_DIR=str(tmp_path / "two"))
    assert second.returncode == 2
    assert f"127.0.0.1:{port}" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["results", "webserver.log", "snapshots", "jobs.sqlite3"])
def test_a_start_that_cannot_be_ends_with_its_reason(name: str, table: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    if name == "webserver.log":
        (state / name).mkdir()
    else:
        (state / name).write_bytes(b"not what belongs here" * 100)
    ended = meantime_process("serve", str(table), MEANTIME_PORT="0", MEANTIME_STATE_DIR=str(state))
    assert ended.returncode in (1, 2)
    assert "meantime: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_body_over_the_limit_is_refused_in_words_also_where_the_client_closes(server: RunningServer) -> None:
    for size in (1_100_000, 3_000_000, 20_000_000):
        body = b'{"question":"' + b"a" * size + b'"}'
        response = server.client.post(
            "/api/global_mean",
            content=body,
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        assert (response.status_code, response.json()["status"]) == (413, "error")


def test_temporary_files_of_a_killed_server_are_gone_after_the_next_start(table: Path, tmp_path: Path) -> None:
    left = tmp_path / "state" / "temporary" / "meantime-left"
    left.mkdir(parents=True)
    (left / "written").write_text("half a workbook")
    with serving(str(table), state_dir=tmp_path / "state") as server:
        assert not left.exists()
        job = server.ask("states_mean", question=QUESTION)
        server.result(job)
        # What is written to a file first is written there, and nothing of it stays.
        assert server.client.get(f"/v1/jobs/{job}/results.xlsx").status_code == 200
        assert list(left.parent.iterdir()) == []
        assert server.end() == 0


def test_a_killed_server_takes_its_reading_process_with_it(table: Path, tmp_path: Path) -> None:
    with held_reading(tmp_path) as held, serving(str(table), state_dir=tmp_path / "state", **held) as server:
        reader = reading_process(server)
        server.process.kill()
        assert server.wait() == -signal.SIGKILL
        assert not poll(Path(f"/proc/{reader}").exists, lambda is_there: not is_there)
