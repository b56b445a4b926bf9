from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.command_line import meantime
from tests.support.shared_server import the_server_still_runs as the_server_still_runs

TABLE = """\
Question,LocationDesc,Data_Value,StratificationCategory1,Stratification1,YearStart,YearEnd
{0},Alaska,20.5,Total,Total,2020,2020
{0},Alaska,21.5,Total,Total,2021,2021
{0},Utah,18.0,Total,Total,2020,2020
{0},Guam,,Total,Total,2020,2020
{0},Ohio,*,Total,Total,2020,2020
{0},Ohio,30.1,Sex,Female,2020,2020
{0},National,25.0,,,2020,2020
""".format("Percent of adults aged 18 years and older who have obesity")

QUESTION = "Percent of adults aged 18 years and older who have obesity"


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Let the commands that tests start be ended by Ctrl-C: a shell that starts `make test &` has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small file, written by hand."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in sample as a file; only read."""
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    assert meantime("sample", "--out", str(path)).returncode == 0
    return path
