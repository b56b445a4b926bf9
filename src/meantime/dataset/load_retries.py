"""When a data set is read again that could not be read through no fault of its files. Only decides, in memory."""

from __future__ import annotations

from collections.abc import Callable

# Memory often comes back at once, when the process that took it has ended.
_FIRST_S = 1.0
# Who has freed a disk should not have to wait long, and a file that takes a minute to read must not be read all the
# time. A reload does not wait.
_LONGEST_S = 60.0


class LoadRetries:
    """The next try of each data set, after 1, 2, 4, ... 60 seconds. Guarded by the catalog's lock."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._failures: dict[str, int] = {}
        self._due_at_s: dict[str, float] = {}

    def failed(self, name: str) -> None:
        """Note that reading has failed, and when to try again."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        # The exponent is bounded: a disk can be full for a week.
        self._due_at_s[name] = self._monotonic_s() + min(_FIRST_S * 2.0 ** min(failures, 30), _LONGEST_S)

    def forget(self, name: str) -> None:
        """Do not try again by itself: it was read, or trying again cannot help."""
        self._failures.pop(name, None)
        self._due_at_s.pop(name, None)

    def take_due(self) -> list[str]:
        """Return the data sets whose time has come, each once."""
        now_s = self._monotonic_s()
        names = [name for name, at_s in self._due_at_s.items() if at_s <= now_s]
        for name in names:
            del self._due_at_s[name]
        return names

    @property
    def wait_s(self) -> float | None:
        """How long nothing is due; None if nothing will be."""
        return max(0.0, min(self._due_at_s.values()) - self._monotonic_s()) if self._due_at_s else None
