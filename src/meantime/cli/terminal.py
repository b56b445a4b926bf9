"""What people see at a terminal: tables, safe text, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from meantime.cli.reporting import printable


class _Console(Console):
    """Standard output for people and pipes."""

    def on_broken_pipe(self) -> None:
        # rich would end with exit code 1, but a pipe that the reader closed is not a failure.
        raise BrokenPipeError


def output_console() -> Console:
    """Return a console for standard output."""
    # A pipe has no width; rich would take 80 characters, in which the questions of the CDC have three lines each.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    return _Console(width=width, soft_wrap=True)


def plain(text: str, style: str = "") -> Text:
    """Text for a console, some of it from a file: nothing in it is markup, or a command to the terminal."""
    return Text(printable(text), style=style)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[float], None]]:
    """Show a bar at a terminal; what is yielded takes the share that is done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _share: None
        return
    with bars(console) as shown:
        task = shown.add_task(description, total=1.0)
        yield lambda share: shown.update(task, completed=share)


def bars(console: Console) -> Progress:
    """Make bars for shares from 0 to 1."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
