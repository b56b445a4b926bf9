"""Whether the engine accepts jobs, works on them, pauses, stops, or is broken."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from meantime.engine.jobs import server_stopped
from meantime.engine.retry import Backoff
from meantime.errors import Failure, ShuttingDown, StoreBroken

P = ParamSpec("P")
T = TypeVar("T")


class Lifecycle:
    """The engine's one lock, and the flags that every part of the engine asks before it goes on.

    The flags are guarded by the lock. Methods take it themselves, except those whose name begins with ``require``.

    ``on_fatal`` is called once, when only a restart can help.
    """

    def __init__(self, *, backoff: Backoff, on_fatal: Callable[[BaseException], None]) -> None:
        self.lock = threading.Lock()
        self.work_available = threading.Condition(self.lock)  # there may be something for a thread to do
        self.settled = threading.Condition(self.lock)  # there may be nothing unfinished, or nothing to wait for
        self.stopping = threading.Event()
        self.backoff = backoff
        self.fatal_error: BaseException | None = None
        self._on_fatal = on_fatal
        self._is_started = False
        self._is_closed = False  # to new jobs

    @property
    def is_accepting(self) -> bool:
        """Whether new jobs are taken, as far as there is room."""
        return self._is_started and not self._is_closed and self.fatal_error is None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is worked on any more."""
        return self.stopping.is_set() or self.fatal_error is not None

    def start(self) -> None:
        """Take new jobs from now on."""
        with self.lock:
            self._is_started = True

    def close(self) -> None:
        """Take no new jobs from now on."""
        with self.lock:
            self._is_closed = True

    def stop(self) -> None:
        """Interrupt what is worked on, and wake everybody who waits for something."""
        with self.lock:
            self._is_closed = True
            self.stopping.set()
            self.work_available.notify_all()
            self.settled.notify_all()

    def wake_worker(self) -> None:
        """Have a thread look whether there is something to do."""
        with self.lock:
            self.work_available.notify()

    def require_changeable(self) -> None:
        """Raise if nothing is changed any more. The lock is held.

        Raises:
            StoreBroken: not until a restart.
            ShuttingDown: the server stops.
        """
        if self.fatal_error is not None:
            reason = Failure.of(self.fatal_error).reason  # without what is for the log only
            raise StoreBroken(f"The server does no more work until it is restarted: {reason}")
        if self.stopping.is_set():
            raise server_stopped()

    def require_accepting(self) -> None:
        """Raise if no new jobs are taken. The lock is held; raises as ``require_changeable``."""
        self.require_changeable()
        if not self.is_accepting:
            raise ShuttingDown("The server takes no new jobs. Try again when it is back.")

    def set_back(self, error: BaseException) -> None:
        """Pause if the error may pass by itself. If not, it is fatal."""
        if isinstance(error, ShuttingDown):
            return  # the store was closed meanwhile: the next start reads from disk how things stand
        with self.lock:
            will_pass = self.backoff.start(error)
            self.work_available.notify_all()  # threads that wait without a limit must look again when the pause ends
        if not will_pass:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Do no more work: only a restart can help."""
        with self.lock:
            if self.fatal_error is not None:
                return
            self.fatal_error = error
            self.settled.notify_all()
        self._on_fatal(error)

    def when_done(self, future: Future[T], step: Callable[[Future[T]], None]) -> None:
        """Do the next step when a future is resolved."""
        future.add_done_callback(self.guarded(step))

    def guarded(self, step: Callable[P, None]) -> Callable[P, None]:
        """Return a step whose error is fatal: a future swallows what its callbacks raise, and a job would hang."""

        def guarded(*arguments: P.args, **named: P.kwargs) -> None:
            try:
                step(*arguments, **named)
            except BaseException as error:  # noqa: BLE001
                self.fail(error)

        return guarded
