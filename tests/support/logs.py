"""A log for a test, and its lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from meantime.log import Log


@contextmanager
def logging_to(folder: Path, **more: Any) -> Iterator[Log]:
    options: dict[str, Any] = {"size_mb": 1, "files": 2, "on_death": _must_not_die, "terminal": io.StringIO(), **more}
    log = Log(folder, **options)
    log.start()
    try:
        yield log
    finally:
        log.close()


def _must_not_die(role: str, error: BaseException) -> None:
    raise AssertionError(role) from error


def lines(folder: Path) -> list[str]:
    return (folder / "webserver.log").read_text(encoding="utf-8").splitlines()


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True
