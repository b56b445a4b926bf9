"""A progress bar in a terminal or a notebook; elsewhere nothing is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(description: str, total: int, *, is_wanted: bool = True) -> Iterator[Callable[[], object]]:
    """Show how many of ``total`` are done. Yields a function to call for each that is."""
    # Imported here: rich takes as long to import as the rest of the client.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_hidden = not is_wanted or not (console.is_terminal or console.is_jupyter)
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as progress:
        task = progress.add_task(description, total=total)
        yield lambda: progress.advance(task)
