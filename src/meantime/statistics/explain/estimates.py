"""The steps of published estimates: the value, its standard error and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.provenance import Part, groups_of
from meantime.statistics.cells.selection import Selection
from meantime.statistics.explain.explanation import AnyExplanation
from meantime.statistics.explain.programs import Uncertain
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.standard_errors import ORIGINS, Origin, Scale, has_few_cases
from meantime.table import Cell
from meantime.text import number

LIMITS_ARE_95 = "The published limits are 95% limits."
SEPARATE_GROUPS = "Groups are separate samples."
SEPARATE_SAMPLES = "Locations and years are separate samples."

_KORN = "Korn and Graubard, Analysis of Health Surveys (1999)"
_COUNTING = {
    Weights.EQUAL: "each counting the same",
    Weights.SAMPLE_SIZE: "each counting by its respondents",
    Weights.EFFECTIVE_SIZE: "each counting by its effective sample size",
}
# Values written out in a formula; of more, the first ones.
_WRITTEN_OUT = 6


class ExplainedEstimate(NamedTuple):
    """An estimate that a number is made of."""

    name: str  # in the programs
    label: str  # in words
    pooled: Pooled  # of one group
    has_limits: bool  # its standard errors come from both published limits

    @property
    def is_published(self) -> bool:
        """Whether it is one value of the file, and not made of several."""
        return len(self.pooled.groups.periods) * self.pooled.groups.cells_per_value == 1

    @property
    def value(self) -> float:
        """The value that is explained."""
        return float(self.pooled.value[0])

    @property
    def se(self) -> float:
        """Its standard error; NaN where it has none."""
        return float(self.pooled.se[0])


def estimate_of(pooled: Pooled, name: str, row: Mapping[str, Cell]) -> ExplainedEstimate:
    """Return the estimate of the group that the labels of a row name."""
    pooled = pooled[groups_of(pooled.groups, row)]
    return ExplainedEstimate(name, str(row["location"]), pooled, come_from_limits(pooled.groups))


def come_from_limits(of: Selection) -> bool:
    """Whether every standard error can be recomputed from two columns of the file."""
    about = of.snapshot.about
    has_columns = {"low", "high"} <= about.roles.keys() and not about.limits_from
    return has_columns and bool((of.origin == ORIGINS.index(Origin.LIMITS)).all())


def explain_own_estimate(explanation: AnyExplanation, pooled: Pooled) -> ExplainedEstimate:
    """Explain the estimate of the location of the row, which is a number of the answer."""
    own = estimate_of(pooled, "own", {"location": explanation.row["location"]})
    explain_estimate(explanation, own)
    return own


def explain_estimate(explanation: AnyExplanation, own: ExplainedEstimate) -> None:
    """Explain an estimate that is a number of the answer."""
    begin_estimates(explanation, own)
    add_estimate(explanation, own)
    explanation.results["estimate"] = ("own_value",) * 2
    if own.has_limits:
        columns = [name for name in ("se", "low", "high") if name in explanation.row]
        explanation.results |= {name: (f"own_{name}",) * 2 for name in columns}


def begin_estimates(explanation: AnyExplanation, first: ExplainedEstimate) -> None:
    """Say what is assumed of all estimates, and write how the programs make their standard errors."""
    if first.has_limits:
        of = first.pooled.groups
        explanation.programs.uncertain(Uncertain(scale=of.scale, step=of.step))
    else:
        explanation.leaves_out.append(
            "Standard errors and what rests on them: not every cell has both limits published."
        )
    computed_from = first.pooled.groups.snapshot.about.limits_from
    of_limits = f"95% limits were computed from the published {computed_from}." if computed_from else LIMITS_ARE_95
    explanation.assumptions += [of_limits, SEPARATE_SAMPLES]
    if first.pooled.groups.standardized is not None:
        explanation.assumptions.append(SEPARATE_GROUPS)
    explanation.sources.append(_KORN)


def add_estimate(explanation: AnyExplanation, estimate: ExplainedEstimate) -> None:
    """Add the steps of one estimate, and its lines of the programs."""
    pooled, of = estimate.pooled, estimate.pooled.groups
    cells, weights = of.weighted_cells(0, pooled.weights[0])
    when = of.years or "the file"
    if estimate.is_published:
        text = f"{estimate.label} in {when}: the published value."
        explanation.step(text, f"v = {number(estimate.value)}", value=estimate.value)
    else:
        values = of.snapshot.cube.pick(cells).means
        both = zip(weights.tolist(), values.tolist(), strict=True)
        terms = [f"{weight:.4g} x {number(value)}" for weight, value in both]
        written = " + ".join(terms[:_WRITTEN_OUT]) + (" + ..." if len(terms) > _WRITTEN_OUT else "")
        text = f"{estimate.label} over {when}: {len(values)} published values, {_counting(of)}."
        explanation.step(text, f"v = {written} = {number(estimate.value)}", value=estimate.value)
    _add_error(explanation, estimate)
    explanation.programs.take(estimate.name, Part("value", cells, weights))
    if estimate.has_limits:
        explanation.programs.pooled(
            estimate.name,
            is_published=estimate.is_published,
            is_used=_used(estimate) == _shown(estimate),
            exact=_used(estimate) if _has_few_cases(estimate) else None,
        )
        return
    column, name = explanation.programs.column("value"), estimate.name
    explanation.programs.add(
        f"{name}_value = ({name}['weight'] * number({name}[{column}])).sum()",
        f"{name}_value <- sum({name}$weight * number({name}[[{column}]]))",
    )


def _counting(of: Selection) -> str:
    counting = _COUNTING[of.parameters.weights]
    if of.standardized is None:
        return counting
    shares = f"each group of {of.standardized.standard.category} with its share of the standard population"
    return shares if len(of.periods) == 1 else f"{shares}; of the years {counting}"


def _shown(estimate: ExplainedEstimate) -> tuple[float, float]:
    return float(estimate.pooled.low[0]), float(estimate.pooled.high[0])


def _used(estimate: ExplainedEstimate) -> tuple[float, float]:
    """Return the limits that differences use."""
    return float(estimate.pooled.used_low[0]), float(estimate.pooled.used_high[0])


def _has_few_cases(estimate: ExplainedEstimate) -> bool:
    of = estimate.pooled
    return of.groups.scale is Scale.LOGIT and bool(has_few_cases(of.value, of.se)[0])


def _add_used(explanation: AnyExplanation, estimate: ExplainedEstimate) -> None:
    """Say which limits differences use, where they are not those of the interval."""
    used_low, used_high = _used(estimate)
    if (used_low, used_high) == _shown(estimate):
        return
    why = (
        "There are fewer than 20 effective cases, so differences use, on each side, the wider of these limits and "
        "those of Korn and Graubard."
        if _has_few_cases(estimate)
        else "These limits are so near that rounding matters, or at the end of the scale, so differences use limits "
        "1.96 standard errors from the value."
    )
    explanation.step(why, f"{used_low:.4g} to {used_high:.4g}")


_WIDTH = {
    Scale.LOGIT: "v (1 - v/100) (logit u - logit l) / 2z",
    Scale.LOG: "v (log u - log l) / 2z",
    Scale.LINEAR: "(u - l) / 2z",
}


_SYMBOLS = "(v: the value; l, u: its limits; z: 1.96 for 95% limits; d: the step of rounding.)"


def _add_error(explanation: AnyExplanation, estimate: ExplainedEstimate) -> None:
    if estimate.se != estimate.se:
        explanation.step("It has no standard error: it cannot be derived from limits or respondents.")
        return
    scale = estimate.pooled.groups.scale
    formula = f"SE = sqrt(({_WIDTH[scale]})^2 + d^2/12) = {number(estimate.se)}, d = {estimate.pooled.groups.step:g}"
    published = estimate.pooled.groups.snapshot.about.limits_from or "limits"
    how = f"from the published {published}, on the {scale} scale, and from their rounding."
    low, high = _shown(estimate)
    interval = f"{number(low)} to {number(high)}"
    if estimate.is_published:
        explanation.step(f"Its standard error comes {how} {_SYMBOLS}", formula, se=estimate.se)
        computed_from = estimate.pooled.groups.snapshot.about.limits_from
        what = f"comes from the published {computed_from}" if computed_from else "is the published one"
        explanation.step(f"The 95% interval {what}.", interval, low=low, high=high)
        _add_used(explanation, estimate)
        return
    independent = "years" if estimate.pooled.groups.standardized is None else "groups and years"
    explanation.step(
        f"Its standard error is that of independent {independent}; each one's comes {how} {_SYMBOLS}",
        f"SE = sqrt(sum of (w SE)^2) = {number(estimate.se)}",
        se=estimate.se,
    )
    text = f"The limits of the 95% interval are 1.96 standard errors from the value, on the {scale} scale."
    explanation.step(text, interval, low=low, high=high)
