"""Hears when other hosts have changed something, and looks by itself every second in case that was not heard."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable

from meantime import threads
from meantime.stores.postgres.database import Connection, Database
from meantime.stores.postgres.errors import PostgresErrors

# Notifications may be lost with a connection; nobody should wait much longer for a job than it takes a person to look.
_LOOK_S = 1.0


class Wakeups:
    """A thread that calls ``wake`` at each notification, and at least every second."""

    def __init__(self, database: Database, *, wake: Callable[[], None], on_death: threads.OnDeath) -> None:
        self._database = database
        self._wake = wake
        self._connection: Connection | None = None
        self._stopped, self._stop = os.pipe()
        self._thread = threads.start("wakeups", self._run, on_death=on_death)

    def close(self) -> None:
        """End the thread. May be called twice."""
        if self._thread.is_alive():
            os.write(self._stop, b".")
            self._thread.join()
            os.close(self._stop)
            os.close(self._stopped)

    def _run(self) -> None:
        while self._wait():
            self._wake()
        self._hang_up()

    def _wait(self) -> bool:
        """Wait for a notification or for a second; False if this is to end."""
        connection = self._listening()
        watched = [self._stopped, *([connection.fileno()] if connection else [])]
        readable, _, _ = select.select(watched, [], [], _LOOK_S)
        if self._stopped in readable:
            return False
        if connection and readable:
            try:
                connection.pgconn.consume_input()
                while connection.pgconn.notifies():
                    pass
            except PostgresErrors:
                self._hang_up()
                # Not at once again: the server may be starting.
                return not select.select([self._stopped], [], [], _LOOK_S)[0]
        return True

    def _listening(self) -> Connection | None:
        if self._connection is None:
            connection = None
            try:
                connection = self._database.connect()
                connection.execute("LISTEN meantime")
                self._connection = connection
            except PostgresErrors:
                if connection is not None:
                    connection.close()
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*PostgresErrors):
                self._connection.close()
            self._connection = None
