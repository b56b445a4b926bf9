"""A server that ends under a test is what the test then says, not only what follows from it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.server_process import RunningServer, serving
from tests.support.waiting import poll

LISTENS = "import sys; print('listens at http://127.0.0.1:9/ now', file=sys.stderr, flush=True)"
ENDS = f"{LISTENS}; sys.exit('out of luck')"


def server(program: str, state: Path) -> RunningServer:
    return RunningServer(state_dir=state, command=("-c", program))


def test_one_that_ends_by_itself_fails_the_test_with_its_exit_code_and_output(tmp_path: Path) -> None:
    ended = server(ENDS, tmp_path)
    poll(ended.process.poll, lambda code: code is not None)
    for look in (ended.still_runs, ended.close):
        with pytest.raises(AssertionError, match=r"(?s)nobody ended the server.*exit code 1.*out of luck"):
            look()


def test_one_that_a_test_ends_or_waits_for_does_not(tmp_path: Path) -> None:
    waited_for = server(ENDS, tmp_path)
    assert waited_for.wait() == 1
    killed = server(f"{LISTENS}; import signal; signal.pause()", tmp_path)
    killed.still_runs()
    killed.close()
    killed.close()


def test_one_that_never_listens_says_how_it_ended(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)never said listens.*exit code 1.*out of luck"):
        server("import sys; sys.exit('out of luck')", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each server starts from nothing")
def test_a_copy_of_the_template_ends_as_a_server_from_nothing_does(tmp_path: Path) -> None:
    variables: dict[str, str]
    for variables in ({}, {"PYTHONPATH": str(tmp_path)}):
        with pytest.raises(AssertionError, match=r"(?s)never said listens.*exit code 2.*No such option"):
            RunningServer("--no-such", state_dir=tmp_path, **variables)
    with serving(state_dir=tmp_path / "state") as copy:
        assert type(copy.process).__name__ == "ServerCopy"
        assert copy.process.poll() is None
        assert copy.ready().end(signal.SIGKILL) == -signal.SIGKILL
