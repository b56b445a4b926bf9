from __future__ import annotations

import msgspec

from meantime.statistics.methods.seeding import generator


class Asked(msgspec.Struct, frozen=True):
    question: str


def _first(fingerprint: str = "f", statistic: str = "ranking", question: str = "Q") -> int:
    return int(generator(fingerprint, statistic, Asked(question)).integers(2**62))


def test_another_content_statistic_or_request_has_other_random_numbers() -> None:
    assert _first() == _first()
    assert len({_first(), _first(fingerprint="g"), _first(statistic="gap"), _first(question="R")}) == 4


def test_the_numbers_are_what_they_were_in_every_version() -> None:
    assert _first() == FIRST


# Computed once; if it changes, results of old requests change with it, and method versions must count up.
FIRST = 3806633466522893899
