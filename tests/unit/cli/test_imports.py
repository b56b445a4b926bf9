"""What a command imports: ``--help`` imports nothing that it does not need."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from tests.support.imports import SLOW_TO_IMPORT, imported_by

WEB = {"meantime.web", "asgi", "starlette", "uvicorn"}
CLIENT = {"meantime.client", "httpx"}


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        ("--help", SLOW_TO_IMPORT | CLIENT | {"rich"}),
        ("serve --help", SLOW_TO_IMPORT | CLIENT),
        ("verify --help", SLOW_TO_IMPORT | CLIENT),
        ("ask --help", SLOW_TO_IMPORT),
        ("jobs --help", SLOW_TO_IMPORT),
        ("sample --help", SLOW_TO_IMPORT - {"numpy"}),
    ],
)
def test_help_imports_nothing_slow(arguments: str, needless: AbstractSet[str]) -> None:
    imported = imported_by("-m", "meantime", *arguments.split())
    assert "meantime.cli.main" in imported
    assert not needless & imported


def test_to_read_a_file_imports_nothing_that_only_a_server_needs() -> None:
    """A process is started for each file that is read; it says what went wrong to its parent, which has the log."""
    imported = imported_by("-c", "import meantime.dataset.reading.reader_process")
    assert "numpy" in imported
    assert not (WEB | CLIENT | {"structlog", "rich", "asyncio", "scipy", "meantime.statistics"}) & imported


def test_to_serve_imports_nothing_that_only_some_requests_need() -> None:
    """As ``meantime serve`` does it: the server answers half a second sooner for it."""
    imports = "import meantime.server, meantime.assembly, meantime.cli.load_progress, meantime.log.capture"
    code = f"""
from meantime.later import quick_imports
with quick_imports(without="rich"):
    {imports}
import rich
"""
    imported = imported_by("-c", code)
    assert {"meantime.web.app", "numpy"} <= imported
    assert not {"duckdb", "scipy", "rapidfuzz", "xlsxwriter", "nanoarrow", "vl_convert", "rich.console"} & imported


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        ("inspect table.csv", WEB | CLIENT | {"scipy", "meantime.statistics"}),
        ("ask states_mean --question nap --data table.csv", WEB),
        ("sample --out sample.csv", WEB | {"scipy", "duckdb", "meantime.statistics"}),
    ],
)
def test_a_command_for_files_imports_no_web(arguments: str, needless: AbstractSet[str], tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("Question,LocationDesc,Data_Value\nAdults who nap,Utah,1\n", encoding="utf-8")
    imported = imported_by("-m", "meantime", *arguments.split(), folder=tmp_path)
    assert "numpy" in imported
    assert not needless & imported


def test_to_ask_a_file_that_was_asked_before_imports_nothing_that_reading_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    table = tmp_path / "table.csv"
    table.write_text("Question,LocationDesc,Data_Value\nAdults who nap,Utah,1\n", encoding="utf-8")
    os.utime(table, (1, 1))  # what was written just now is not kept
    asked = ("-m", "meantime", "ask", "states_mean", "--question", "nap", "--data", "table.csv")
    needless = {"structlog", "meantime.dataset.catalog"}
    assert needless <= imported_by(*asked, folder=tmp_path)
    assert not (needless | {"scipy", "rapidfuzz", "urllib.request", "asyncio"}) & imported_by(*asked, folder=tmp_path)
