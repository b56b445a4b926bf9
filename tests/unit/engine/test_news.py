from __future__ import annotations

import threading

from meantime.engine.ledger import JobDetail
from meantime.engine.news import Event, News
from meantime.model import Job
from tests.support.engine_fakes import PATIENCE_S, request


def detail(number: int) -> JobDetail:
    job = Job(number=number, request=request(), created_at_s=0.0)
    return JobDetail(job, job.state, 0.0, None)


class Room:
    """News, and what went wrong with telling them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.troubles: list[tuple[int, BaseException]] = []
        self.news = News(self.lock, on_trouble=lambda job, error: self.troubles.append((job.number, error)))

    def happen(self, *numbers: int) -> None:
        with self.lock:
            for number in numbers:
                self.news.note("accepted", detail(number))
        self.news.tell()


def test_followers_are_told_all_that_happens_until_they_leave() -> None:
    room, seen = Room(), list[Event]()
    room.happen(1)
    unfollow = room.news.follow(seen.append)
    room.happen(2, 3)
    unfollow()
    unfollow()
    room.happen(4)
    assert seen == [Event("accepted", detail(2)), Event("accepted", detail(3))]
    assert not room.news.is_followed


def test_one_who_follows_twice_and_leaves_once_still_follows() -> None:
    room, seen = Room(), list[Event]()
    leave = room.news.follow(seen.append)
    room.news.follow(seen.append)
    leave()
    room.happen(1)
    assert len(seen) == 1


def test_no_lock_is_held_while_somebody_is_told() -> None:
    room, is_free = Room(), list[bool]()

    def look(_: Event) -> None:
        is_free.append(room.lock.acquire(blocking=False))
        room.lock.release()

    room.news.follow(look)
    room.happen(1)
    assert is_free == [True]


def test_what_happens_while_others_are_told_comes_after_that_also_from_another_thread() -> None:
    room, seen = Room(), list[int]()

    def follower(event: Event) -> None:
        number = event.detail.job.number
        if number == 1:
            other = threading.Thread(target=room.happen, args=(2,))  # leaves its news to us
            other.start()
            other.join(PATIENCE_S)
            assert not other.is_alive()
            room.happen(3)
        seen.append(number)

    room.news.follow(follower)
    room.happen(1)
    assert seen == [1, 2, 3]
    room.happen(4)
    assert seen == [1, 2, 3, 4]


def test_a_follower_that_raises_is_trouble_and_the_others_are_told() -> None:
    room, seen = Room(), list[Event]()
    error = ZeroDivisionError()

    def angry(_: Event) -> None:
        raise error

    room.news.follow(angry)
    room.news.follow(seen.append)
    room.happen(1, 2)
    assert len(seen) == 2
    assert room.troubles == [(1, error), (2, error)]
