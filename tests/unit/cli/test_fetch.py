"""`meantime fetch`: a file with the name in the address, or one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import meantime
from tests.support.file_server import file_server, sends

TABLE = b"Question,LocationDesc,Data_Value\nTea,Utah,3\n"


def test_a_table_is_written_under_its_name_and_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with file_server({"/tea%20cups.csv": sends(TABLE)}) as url:
        ran = meantime("fetch", f"{url}/tea%20cups.csv")
        assert (ran.returncode, ran.stdout) == (0, "tea cups.csv: 0.0 MB\n")
        assert "Look at it with `meantime inspect 'tea cups.csv'`." in ran.stderr
        assert Path("tea cups.csv").read_bytes() == TABLE
        # A command that takes a file takes an address too.
        assert meantime("inspect", f"{url}/tea%20cups.csv").returncode == 0


def test_what_cannot_be_downloaded_is_one_line(tmp_path: Path) -> None:
    ran = meantime("fetch", "obesity.csv", "--out", str(tmp_path / "a.csv"))
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "'obesity.csv' is not an address" in ran.stderr
    with file_server({}) as url:
        ran = meantime("fetch", f"{url}/a.csv", "--out", str(tmp_path / "a.csv"))
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "There is nothing at" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_name_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    out.write_bytes(b"before")
    with file_server({"/a.csv": sends(TABLE, length=1000), "/b.csv": sends(TABLE)}) as url:
        assert meantime("fetch", f"{url}/a.csv", "--out", str(out)).returncode == 1
        assert out.read_bytes() == b"before"
        assert meantime("fetch", f"{url}/b.csv", "--out", str(out)).returncode == 0
    assert out.read_bytes() == TABLE
