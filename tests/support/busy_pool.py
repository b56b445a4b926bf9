"""A pool in which no thread is ever free and nobody may wait."""

from __future__ import annotations

from meantime.web.pools import AnswerPool


def busy_pool() -> AnswerPool:
    pool = AnswerPool("long answers", at_once=1, waiting=0, wait_s=60, instead="or do something else")
    pool._taken = 1
    return pool
