"""How the reading of data sets is shown: bars at a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from meantime.cli.reporting import say
from meantime.dataset.load_status import Loading, Status, progress_of

if TYPE_CHECKING:
    from rich.progress import TaskID

# For the phases whose name in the API's documents would need an explanation.
_SHOWN_PHASES = {"looking": "examining", "rolling up": "aggregating"}


@contextmanager
def load_bars() -> Iterator[Callable[[str, Status], None] | None]:
    """Bars at a terminal; elsewhere nothing to show them with."""
    if not sys.stderr.isatty():
        yield None
        return
    # It takes a tenth of a second to import.
    from meantime.cli.terminal import bars, error_console

    console = error_console()
    if not console.is_terminal:
        yield None
        return
    with bars(console) as shown:
        tasks: dict[str, TaskID] = {}

        def show(name: str, status: Status) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=1.0)
            if (progress := progress_of(status)) is None:
                shown.update(tasks[name], visible=False)
            else:
                description = f"{name}: {_SHOWN_PHASES.get(progress.phase, progress.phase)}"
                shown.update(tasks[name], completed=progress.share, description=description, visible=True)

        yield show


class LoadLines:
    """A line for each phase of reading, where there is no terminal for a bar."""

    def __init__(self) -> None:
        self._phase = ""

    def __call__(self, name: str, status: Status) -> None:
        """Print a line where another phase has begun."""
        if isinstance(status, Loading) and status.progress.phase != self._phase:
            self._phase = status.progress.phase
            say(f"{name}: {_SHOWN_PHASES.get(self._phase, self._phase)}", err=True)
