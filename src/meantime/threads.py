"""Every thread of ours starts here: it has a name, an owner that joins it, and it is watched.

A thread that dies from an exception takes its work with it in silence; the owner must hear of it and stop the
whole, since a server that only looks alive loses jobs. So there is no way to start a thread without saying who hears.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

# Called in the dying thread, with its role and what it died of.
OnDeath = Callable[[str, BaseException], None]


def start(role: str, run: Callable[[], None], *, on_death: OnDeath) -> threading.Thread:
    """Start a thread named ``meantime-<role>``; whoever calls this must join it.

    Not a daemon: an owner that forgets to join is found by the first test, not by the first lost result.
    """

    def watched() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - the watch is for whatever ends the thread
            on_death(role, error)

    thread = threading.Thread(target=watched, name=f"meantime-{role}", daemon=False)
    thread.start()
    return thread
