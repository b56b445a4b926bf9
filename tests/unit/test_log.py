from __future__ import annotations

import io
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from meantime import log as log_module
from meantime.log import Log
from tests.support.waiting import join, wait_for


@contextmanager
def logging_to(folder: Path, **more: Any) -> Iterator[Log]:
    given: dict[str, Any] = {"size_mb": 1, "files": 2, "on_death": _must_not_die, "terminal": io.StringIO(), **more}
    log = Log(folder, **given)
    log.start()
    try:
        yield log
    finally:
        log.close()


def _must_not_die(role: str, error: BaseException) -> None:
    raise AssertionError(role) from error


def lines(folder: Path) -> list[str]:
    return (folder / "webserver.log").read_text(encoding="utf-8").splitlines()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_has_a_utc_time_a_level_what_happened_and_its_fields(tmp_path: Path) -> None:
    with logging_to(tmp_path, clock=lambda: 1_700_000_000.25):
        structlog.get_logger("any").info("listening", url="http://127.0.0.1:5000/", jobs=3, is_new=True, why=None)
    assert lines(tmp_path) == [
        "2023-11-14T22:13:20.250000Z info listening url=http://127.0.0.1:5000/ jobs=3 is_new=true why=null"
    ]


def test_what_is_said_before_and_after_goes_where_it_went_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = structlog.get_config()
    with logging_to(tmp_path):
        structlog.get_logger().info("during")
    assert structlog.get_config() == before
    structlog.get_logger().info("after")
    assert len(lines(tmp_path)) == 1
    assert "after" in capsys.readouterr().out


def test_the_thread_ends_with_the_log_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        assert "meantime-log" in {thread.name for thread in threading.enumerate()}
        log.close()
    assert "meantime-log" not in {thread.name for thread in threading.enumerate()}


