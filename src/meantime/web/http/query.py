"""Reads the query of an address, and reports everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.text import json_pointer, quoted

# Far more problems than anybody reads. Each may need a search through 20,000 names (10 ms).
PROBLEM_LIMIT = 100


class Query:
    """A query, read name by name. Problems are collected until ``check`` is called."""

    def __init__(self, pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
        self.problems: list[Problem] = []
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if name in names:
                self._values.setdefault(name, []).append(value)
            else:
                near = closest(name, names)
                hint = suggestion(near).strip() or f"It takes {', '.join(names) or 'nothing'}."
                self.wrong(name, "unknown-parameter", f"The query has no parameter {quoted(name)}. {hint}", near)

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter that may be repeated."""
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        """Return the value of a parameter that may not be repeated."""
        values = self.all(name)
        if len(values) > 1:
            self.wrong(name, "repeated", f'"{name}" may be given only once, not {len(values):,} times.')
        return values[0] if values else None

    def number(self, name: str, *, default: int, up_to: int) -> int:
        """Return a whole number from 1 to ``up_to``."""
        text = self.one(name)
        if text is None:
            return default
        if re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= up_to:
            return int(text)
        self.wrong(name, "range", f'"{name}" must be a whole number from 1 to {up_to:,}, not {quoted(text)}.')
        return default

    def wrong(self, name: str, code: str, detail: str, near: Sequence[str] = ()) -> None:
        """Record a problem, up to a hundred."""
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append(Problem(pointer=json_pointer(name), code=code, detail=detail, closest=tuple(near)))

    def check(self) -> None:
        """Refuse the query if anything is wrong with it.

        Raises:
            RequestInvalid: with all problems.
        """
        if self.problems:
            raise refusal(self.problems, "query")


def refusal(problems: Sequence[Problem], of: str) -> RequestInvalid:
    """Return the error for one or more problems; ``of`` names what they were found in."""
    first = problems[0].detail
    if len(problems) == 1:
        return RequestInvalid(first, problems=problems)
    return RequestInvalid(f"{len(problems)} things are wrong with the {of}. The first: {first}", problems=problems)
