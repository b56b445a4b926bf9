"""What has happened to jobs is told to who watches one of them, and to who follows all.

News are told in the order in which they happened, whichever threads they happened in: one thread tells at a time, and
whoever has news meanwhile leaves them to it. Nobody is called while a lock is held.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from meantime.engine.ledger import JobDetail, Watcher
from meantime.model import Job

Kind = Literal["accepted", "started", "progress", "given-back", "ended", "removed"]


class Event(NamedTuple):
    """Something that has happened to a job, and how it stood then."""

    kind: Kind
    detail: JobDetail


Follower = Callable[[Event], None]


class News:
    """What is to be told to whom. ``lock`` is the engine's: it guards what happens, so it also guards the order."""

    def __init__(self, lock: threading.Lock, *, on_trouble: Callable[[Job, BaseException], None]) -> None:
        self._lock = lock
        self._on_trouble = on_trouble
        self.is_followed = False  # whether somebody follows all jobs; looked at for each change of each
        self._followers: tuple[Follower, ...] = ()
        self._untold: deque[tuple[Event, Sequence[Watcher], Sequence[Follower]]] = deque()
        self._is_telling = False

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Have all that happens from now on told; return what ends that."""
        with self._lock:
            self._set((*self._followers, follower))

        def unfollow() -> None:
            with self._lock:
                # Not by equality alone: one who follows twice and leaves once still follows.
                followers = list(self._followers)
                if follower in followers:
                    followers.remove(follower)
                self._set(tuple(followers))

        return unfollow

    def note(self, kind: Kind, detail: JobDetail, watchers: Sequence[Watcher] = ()) -> None:
        """Keep something until ``tell``. The lock is held, since before it happened."""
        if watchers or self._followers:
            self._untold.append((Event(kind, detail), tuple(watchers), self._followers))

    def tell(self) -> None:
        """Tell what there is, unless another thread is about to. The lock is not held."""
        if not self._untold:
            return  # so that news which nobody wants cost no lock
        with self._lock:
            if self._is_telling:
                return
            self._is_telling = True
        while (news := self._next()) is not None:
            event, watchers, followers = news
            for watcher in watchers:
                self._call(event, watcher, event.detail)
            for follower in followers:
                self._call(event, follower, event)

    def _set(self, followers: tuple[Follower, ...]) -> None:
        self._followers = followers
        self.is_followed = bool(followers)

    def _next(self) -> tuple[Event, Sequence[Watcher], Sequence[Follower]] | None:
        with self._lock:
            # Decided under the lock: what is noted after this is told by who notes it.
            self._is_telling = bool(self._untold)
            return self._untold.popleft() if self._untold else None

    def _call(self, event: Event, callback: Callable[..., None], said: JobDetail | Event) -> None:
        try:
            callback(said)
        # It is somebody else's code, and the job is none the worse for it.
        except Exception as error:  # noqa: BLE001
            self._on_trouble(event.detail.job, error)
