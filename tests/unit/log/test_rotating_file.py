from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog

from meantime.log.rotating_file import RotatingFile
from tests.support.logs import lines, logging_to


def test_it_keeps_as_many_as_it_should_and_every_line_is_whole(tmp_path: Path) -> None:
    with logging_to(tmp_path, size_mb=1, files=2):
        for number in range(40_000):
            structlog.get_logger().info("x" * 60, number=number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["webserver.log", "webserver.log.1", "webserver.log.2"]
    assert all(path.stat().st_size <= 1_000_000 for path in tmp_path.iterdir())
    in_order = [tmp_path / f"webserver.log{end}" for end in (".2", ".1", "")]
    numbers = [int(line.rpartition("=")[2]) for path in in_order for line in path.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 40_000))


def test_a_file_that_is_there_is_continued(tmp_path: Path) -> None:
    for word in ("first", "second"):
        with logging_to(tmp_path):
            structlog.get_logger().info(word)
    assert [line.rpartition(" ")[2] for line in lines(tmp_path)] == ["first", "second"]


def test_a_file_that_was_cleared_away_is_begun_anew_when_it_is_full(tmp_path: Path) -> None:
    with logging_to(tmp_path, files=1):
        structlog.get_logger().info("x")
        (tmp_path / "webserver.log").unlink()
        for _ in range(20_000):
            structlog.get_logger().info("x" * 60)
    assert lines(tmp_path)


def test_a_full_disk_is_reported_once_at_the_terminal_and_in_the_file_when_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    is_full = True

    def short_of_space(descriptor: int, data: bytes) -> int:
        if is_full:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", short_of_space)
    file = RotatingFile(tmp_path / "webserver.log", limit_bytes=1000, kept=1)
    file.open()
    errors = [file.write(["one"]), file.write(["two", "three"])]
    is_full = False
    errors.append(file.write(["four"]))
    file.close()
    assert errors == ["webserver.log cannot be written, lines are lost: No space left on device", None, None]
    [lost, four] = lines(tmp_path)
    assert lost.endswith("warning lines lost before this one at_most=3")
    assert four == "four"


def test_a_write_that_is_cut_short_does_not_glue_two_lines_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    room = [4]

    def short(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[: room.pop()] if room else data)

    monkeypatch.setattr(os, "write", short)
    file = RotatingFile(tmp_path / "webserver.log", limit_bytes=1000, kept=1)
    file.open()
    assert file.write(["a long line"])
    assert file.write(["next"]) is None
    file.close()
    assert lines(tmp_path)[0] == "a lo"
    assert lines(tmp_path)[-1] == "next"