def test_close_writes_everything_that_was_said(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        for number in range(5000):
            structlog.get_logger().info("line", number=number)
    assert [line.rpartition("=")[2] for line in lines(tmp_path)] == [str(number) for number in range(5000)]


def test_several_threads_may_speak_at_once(tmp_path: Path) -> None:
    def speak() -> None:
        for _ in range(500):
            structlog.get_logger().info("line")

    with logging_to(tmp_path):
        speakers = [threading.Thread(target=speak) for _ in range(4)]
        for speaker in speakers:
            speaker.start()
        join(*speakers)
    assert len(lines(tmp_path)) == 2000
    assert all(line.endswith(" info line") for line in lines(tmp_path))


@pytest.mark.parametrize(
    "evil", ["a\nb", "a\r\nb", "\x1b[31m", "\u2028", "\u202e", "\x00", "\x85", "\udcff", '"', "\\n"]
)
def test_no_text_breaks_out_of_its_line(tmp_path: Path, evil: str) -> None:
    with logging_to(tmp_path):
        structlog.get_logger().warning(f"said {evil}", field=evil)
        structlog.get_logger().info("next")
    [first, second] = lines(tmp_path)
    assert re.fullmatch(r"[ -~]+", first)
    assert second.endswith("info next")
    if evil == "\\n":  # what was sent with a backslash is told from what was escaped here
        assert "\\\\n" in first


def test_a_long_value_is_cut_and_says_how_long_it_was(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        structlog.get_logger().info("long", value="x" * 10_000)
        log.entered(1, "GET", b"/" + b"y" * 10_000, b"z" * 10_000)
    assert "...(10000 characters)" in lines(tmp_path)[0]
    assert "...(10001_bytes)" in lines(tmp_path)[1]
    assert all(len(line) < 900 for line in lines(tmp_path))


def test_an_error_is_one_line_with_its_traceback(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        try:
            raise ValueError("a\nb")
        except ValueError as error:
            structlog.get_logger().error("failed", exc_info=error)
    [line] = lines(tmp_path)
    assert "Traceback" in line
    assert "ValueError: a\\nb" in line


def test_what_libraries_say_to_logging_is_there_too_from_warning_on(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        logging.getLogger("uvicorn.error").warning("Invalid %s received.", "HTTP request")
        logging.getLogger("uvicorn.error").info("not this")
    [line] = lines(tmp_path)
    assert line.endswith(" warning Invalid HTTP request received. logger=uvicorn.error")
    assert not any("FromLogging" in repr(handler) for handler in logging.getLogger().handlers)


class TestRotation:
    def test_keeps_as_many_as_it_should_and_every_line_is_whole(self, tmp_path: Path) -> None:
        with logging_to(tmp_path, size_mb=1, files=2):
            for number in range(60_000):
                structlog.get_logger().info("x" * 60, number=number)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["webserver.log", "webserver.log.1", "webserver.log.2"]
        assert all(path.stat().st_size <= 1_000_000 for path in tmp_path.iterdir())
        in_order = [tmp_path / f"webserver.log{end}" for end in (".2", ".1", "")]
        numbers = [int(line.rpartition("=")[2]) for path in in_order for line in path.read_text().splitlines()]
        assert numbers == list(range(numbers[0], 60_000))

    def test_a_file_that_is_there_is_continued(self, tmp_path: Path) -> None:
        for word in ("first", "second"):
            with logging_to(tmp_path):
                structlog.get_logger().info(word)
        assert [line.rpartition(" ")[2] for line in lines(tmp_path)] == ["first", "second"]

    def test_a_file_that_was_cleared_away_is_begun_anew_when_it_is_full(self, tmp_path: Path) -> None:
        with logging_to(tmp_path, files=1):
            structlog.get_logger().info("x")
            (tmp_path / "webserver.log").unlink()
            for _ in range(20_000):
                structlog.get_logger().info("x" * 60)
        assert lines(tmp_path)


class TestTrouble:
    """The log never holds anybody up, and never takes anything down."""

    def test_a_full_queue_drops_lines_and_says_how_many(self, tmp_path: Path) -> None:
        is_stuck, go_on = threading.Event(), threading.Event()

        class Stuck(io.StringIO):
            def write(self, text: str) -> int:
                is_stuck.set()
                wait_for(go_on, "the test has not let the terminal go on")
                return super().write(text)

        with logging_to(tmp_path, terminal=Stuck(), queue_limit=10):
            structlog.get_logger().info("the thread hangs in this one")
            wait_for(is_stuck, "the log has written nothing at the terminal")
            for _ in range(25):
                structlog.get_logger().debug("line")  # returns at once
            go_on.set()
        told = [line for line in lines(tmp_path) if "dropped" in line]
        assert [line.partition(" ")[2] for line in told] == ["warning log lines dropped lines=15"]

    def test_a_full_disk_is_told_once_at_the_terminal_and_in_the_file_when_there_is_space(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write
        is_full = True

        def short_of_space(descriptor: int, data: bytes) -> int:
            if is_full:
                raise OSError(28, "No space left on device")
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", short_of_space)
        file = log_module._RotatingFile(tmp_path / "webserver.log", limit_bytes=1000, kept=1)
        file.open()
        told = [file.write(["one"]), file.write(["two", "three"])]
        is_full = False
        told.append(file.write(["four"]))
        file.close()
        assert told == ["webserver.log cannot be written, lines are lost: No space left on device", None, None]
        [lost, four] = lines(tmp_path)
        assert lost.endswith("warning lines lost before this one at_most=3")
        assert four == "four"

    def test_a_disk_that_is_full_takes_nothing_down(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_space(*_: object) -> int:
            raise OSError(28, "No space left on device")

        terminal = io.StringIO()
        with logging_to(tmp_path, terminal=terminal):
            monkeypatch.setattr(os, "write", no_space)
            for _ in range(1000):
                structlog.get_logger().debug("line")
        assert terminal.getvalue().count("No space left on device") == 1

    def test_a_value_that_cannot_be_told_costs_its_line_only(self, tmp_path: Path) -> None:
        class Shy:
            def __str__(self) -> str:
                raise LookupError

            __repr__ = __str__

        with logging_to(tmp_path):
            structlog.get_logger().info("shy", value=Shy())
            structlog.get_logger().info("next")
        assert [line.partition(" ")[2] for line in lines(tmp_path)] == [
            "error a line of the log could not be made error=LookupError",
            "info next",
        ]

    def test_a_write_that_is_cut_short_does_not_glue_two_lines_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write
        room = [4]

        def short(descriptor: int, data: bytes) -> int:
            return write(descriptor, data[: room.pop()] if room else data)

        monkeypatch.setattr(os, "write", short)
        file = log_module._RotatingFile(tmp_path / "webserver.log", limit_bytes=1000, kept=1)
        file.open()
        assert file.write(["a long line"])
        assert file.write(["next"]) is None
        file.close()
        assert lines(tmp_path)[0] == "a lo"
        assert lines(tmp_path)[-1] == "next"

    def test_a_terminal_that_is_gone_is_nobodys_business(self, tmp_path: Path) -> None:
        gone = io.StringIO()
        gone.close()
        with logging_to(tmp_path, terminal=gone):
            structlog.get_logger().error("still written")
        assert lines(tmp_path)[0].endswith("error still written")


class TestTerminal:
    def said(self, tmp_path: Path, terminal: io.StringIO, speak: Callable[[Log], object], **more: Any) -> str:
        with logging_to(tmp_path, terminal=terminal, **more) as log:
            speak(log)
        return terminal.getvalue()

    def test_shows_the_life_of_the_server_and_not_its_requests(self, tmp_path: Path) -> None:
        def speak(log: Log) -> None:
            log.entered(1, "GET", b"/", b"")
            log.left(1, "GET", b"/", status=200, job_id=None, seconds=0.1, reason=None)
            structlog.get_logger().debug("detail")
            structlog.get_logger().info("listening")

        text = self.said(tmp_path, io.StringIO(), speak)
        assert text.splitlines()[0].endswith("info listening")
        assert len(text.splitlines()) == 1
        assert len(lines(tmp_path)) == 4

    def test_shows_everything_when_asked_to(self, tmp_path: Path) -> None:
        def speak(log: Log) -> None:
            log.entered(1, "GET", b"/", b"")
            structlog.get_logger().debug("detail")

        assert len(self.said(tmp_path, io.StringIO(), speak, verbose=True).splitlines()) == 2

    def test_has_colours_where_it_is_one_and_not_where_the_reader_wants_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def speak(_: Log) -> None:
            structlog.get_logger().info("listening", url="x")

        monkeypatch.delenv("NO_COLOR", raising=False)
        coloured = self.said(tmp_path, Terminal(), speak)
        assert "\x1b[" in coloured
        assert "listening" in coloured
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in self.said(tmp_path, Terminal(), speak)

    def test_a_text_cannot_move_the_cursor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

        def speak(_: Log) -> None:
            structlog.get_logger().error("\x1b[2J", field="\x1b[2J\r\n", exc_info=ValueError("\x1b[2J"))

        text = self.said(tmp_path, Terminal(), speak)
        assert "\x1b" not in text
        assert "\r" not in text
        assert "ValueError" in text


def test_without_a_server_only_warnings_are_said_and_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = structlog.get_config()
    with log_module.plain_stderr():
        structlog.get_logger().info("progress")
        structlog.get_logger().warning("a damaged snapshot", dataset="x")
    assert structlog.get_config() == before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("warning a damaged snapshot dataset=x\n")
    assert len(err.splitlines()) == 1
    assert sys.stderr  # looked up when spoken to, so that whoever has put himself in its place is heard
