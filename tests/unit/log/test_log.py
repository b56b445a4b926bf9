from __future__ import annotations

import io
import os
import re
import threading
import time
from pathlib import Path

import pytest
import structlog

from tests.support.logs import lines, logging_to
from tests.support.waiting import PATIENCE_S, join, wait_for


def test_a_line_has_a_utc_time_a_level_what_happened_and_its_fields(tmp_path: Path) -> None:
    with logging_to(tmp_path, clock=lambda: 1_700_000_000.25):
        structlog.get_logger("any").info("listening", url="http://127.0.0.1:5000/", jobs=3, is_new=True, why=None)
    assert lines(tmp_path) == [
        "2023-11-14T22:13:20.250000Z info listening url=http://127.0.0.1:5000/ jobs=3 is_new=true why=null"
    ]


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


def test_the_death_of_the_logs_thread_is_said_at_the_terminal_with_all_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = threading.Event()
    terminal = io.StringIO()

    def refuse(_seconds: float) -> None:
        raise OSError(22, "Invalid argument")

    with logging_to(tmp_path, terminal=terminal, on_death=lambda _role, _error: died.set()):
        monkeypatch.setattr(time, "sleep", refuse)
        structlog.get_logger().info("before")
        assert died.wait(PATIENCE_S)
        structlog.get_logger().error("stopping after a failure")
    shown = terminal.getvalue()
    assert "a thread died role=log" in shown
    assert "Invalid argument" in shown
    assert shown.index("a thread died") < shown.index("stopping after a failure")


@pytest.mark.parametrize("method", ["G\x00T", "\x1b[31m", "GET path=/x", "M" * 5_000, "\u202e"])
def test_a_method_is_one_value_of_its_line(tmp_path: Path, method: str) -> None:
    with logging_to(tmp_path) as log:
        log.request_started(1, method, b"/a b", b"")
        log.request_finished(1, method, b"/", status=405, job_id=None, seconds=0.1, reason=None)
    for line in lines(tmp_path):
        assert re.fullmatch(r"[ -~]{1,500}", line)
        assert re.search(r' method="(?:[^"\\]|\\.)*" path=', line)
    assert 'path="/a b"' in lines(tmp_path)[0]


def test_a_long_value_is_cut_and_says_how_long_it_was(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        structlog.get_logger().info("long", value="x" * 10_000)
        log.request_started(1, "GET", b"/" + b"y" * 10_000, b"z" * 10_000)
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
        dropped_lines = [line for line in lines(tmp_path) if "dropped" in line]
        assert [line.partition(" ")[2] for line in dropped_lines] == ["warning log lines dropped lines=15"]

    def test_a_disk_that_is_full_takes_nothing_down(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_space(*_: object) -> int:
            raise OSError(28, "No space left on device")

        terminal = io.StringIO()
        with logging_to(tmp_path, terminal=terminal):
            monkeypatch.setattr(os, "write", no_space)
            for _ in range(1000):
                structlog.get_logger().debug("line")
        assert terminal.getvalue().count("No space left on device") == 1

    def test_a_value_that_cannot_be_formatted_costs_its_line_only(self, tmp_path: Path) -> None:
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

    def test_a_terminal_that_is_gone_is_nobodys_business(self, tmp_path: Path) -> None:
        gone = io.StringIO()
        gone.close()
        with logging_to(tmp_path, terminal=gone):
            structlog.get_logger().error("still written")
        assert lines(tmp_path)[0].endswith("error still written")
