"""The errors of requests that cannot be answered."""

from __future__ import annotations

from collections.abc import Iterable

from meantime.errors import Problem, RequestInvalid


def raise_problems(problems: Iterable[Problem]) -> None:
    """Refuse a request with everything that is wrong with it, if something is.

    Raises:
        RequestInvalid: there is a problem.
    """
    every = tuple(problems)
    if every:
        raise RequestInvalid(" ".join(each.detail for each in every), problems=every)


def refusal(pointer: str, code: str, detail: str) -> RequestInvalid:
    """Return the error of a request with one thing wrong with it."""
    return RequestInvalid(detail, problems=(Problem(pointer=pointer, code=code, detail=detail),))
