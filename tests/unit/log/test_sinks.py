from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from meantime.log import Log
from tests.support.logs import FakeTerminal, lines, logging_to


class TestTerminal:
    def shown(self, tmp_path: Path, terminal: io.StringIO, speak: Callable[[Log], object], **more: Any) -> str:
        with logging_to(tmp_path, terminal=terminal, **more) as log:
            speak(log)
        return terminal.getvalue()

    def test_shows_the_life_of_the_server_and_not_its_requests(self, tmp_path: Path) -> None:
        def speak(log: Log) -> None:
            log.request_started(1, "GET", b"/", b"")
            log.request_finished(1, "GET", b"/", status=200, job_id=None, seconds=0.1, reason=None)
            structlog.get_logger().debug("detail")
            structlog.get_logger().info("listening")

        text = self.shown(tmp_path, io.StringIO(), speak)
        assert text.splitlines()[0].endswith("info listening")
        assert len(text.splitlines()) == 1
        assert len(lines(tmp_path)) == 4

    def test_shows_everything_when_asked_to(self, tmp_path: Path) -> None:
        def speak(log: Log) -> None:
            log.request_started(1, "GET", b"/", b"")
            structlog.get_logger().debug("detail")

        assert len(self.shown(tmp_path, io.StringIO(), speak, verbose=True).splitlines()) == 2

    def test_has_colours_where_it_is_one_and_not_where_the_reader_wants_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def speak(_: Log) -> None:
            structlog.get_logger().info("listening", url="x")

        monkeypatch.delenv("NO_COLOR", raising=False)
        coloured = self.shown(tmp_path, FakeTerminal(), speak)
        assert "\x1b[" in coloured
        assert "listening" in coloured
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in self.shown(tmp_path, FakeTerminal(), speak)

    def test_a_text_cannot_move_the_cursor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")

        def speak(_: Log) -> None:
            structlog.get_logger().error("\x1b[2J", field="\x1b[2J\r\n", exc_info=ValueError("\x1b[2J"))

        text = self.shown(tmp_path, FakeTerminal(), speak)
        assert "\x1b" not in text
        assert "\r" not in text
        assert "ValueError" in text
