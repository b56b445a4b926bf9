"""What people see at a terminal: tables, safe text, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from meantime.text import visible


class _Console(Console):
    """A console that takes no text for markup, nor for commands: what it is given may come from a file or a server."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Make a text of what was given as ``str``: to print, or in a table."""
        how |= {"markup": False, "emoji": False, "highlight": False}
        return super().render_str(visible(text, keep="\n"), **how)

    def on_broken_pipe(self) -> None:
        # rich would end with exit code 1, but a pipe that the reader closed is not a failure.
        raise BrokenPipeError


def output_console(width: int | None = None) -> Console:
    """Return a console for standard output, as wide as the terminal unless a width is given."""
    # A pipe has no width; rich would take 80 characters, in which the questions of the CDC have three lines each.
    if width is None and not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = 120
    return _Console(width=width, soft_wrap=True)


def error_console() -> Console:
    """Return a console for standard error."""
    return _Console(stderr=True)


def plain(text: str, style: str = "") -> Text:
    """One line for a console, some of it from a file: nothing in it is markup, another line, or a command."""
    return Text(visible(text), style=style)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[float], None]]:
    """Show a bar at a terminal; what is yielded takes the share that is done."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _share: None
        return
    with bars(console) as shown:
        task = shown.add_task(description, total=1.0)
        yield lambda share: shown.update(task, completed=share)


class _Description(TextColumn):
    """What a bar is about; the name of a data set may be in it."""

    def render(self, task: Task) -> Text:
        return plain(task.description)


def bars(console: Console) -> Progress:
    """Make bars for shares from 0 to 1."""
    return Progress(
        _Description(""),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
