"""Reading the query of an address: everything that is wrong with it is told at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.text import json_pointer, quoted

# What would be read of a list of problems, many times over. Each may take a look through 20,000 names (10 ms).
PROBLEMS_TOLD = 100


class Query:
    """A query, read name by name; what is wrong is gathered until ``check`` is called."""

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
        """Return every value of a name that may come several times."""
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        """Return the value of a name that may come once."""
        values = self.all(name)
        if len(values) > 1:
            self.wrong(name, "repeated", f'"{name}" may be given only once, not {len(values):,} times.')
        return values[0] if values else None

    def number(self, name: str, *, default: int, up_to: int) -> int:
        """Return a whole number from 1."""
        text = self.one(name)
        if text is None:
            return default
        if re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= up_to:
            return int(text)
        self.wrong(name, "range", f'"{name}" must be a whole number from 1 to {up_to:,}, not {quoted(text)}.')
        return default

    def wrong(self, name: str, code: str, detail: str, near: Sequence[str] = ()) -> None:
        """Note a problem; beyond a hundred none is."""
        if len(self.problems) < PROBLEMS_TOLD:
            self.problems.append(Problem(pointer=json_pointer(name), code=code, detail=detail, closest=tuple(near)))

    def check(self) -> None:
        """Refuse the query if anything is wrong with it.

        Raises:
            RequestInvalid: with all that is.
        """
        if self.problems:
            raise refusal(self.problems, "query")


def refusal(problems: Sequence[Problem], of: str) -> RequestInvalid:
    """Return the error that carries these problems, of which there must be one; ``of`` names what they are with."""
    first = problems[0].detail
    if len(problems) == 1:
        return RequestInvalid(first, problems=problems)
    return RequestInvalid(f"{len(problems)} things are wrong with the {of}. The first: {first}", problems=problems)
