from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest
import structlog

from meantime.log.capture import plain_stderr
from tests.support.logs import lines, logging_to


def test_what_libraries_say_to_logging_is_there_too_from_warning_on(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        logging.getLogger("uvicorn.error").warning("Invalid %s received.", "HTTP request")
        logging.getLogger("uvicorn.error").info("not this")
    [line] = lines(tmp_path)
    assert line.endswith(" warning Invalid HTTP request received. logger=uvicorn.error")
    assert not any("LoggingHandler" in repr(handler) for handler in logging.getLogger().handlers)


def test_without_a_server_only_warnings_are_said_and_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = structlog.get_config()
    with plain_stderr():
        structlog.get_logger().info("progress")
        structlog.get_logger().warning("a damaged snapshot", dataset="x")
    assert structlog.get_config() == before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("warning a damaged snapshot dataset=x\n")
    assert len(err.splitlines()) == 1
    assert sys.stderr  # looked up at each call, so that a replacement is used


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


def test_a_request_that_is_cancelled_at_the_stop_is_no_traceback(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        uvicorn = logging.getLogger("uvicorn.error")
        uvicorn.error("Exception in ASGI application", exc_info=asyncio.CancelledError())
        uvicorn.error("Exception in ASGI application", exc_info=ValueError("unforeseen"))
    [line] = lines(tmp_path)
    assert "unforeseen" in line
