"""``excess``: how far each location is above a value. A statistic for tests: what adding one takes, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import CellParameters, check_form
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import Provenance, of_estimates
from meantime.statistics.cells.select import select
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import explain_own_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.result_tables import ESTIMATE, HIGH, LOW, numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.table import Cell, Table


class Excess(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``excess``."""

    threshold: Annotated[float, msgspec.Meta(description="The value to be above of.", examples=[30.0])] = 30.0


COLUMNS = (
    shared.LOCATION,
    ESTIMATE,
    LOW,
    HIGH,
    shared.number("excess", "estimate minus the threshold", unit=shared.OF_DIFFERENCE),
)


def prepare(snapshot: Snapshot, parameters: Excess) -> Pooled:
    """Select the cells, and pool their years."""
    return pool_periods(select(snapshot, parameters))


def excess(prepared: Prepared[Excess, Pooled], _work: Work) -> Table:
    """Subtract the threshold from each estimate."""
    estimates, threshold = prepared.data, prepared.parameters.threshold
    data: list[list[Cell]] = [
        list(estimates.groups.names),
        *map(numbers, (estimates.value, estimates.low, estimates.high, estimates.value - threshold)),
    ]
    above = f"{int((estimates.value > threshold).sum())} locations are above {threshold}."
    return table(estimates.groups, COLUMNS, data, left_out=estimates.left_out, findings=[above])


def cost(prepared: Prepared[Excess, Pooled]) -> Cost:
    """State that each location is one row."""
    estimates = prepared.data
    return Cost(cells=estimates.selection.cells_read, **prepared.answer_cost(len(estimates)))


def rests_on(prepared: Prepared[Excess, Pooled], row: Mapping[str, Cell] | None) -> Provenance:
    """Return the cells of the estimate."""
    return of_estimates(prepared.data, row)


def explain(explanation: ExplanationBuilder[Excess, Pooled]) -> None:
    """Explain the estimate, and the subtraction."""
    explain_own_estimate(explanation, explanation.data)
    explanation.step("The threshold is subtracted.", excess=explanation.number("excess"))
    explanation.results["excess"] = (f"own_value - {explanation.parameters.threshold!r}",) * 2


STATISTIC = Statistic(
    name="excess",
    order=1000,
    parameters=Excess,
    prepare=prepare,
    cost=cost,
    compute=excess,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="how far each location is above a value",
    estimates="the population value of each location, less a value that is known",
    columns=COLUMNS,
    example=EXAMPLE,
    example_rows=(),
    method_version=1,
    charts=("estimates",),
)
