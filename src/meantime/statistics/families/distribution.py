"""``distribution``: how the locations' values are spread, how much is beyond sampling error, and which are outliers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import CellParameters, check_form
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.provenance import VALUE, Part, Provenance, of_estimates
from meantime.statistics.cells.select import select
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import explain_own_estimate
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.differences import Compared, difference_from
from meantime.statistics.methods.heterogeneity import Heterogeneity
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.spread import FAR_OUT, modified_z, quantiles
from meantime.statistics.parameters import Show
from meantime.statistics.result_tables import (
    ESTIMATE,
    FLAGS,
    HIGH,
    LOW,
    RESPONDENTS,
    flag_texts,
    integers,
    numbers,
    table,
)
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.comparisons import size_and_interval
from meantime.statistics.words.conclusions import LEVEL
from meantime.statistics.words.extremes import range_sentence, spread_sentence
from meantime.statistics.words.findings import MOST_OF_A_KIND
from meantime.statistics.words.subject import by_size, capitalized, here
from meantime.table import Cell, Column, Kind, Table
from meantime.text import amount, decimals, number, unit_of_difference

# Of fewer locations hardly any can lie far out, and that none does is no news.
_LEAST_FOR_NONE = 10


class Distribution(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``distribution``."""

    show: Show = "locations"


COLUMNS = (
    shared.LOCATION,
    ESTIMATE,
    LOW,
    HIGH,
    shared.number("difference", "estimate minus the median of the locations", unit=shared.OF_DIFFERENCE),
    shared.number(
        "modified_z", "0.6745 times that, over the median distance from the median; beyond 3.5 is far out", unit=None
    ),
    shared.number("p", "p-value of no difference from the median, which is taken for known", unit=None),
    shared.number("p_adjusted", "the same, adjusted for the number of locations by Holm", unit=None),
    Column(
        name="outlier",
        kind=Kind.TEXT,
        meaning="high or low, where it is far out and differs from the median; else empty",
    ),
    RESPONDENTS,
    FLAGS,
)

_QUANTILES = {
    "minimum": 0.0,
    "quantile_10": 0.1,
    "quantile_25": 0.25,
    "median": 0.5,
    "quantile_75": 0.75,
    "quantile_90": 0.9,
    "maximum": 1.0,
}
FIGURES = (
    Column(name="locations", kind=Kind.INTEGER, meaning="locations that have a value"),
    *(shared.number(name, f"quantile of type 7 at {at:g}, over the locations") for name, at in _QUANTILES.items()),
    shared.number("mean", "mean of the estimates, each location once"),
    shared.number("sd", "standard deviation of the estimates, sampling error included", unit=shared.OF_DIFFERENCE),
    shared.number("tau", "standard deviation of the true values (Paule-Mandel)", unit=shared.OF_DIFFERENCE),
    shared.number("tau_low", "lower limit of its 95% interval (Q-profile)", unit=shared.OF_DIFFERENCE),
    shared.number("tau_high", "upper limit of it", unit=shared.OF_DIFFERENCE),
    shared.number("reliability", "the share of the variance that is beyond sampling error", unit=None),
    shared.number("reliability_low", "lower limit of its 95% interval", unit=None),
    shared.number("reliability_high", "upper limit of it", unit=None),
    shared.number("q", "Cochran's Q", unit=None),
    shared.number("p", "p-value of Cochran's Q", unit=None),
)


