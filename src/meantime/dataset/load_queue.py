"""Which data sets are to be read next, and when one is read again that failed. Only decides, in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

from meantime.dataset.load_status import ReloadOutcome

# Memory often comes back at once, when the process that took it has ended.
_FIRST_S = 1.0
# Who has freed a disk should not have to wait long, and a file that takes a minute to read must not be read all the
# time. A reload does not wait.
_LONGEST_S = 60.0


class Due(NamedTuple):
    """A data set to read now."""

    name: str
    outcome: Future[ReloadOutcome]  # for those who wait for it
    is_requested: bool  # somebody asked for it: at the start, or by a reload


class LoadQueue:
    """Data sets that are to be read, in order, and those that are read again by themselves. Guarded by the catalog.

    After failures in a row, the next try comes after 1, 2, 4, ... 60 seconds. A data set that is being read is not in
    the queue, so a reload requested meanwhile reads it once more.
    """

    def __init__(self, names: Iterable[str], monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._due: OrderedDict[str, Due] = OrderedDict()
        self._failures: dict[str, int] = {}
        self._try_at_s: dict[str, float] = {}
        for name in names:
            self.add(name)

    def __contains__(self, name: str) -> bool:
        return name in self._due

    def add(self, name: str, *, is_requested: bool = True) -> Future[ReloadOutcome]:
        """Have a data set read, and return the future of the outcome: the same for all who ask before it begins."""
        due = self._due.get(name) or Due(name, new_future(), is_requested)
        self._due[name] = due._replace(is_requested=due.is_requested or is_requested)
        return due.outcome

    def add_next_try(self, name: str) -> None:
        """Have a data set read again in a while, since reading has failed."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        # The exponent is bounded: a disk can be full for a week.
        self._try_at_s[name] = self._monotonic_s() + min(_FIRST_S * 2.0 ** min(failures, 30), _LONGEST_S)

    def cancel_next_try(self, name: str) -> None:
        """Do not read a data set again by itself: it was read, or trying again cannot help."""
        self._failures.pop(name, None)
        self._try_at_s.pop(name, None)

    def pop(self) -> Due | None:
        """Take out what is to be read next; None if nothing is due now."""
        now_s = self._monotonic_s()
        for name in [name for name, at_s in self._try_at_s.items() if at_s <= now_s]:
            del self._try_at_s[name]
            self.add(name, is_requested=False)
        if not self._due:
            return None
        _, due = self._due.popitem(last=False)
        return due

    def remove(self, name: str) -> Future[ReloadOutcome] | None:
        """Do not read a data set; return the future of those who wait for it."""
        self.cancel_next_try(name)
        due = self._due.pop(name, None)
        return due and due.outcome

    def clear(self) -> list[Future[ReloadOutcome]]:
        """Empty the queue, and return the futures of those who wait."""
        pending = [due.outcome for due in self._due.values()]
        self._due.clear()
        self._try_at_s.clear()
        return pending

    @property
    def wait_s(self) -> float | None:
        """How long nothing is due by itself; None if nothing will be."""
        return max(0.0, min(self._try_at_s.values()) - self._monotonic_s()) if self._try_at_s else None


def new_future() -> Future[ReloadOutcome]:
    """Return a future that cannot be cancelled: others may wait for it too, and the loader must be able to set it."""
    future: Future[ReloadOutcome] = Future()
    future.set_running_or_notify_cancel()
    return future


def failed_future(error: Exception) -> Future[ReloadOutcome]:
    """Return the future of what is not even tried."""
    future = new_future()
    future.set_exception(error)
    return future
