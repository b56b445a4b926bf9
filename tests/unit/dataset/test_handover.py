"""What is handed over from where a job is accepted to where it is worked on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from meantime.dataset.handover import Handover


def test_what_is_kept_is_taken_once() -> None:
    handover = Handover()
    handover.keep("a", 1, cells=5)
    handover.keep("a", 2, cells=5)
    handover.keep("b", 3, cells=5)
    assert handover.take("c") is None
    assert sorted(str(handover.take("a")) for _ in range(3)) == ["1", "2", "None"]
    assert (handover.take("b"), handover.take("b")) == (3, None)


def test_the_oldest_goes_where_there_is_too_much() -> None:
    handover = Handover(most=2)
    for number in range(4):
        handover.keep(number, number, cells=0)
    assert [handover.take(number) for number in range(4)] == [None, None, 2, 3]

    handover = Handover(most_cells=100)
    handover.keep("first", 1, cells=60)
    handover.keep("second", 2, cells=60)
    assert (handover.take("first"), handover.take("second")) == (None, 2)
    handover.keep("too large", 3, cells=101)
    assert handover.take("too large") is None
    handover.keep("third", 4, cells=100)  # nothing of what went is counted any more
    assert handover.take("third") == 4


def test_threads_take_each_thing_once() -> None:
    handover = Handover()
    for number in range(500):
        handover.keep(number % 7, number, cells=1)
    with ThreadPoolExecutor(4) as threads:
        taken = [each for each in threads.map(handover.take, [number % 7 for number in range(700)]) if each is not None]
    assert sorted(map(int, map(str, taken))) == list(range(500))
