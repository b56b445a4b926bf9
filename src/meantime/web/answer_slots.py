"""Limits how many long answers are computed at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from meantime.errors import AnswersBusy

# Each takes a core and up to half a gigabyte.
LONG_AT_A_TIME = 2


class AnswerSlots:
    """The slots for long answers, one for each that is being computed."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(LONG_AT_A_TIME)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a slot while an answer is computed.

        Raises:
            AnswersBusy: all slots are taken.
        """
        if not self._free.acquire(blocking=False):
            raise AnswersBusy(
                f"The server is already computing {LONG_AT_A_TIME} long answers, as many as it does at once. Try again "
                "in a second, or POST the same question to /v1/jobs, where it waits its turn.",
                retry_after_s=1,
            )
        try:
            yield
        finally:
            self._free.release()
