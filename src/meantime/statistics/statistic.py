"""What a statistic is, and what a request becomes that it can answer: ``Prepared``.

A request goes through the functions of its statistic. ``prepare`` selects the cells, and refuses what cannot be
answered; ``cost`` states what the answer will take; ``compute`` makes its table; ``rests_on`` says on which cells a row
rests, and ``explain`` how it was computed. The cells are selected once, by ``prepare``: the others take what it has
selected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem
from meantime.model import Unwatched, Work
from meantime.statistics.cells.provenance import Provenance
from meantime.statistics.cost import AnswerCost, Cost, document_bytes, name_bytes
from meantime.statistics.explain.explanation import Explanation, ExplanationBuilder
from meantime.statistics.parameters import Names, leaves
from meantime.table import Cell, Column, Table

P = TypeVar("P", bound=msgspec.Struct)  # the parameters of a statistic
D = TypeVar("D")  # what it prepares

# A question that the examples of all statistics share; the built-in sample has it.
EXAMPLE: Mapping[str, Any] = {"question": "Percent of adults aged 18 years and older who have obesity"}


def _nothing_wrong(_parameters: Any) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic(Generic[P, D]):
    """A public statistic."""

    name: str
    order: int  # where it stands in lists: those with a smaller number come first
    parameters: type[P]  # its type; the fields' names are the parameters' names
    # Selects the cells. It runs where requests are checked, so it does no more than selecting and pooling; raises
    # RequestInvalid with all problems.
    prepare: Callable[[Snapshot, P], D]
    # States what the answer costs, from what is prepared and without computing it.
    cost: Callable[[Prepared[P, D]], Cost]
    compute: Callable[[Prepared[P, D], Work], Table]
    # On which cells a row of the answer rests, with which weights; of all of the answer, where the row is None.
    rests_on: Callable[[Prepared[P, D], Mapping[str, Cell] | None], Provenance]
    # Explains how a row of the answer was computed.
    explain: Callable[[ExplanationBuilder[P, D]], None]
    # What is wrong with parameters that have the right types, as far as it can be said without the data.
    check_form: Callable[[P], Iterable[Problem]] = _nothing_wrong
    help: str  # one line: what it gives
    estimates: str  # one line: what its numbers are an estimate of, and so what they are not
    columns: tuple[Column, ...]  # of an answer with default parameters
    columns_for: Callable[[P], tuple[Column, ...]] | None = None  # where they depend on the parameters
    example: Mapping[str, Any]  # parameters, for a question of the CDC
    example_rows: tuple[tuple[Cell, ...], ...]  # the first rows of its answer, of what `meantime sample` writes
    method_version: int  # counts up when the same request over the same snapshot may give another result
    charts: tuple[str, ...] = ()  # of its answers, by their names in charts/registry.py; the usual one first
    needs_polarity: bool = False  # whether it must be known which values are good
    reads_cells: bool = True  # and not only sums of them (marginals), which are found without looking at any cell
    is_small: bool = False  # its answer has few rows, however many locations a table has

    @property
    def parameters_schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters: complete, without references."""
        schema: dict[str, Any] = msgspec.json.schema(self.parameters)["$defs"][self.parameters.__name__]
        return schema

    def columns_of(self, parameters: P) -> tuple[Column, ...]:
        """Return the columns of the answer to these parameters; units of values are those of the question."""
        return self.columns if self.columns_for is None else self.columns_for(parameters)

    def searched(self, snapshot: Snapshot, parameters: P) -> int:
        """Return how many cells the questions have that the parameters name, by the cube's index."""
        if not self.reads_cells:
            return 0
        values = {field: getattr(parameters, field) for field in parameters.__struct_fields__}
        named = (leaf.text for leaf in leaves(self.parameters, values) if leaf.names is Names.QUESTION)
        cells = [snapshot.cube.cells_of(snapshot.cube.question_codes[text]) for text in named]
        return sum(each.stop - each.start for each in cells)

    def expected_cost(self, snapshot: Snapshot, parameters: P) -> Cost:
        """Return about what an answer costs at least, from what is known of the question without its cells.

        An answer about all locations has a row for each that has a value. Half of those that have one in the rarest
        group and period are counted: more are hardly ever left out, for want of another year or a standard error.
        """
        searched = self.searched(snapshot, parameters)
        is_listed = any(column.name == "location" for column in self.columns_of(parameters))
        if not is_listed or getattr(parameters, "locations", ()) != ("all",):
            return Cost(searched=searched)
        question = snapshot.cube.question_codes[getattr(parameters, "question")]  # noqa: B009 - of any parameters
        rows = int(snapshot.cube.outline(question).fewest_locations) // 2
        return Cost(searched=searched, cells=rows, **self.answer_cost(snapshot, parameters, rows))

    def answer_cost(self, snapshot: Snapshot, parameters: P, rows: int, *, listed_bytes: int = 0) -> AnswerCost:
        """State what an answer of so many rows costs; ``listed_bytes``: of the lists of names in it."""
        size = document_bytes(
            self.columns_of(parameters),
            parameters,
            rows=rows,
            location_bytes=name_bytes(snapshot.cube.labels.locations),
            listed_bytes=listed_bytes,
        )
        return {"answer_rows": rows, "answer_bytes": size}

    def prepared(self, snapshot: Snapshot, parameters: P) -> Prepared[P, D]:
        """Select the cells of a request whose names have been checked.

        Raises:
            RequestInvalid: it cannot be answered from this snapshot; carries all problems.
        """
        data = self.prepare(snapshot, parameters)
        return Prepared(statistic=self, snapshot=snapshot, parameters=parameters, data=data)

    def answer(self, snapshot: Snapshot, parameters: P) -> Table:
        """Prepare and compute, for whoever has the parameters at hand; raises as ``prepared`` does."""
        return self.compute(self.prepared(snapshot, parameters), Unwatched())


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared(Generic[P, D]):
    """A request that can be answered: checked, and its cells selected."""

    statistic: Statistic[P, D]
    snapshot: Snapshot
    parameters: P
    data: D  # what the statistic's ``prepare`` has returned

    @cached_property
    def cost(self) -> Cost:
        """What the answer costs, stated without computing it."""
        searched = self.statistic.searched(self.snapshot, self.parameters)
        return replace(self.statistic.cost(self), searched=searched)

    def answer_cost(self, rows: int, *, listed_bytes: int = 0) -> AnswerCost:
        """State what an answer of so many rows costs; ``listed_bytes``: of the lists of names in it."""
        return self.statistic.answer_cost(self.snapshot, self.parameters, rows, listed_bytes=listed_bytes)

    def compute(self, work: Work) -> Table:
        """Make the answer.

        Raises:
            JobInterrupted: ``work.check()`` stopped it.
        """
        work.check()
        table = self.statistic.compute(self, work)
        work.check()
        return table

    def rests_on(self, row: Mapping[str, Cell] | None) -> Provenance:
        """Say on which cells a row of the answer rests, or all of the answer (None)."""
        return self.statistic.rests_on(self, row)

    def explain(self, answer: Table, row: Mapping[str, Cell]) -> Explanation:
        """Explain how a row of the answer was computed."""
        builder = ExplanationBuilder(
            snapshot=self.snapshot,
            parameters=self.parameters,
            data=self.data,
            row=row,
            provenance=self.rests_on(row),
        )
        self.statistic.explain(builder)
        return builder.explanation(self.statistic.name, answer.warnings)


# Where the types of parameters and data do not matter.
AnyStatistic: TypeAlias = Statistic[Any, Any]
AnyPrepared: TypeAlias = Prepared[Any, Any]