class _Spread(NamedTuple):
    """What the locations' values are like."""

    pooled: Pooled
    about: Heterogeneity
    from_median: Compared
    z: Doubles
    p_adjusted: Doubles

    @property
    def is_outlier(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.asarray((np.abs(self.z) > FAR_OUT) & (self.p_adjusted < LEVEL))


def columns_for(parameters: Distribution) -> tuple[Column, ...]:
    """Return the columns of the answer.

    >>> [column.name for column in columns_for(Distribution(question="Q", show="figures"))][-3:]
    ['reliability_high', 'q', 'p']
    """
    return FIGURES if parameters.show == "figures" else COLUMNS


def prepare(snapshot: Snapshot, parameters: Distribution) -> Pooled:
    """Select the cells, and pool their years; aggregates are none of the locations."""
    pooled = pool_periods(select(snapshot, parameters))
    return pooled.without(pooled.groups.is_aggregate, "is an aggregate")


def distribution(prepared: Prepared[Distribution, Pooled], work: Work) -> Table:
    r"""Say how the locations' values are spread; rows are in the order of the names, tied ones too.

    Aggregates are left out, and locations whose year is withheld; what has no standard error counts in the quantiles.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Distribution(question=survey_example.SOUP, years="2019", show="figures")
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> for name in ("locations", "minimum", "median", "maximum", "sd", "tau", "reliability"):
    ...     print(name, round(table.column(name)[0], 2))
    locations 5
    minimum 20.9
    median 25.9
    maximum 31.0
    sd 3.69
    tau 3.55
    reliability 0.92
    """
    parameters, pooled = prepared.parameters, prepared.data
    spread = _measured(pooled)
    work.check()
    return table(
        pooled.groups,
        columns_for(parameters),
        _figures(spread) if parameters.show == "figures" else _locations(spread),
        left_out=pooled.left_out,
        notes=[
            f"Far from the median means more than {FAR_OUT:g} modified z-scores away. An outlier is also statistically "
            "different from the median (Holm-adjusted), which is treated as known."
        ],
        findings=_findings(spread),
    )


def cost(prepared: Prepared[Distribution, Pooled]) -> Cost:
    """State what a distribution costs: each location is compared with the median."""
    pooled = prepared.data
    rows = 1 if prepared.parameters.show == "figures" else len(pooled)
    return Cost(cells=pooled.selection.cells_read, pairs=len(pooled), **prepared.answer_cost(rows))


def rests_on(prepared: Prepared[Distribution, Pooled], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what an estimate rests on, or the figures: all locations, whose estimates count the same in the mean."""
    pooled = prepared.data
    if row is None or "location" in row:
        return of_estimates(pooled, row)
    part = Part(VALUE, pooled.groups.cell.ravel(), pooled.weights.ravel() / max(len(pooled), 1))
    return Provenance(number="mean", parts=(part,))


def _measured(pooled: Pooled) -> _Spread:
    # Of no location there is no median either: NaN, and no row that it could be compared with.
    median = float(quantiles(pooled.value, np.array([0.5]))[0])
    from_median = difference_from(pooled.estimates, median)
    return _Spread(
        pooled=pooled,
        about=pooled.heterogeneity,
        from_median=from_median,
        z=modified_z(pooled.value),
        p_adjusted=adjusted(from_median.p),
    )


def _locations(spread: _Spread) -> list[list[Cell]]:
    pooled, d = spread.pooled, spread.from_median
    side = np.where(spread.is_outlier, np.where(d.value > 0, "high", "low"), "")
    return [
        list(pooled.groups.names),
        numbers(pooled.value),
        numbers(pooled.low),
        numbers(pooled.high),
        numbers(d.value),
        numbers(spread.z),
        numbers(d.p),
        numbers(spread.p_adjusted),
        list(side.tolist()),
        integers(pooled.respondents),
        flag_texts(pooled.flags),
    ]


def _figures(spread: _Spread) -> list[list[Cell]]:
    value, about = spread.pooled.value, spread.about
    figures = [
        *quantiles(value, np.array(list(_QUANTILES.values()))).tolist(),
        float(value.mean()) if len(value) else np.nan,
        _sd(value),
        about.tau,
        about.tau_low,
        about.tau_high,
        about.reliability,
        about.reliability_low,
        about.reliability_high,
        about.q,
        about.p,
    ]
    return [[len(value)], *([cell] for cell in numbers(np.array(figures)))]


def _sd(value: Doubles) -> float:
    return float(value.std(ddof=1)) if len(value) > 1 else np.nan


def _findings(spread: _Spread) -> list[str]:
    pooled, about, d = spread.pooled, spread.about, spread.from_median
    subject, names, unit = pooled.groups.subject, pooled.groups.names, pooled.groups.unit
    if len(pooled) < 2:
        return []
    sentences = [range_sentence(subject, names, pooled.value, wanted=len(pooled.selection.wanted_places))]
    if about.estimates < 2:
        return sentences
    of_both, sd, nouns = unit_of_difference(unit), _sd(pooled.value), subject.nouns(names)
    sentences.append(spread_sentence(subject, names, about, some_pair_differs=False))
    if about.p < LEVEL:
        figures = [about.tau, about.tau_low, about.tau_high, sd]
        tau, low, high, estimates = (number(each, decimals(figures, of_both)) for each in figures)
        with_unit = f" {of_both}" if of_both else ""
        facts = subject.with_years(f"95% CI {low} to {high}")
        sentences.append(
            f"Beyond sampling error, {subject} varies between {nouns} with a standard deviation of {tau}{with_unit}"
            f"{facts}; that of the estimates is {estimates}."
        )
    median = amount(float(np.median(pooled.value)), unit)
    outliers = by_size(d.value, np.flatnonzero(spread.is_outlier).tolist(), MOST_OF_A_KIND)
    for index in outliers:
        size, interval = size_and_interval(subject, d, index)
        side_ = "above" if d.value[index] > 0 else "below"
        facts = subject.with_years(f"unadjusted {interval}")
        sentences.append(
            capitalized(f"{subject} {here(names[index])} is far {side_} the median of {median}, by {size}{facts}.")
        )
    if not outliers and about.estimates >= _LEAST_FOR_NONE and np.isfinite(spread.z).all():
        sentences.append(
            f"No {subject.noun(names)} is an outlier in {subject}: none is both far from the median of {median} and "
            f"statistically different from it{subject.with_years('Holm-adjusted')}."
        )
    return sentences


def explain(explanation: ExplanationBuilder[Distribution, Pooled]) -> None:
    """Explain the estimate of a location; of the figures, the mean."""
    if "location" in explanation.row:
        explain_own_estimate(explanation, explanation.data)
        explanation.leaves_out.append("The median of all locations, and what is said of the distance from it.")
        return
    [part] = explanation.provenance.parts
    mean = explanation.number("mean")
    if mean is None:
        explanation.no_number("no location has a value")
        return
    text = f"The mean of the estimates of {explanation.row['locations']} locations, each counting once."
    explanation.step(text, number(mean), mean=mean)
    value = explanation.programs.column("value")
    explanation.programs.take("cells", part)
    explanation.results["mean"] = (
        f"(cells['weight'] * number(cells[{value}])).sum()",
        f"sum(cells$weight * number(cells[[{value}]]))",
    )
    explanation.leaves_out.append("Everything but the mean.")


STATISTIC = Statistic(
    name="distribution",
    order=210,
    parameters=Distribution,
    prepare=prepare,
    cost=cost,
    compute=distribution,
    rests_on=rests_on,
    explain=explain,
    check_form=check_form,
    help="how the locations' values are spread, how much is beyond sampling error, and which are outliers",
    estimates="the spread of the locations' population values, and of their estimates, which sampling error widens",
    columns=COLUMNS,
    columns_for=columns_for,
    example=EXAMPLE,
    example_rows=(
        (
            *("Alabama", 30.9, 29.2, 32.8, -2.05, -0.6011847826086962),
            *(0.03467538720037798, 0.6588323568071817, "", 4537, ""),
        ),
    ),
    method_version=8,
    charts=("spread", "estimates", "map", "state_map"),
)
