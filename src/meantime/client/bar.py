"""A progress bar at a terminal or in a notebook; elsewhere nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(what: str, total: int, *, is_wanted: bool = True) -> Iterator[Callable[[], object]]:
    """Show how many of ``total`` are done; call what is yielded for each."""
    # Here, since it takes as long to import as the rest of the client.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_hidden = not is_wanted or not (console.is_terminal or console.is_jupyter)
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as shown:
        task = shown.add_task(what, total=total)
        yield lambda: shown.advance(task)
