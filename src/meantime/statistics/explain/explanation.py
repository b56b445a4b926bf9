"""How a number was computed: in words, as formulas with the numbers filled in, and as programs that repeat it.

An explanation is of one row of an answer. Its steps go from the rows of the file to the number, each a sentence with
its formula filled in. Each statistic writes the explanation of its own rows with an ``ExplanationBuilder``; the steps
that several have in common are in ``means``, ``estimates`` and ``differences``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.provenance import Provenance
from meantime.statistics.explain.programs import ProgramWriter
from meantime.table import Cell
from meantime.text import listed, quoted

P = TypeVar("P", bound=msgspec.Struct)  # the parameters of a statistic
D = TypeVar("D")  # what it prepares

_LABELS = ("location", "category", "stratum", "period")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the file to the number."""

    text: str
    formula: str | None = None
    numbers: dict[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a row of an answer was computed."""

    title: str
    number: str | None  # column of the answer that the weights of its rows add up to
    steps: tuple[Step, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    sources: tuple[str, ...]
    python: str
    r: str
    computes: tuple[str, ...]  # columns of the answer that the programs give
    leaves_out: tuple[str, ...]  # what they do not compute, and why


@dataclass(kw_only=True)
class ExplanationBuilder(Generic[P, D]):
    """An explanation while it is put together."""

    snapshot: Snapshot
    parameters: P
    data: D  # what the statistic has prepared
    row: Mapping[str, Cell]
    provenance: Provenance
    steps: list[Step] = field(default_factory=list)
    # What the programs compute: by column of the answer, the expression in Python and the one in R.
    results: dict[str, tuple[str, str]] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    leaves_out: list[str] = field(default_factory=list)
    programs: ProgramWriter = field(init=False)

    def __post_init__(self) -> None:
        """Begin the programs."""
        self.programs = ProgramWriter(self.snapshot)
        about = self.snapshot.about
        if columns := dict.fromkeys(about.roles[role] for role in about.plain if role in about.roles):
            self.leaves_out.append(
                f"How the file is written: the programs expect plain numbers, years and names in "
                f"{listed(map(quoted, columns))}, such as 2288 for 2,288."
            )

    def step(self, text: str, formula: str | None = None, /, **numbers: float | None) -> None:
        """Add a step; numbers that are not known are left out of it."""
        known = {name: float(value) for name, value in numbers.items() if value is not None and value == value}
        self.steps.append(Step(text=text, formula=formula, numbers=known))

    def no_number(self, why: str) -> None:
        """Say that there is no number to explain."""
        text = f"There is no number: {why}."
        self.step(text)
        self.leaves_out.append(text)

    def number(self, column: str) -> float | None:
        """Return a number of the row; None where it has none."""
        value = self.row.get(column)
        return float(value) if isinstance(value, (int, float)) else None

    def known(self, column: str) -> float:
        """Return a number of the row that is always there."""
        return float(self.row[column])  # type: ignore[arg-type]  # a TypeError is a bug of ours

    def explanation(self, statistic: str, warnings: tuple[str, ...]) -> Explanation:
        """Return the finished explanation, with the warnings of the answer."""
        program = self.programs.finished(self.results)
        labels = [str(self.row[name]) for name in _LABELS if self.row.get(name)]
        parameters: Any = self.parameters  # of every statistic one is the question
        return Explanation(
            title=f"{statistic}: {', '.join([*labels, parameters.question])}",
            number=self.provenance.number,
            steps=tuple(self.steps),
            assumptions=tuple(self.assumptions),
            warnings=warnings,
            sources=tuple(self.sources),
            python=program.python,
            r=program.r,
            computes=tuple(self.results),
            leaves_out=tuple(self.leaves_out),
        )


AnyExplanation = ExplanationBuilder[Any, Any]
