"""Every thread of Meantime starts here: it has a name, an owner that joins it, and a callback for when it dies.

A thread that dies from an exception loses its work silently. Its owner must know and stop the server, since a server
that only looks alive loses jobs. So no thread can be started without that callback.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

# Called in the dying thread, with its role and the exception.
OnDeath = Callable[[str, BaseException], None]


def start(role: str, run: Callable[[], None], *, on_death: OnDeath) -> threading.Thread:
    """Start a thread named ``meantime-<role>``; the caller must join it.

    Not a daemon: a missing join then shows in the first test, not in the first lost result.

    Raises:
        OSError: EAGAIN, the machine has too many threads or too little memory; it may pass.
    """

    def run_and_report() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - whatever ends the thread must be reported
            on_death(role, error)

    thread = threading.Thread(target=run_and_report, name=f"meantime-{role}", daemon=False)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, f"the system starts no more threads ({role})") from error
    return thread
