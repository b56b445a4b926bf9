"""A server with keys, as its operator and its users meet it: commands, clients, and what is said at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime import Client
from meantime.errors import KeyNotAllowed, KeyRequired
from tests.acceptance.conftest import QUESTION
from tests.support.command_line import meantime
from tests.support.server_process import serving


def test_keys_are_made_used_listed_and_revoked_while_the_server_runs(table: Path, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with serving(str(table), state_dir=Path(state)) as server:
        server.ready()
        assert server.client.get("/v1/jobs").status_code == 200
        made = meantime("key", "create", "--role", "submit", "--name", "Ana", "--state-dir", state)
        assert made.returncode == 0
        key = made.stdout.strip()
        assert "not shown again" in made.stderr
        assert server.client.get("/v1/jobs").status_code == 401
        assert server.client.get("/livez").status_code == 200

        at = ("--url", server.url)
        refused = meantime("jobs", *at)
        assert (refused.returncode, "MEANTIME_KEY" in refused.stderr) == (2, True)
        asked = meantime("ask", "state_mean", "--question", QUESTION, "--state", "Utah", *at, MEANTIME_KEY=key)
        assert asked.returncode == 0, asked.stderr
        assert meantime("jobs", *at, MEANTIME_KEY=key).returncode == 0

        with Client(server.url) as without, pytest.raises(KeyRequired):
            list(without.jobs())
        with Client(server.url, key=key) as client:
            [job] = client.jobs()
            assert job.cancel() == "ended"
        reading = meantime("key", "create", "--role", "read", "--state-dir", state).stdout.strip()
        with Client(server.url, key=reading) as client, pytest.raises(KeyNotAllowed):
            client.ask("state_mean", question=QUESTION, state="Utah")

        listed = meantime("key", "list", "--state-dir", state).stdout
        assert "Ana" in listed
        assert key.split("_")[1] in listed
        assert key.split("_", 2)[2] not in listed
        assert meantime("key", "revoke", key.split("_")[1], "--state-dir", state).returncode == 0
        assert meantime("jobs", *at, MEANTIME_KEY=key).returncode == 2
        assert meantime("key", "revoke", "nobody", "--state-dir", state).returncode == 2
        assert server.end() == 0
    assert key.split("_", 2)[2] not in "".join(server.output)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--host", "0.0.0.0"), 401, "Each request needs a key, and there is none yet"),  # noqa: S104 - the claim is about it
        (("--host", "0.0.0.0", "--allow-anonymous"), 200, "Anybody there may read all data"),  # noqa: S104
    ],
)
def test_a_server_that_others_can_reach_says_what_they_may_do(
    table: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    with serving(str(table), *arguments, state_dir=tmp_path / "state") as server:
        server.wait_for(said)
        assert server.client.get("/v1/jobs").status_code == status
        assert server.client.get("/livez").status_code == 200
        assert server.end() == 0
