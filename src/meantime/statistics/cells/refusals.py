"""The errors of requests that cannot be answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meantime.errors import Problem, RequestInvalid
from meantime.text import listed, quoted


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


def groups_to_choose(strata: Mapping[str, Sequence[str]]) -> str:
    """Say which strata each category has.

    >>> groups_to_choose({"Sex": ["Female", "Male"], "Total": ["Total"]})
    'There are, by category: "Sex": "Female" and "Male"; "Total": "Total".'
    """
    groups = (f"{quoted(category)}: {listed(map(quoted, members))}" for category, members in strata.items())
    return f"There are, by category: {'; '.join(groups)}."
