"""The steps of a difference of two estimates: the difference, its interval (MOVER) and its test."""

from __future__ import annotations

from typing import NamedTuple

from meantime.statistics.explain.estimates import ExplainedEstimate, add_estimate, begin_estimates
from meantime.statistics.explain.explanation import AnyExplanation
from meantime.text import decimals, number, p_equals, p_value

MOVER = "Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27 (2008)"
MOGSTAD = "Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks (2024)"


class DifferenceColumns(NamedTuple):
    """The columns of the answer that a difference is in."""

    value: str = "difference"
    low: str = "difference_low"
    high: str = "difference_high"
    p: str = "p"

    def results(self) -> dict[str, tuple[str, str]]:
        """Return what the programs call them, in Python and in R, after ``ProgramWriter.mover``."""
        return dict(zip(self, (("d", "d[1]"), ("d_low", "d[2]"), ("d_high", "d[3]"), ("p", "p")), strict=True))


def explain_difference(
    explanation: AnyExplanation,
    one: ExplainedEstimate,
    other: ExplainedEstimate,
    columns: DifferenceColumns = DifferenceColumns(),  # noqa: B008  # frozen
) -> None:
    """Explain the difference of two estimates."""
    add_both(explanation, one, other)
    d = one.value - other.value
    formula = f"d = {difference_formula(one.value, other.value, d)}"
    explanation.step(f"{one.label} minus {other.label}.", formula, **{columns.value: d})
    explain_test(explanation, columns)
    if one.has_limits and other.has_limits:
        explanation.programs.mover(one.name, other.name)
        explanation.results |= columns.results()
    else:
        explanation.results[columns.value] = (f"{one.name}_value - {other.name}_value",) * 2
    explanation.sources.append(MOVER)


def explain_relative(
    explanation: AnyExplanation, one: ExplainedEstimate, other: ExplainedEstimate, column: str
) -> None:
    """Explain a difference in percent of the other estimate, once the difference itself is explained."""
    value = explanation.number(column)
    if value is None:
        return
    # With six digits, so that the quotient of pooled values is right to the digit shown.
    formula = f"({one.value:.6g} / {other.value:.6g} - 1) * 100 = {number(value)}"
    explanation.step(f"The difference in percent of {other.label}.", formula, **{column: value})
    explanation.results[column] = (f"({one.name}_value / {other.name}_value - 1) * 100",) * 2
    explanation.leaves_out.append("The interval of the relative difference: that of the ratio, by MOVER on logarithms.")


def add_both(explanation: AnyExplanation, one: ExplainedEstimate, other: ExplainedEstimate) -> None:
    """Add the steps of both estimates."""
    begin_estimates(explanation, one)
    add_estimate(explanation, one)
    add_estimate(explanation, other)


def explain_test(explanation: AnyExplanation, columns: DifferenceColumns = DifferenceColumns()) -> None:  # noqa: B008
    """Explain interval, p and verdict of a difference."""
    if explanation.number(columns.p) is None:
        return  # without a standard error nothing is tested
    low, high, p = (explanation.known(name) for name in (columns.low, columns.high, columns.p))
    p_adjusted = explanation.known("p_adjusted")
    formula = "d - sqrt((v1 - l1)^2 + (u2 - v2)^2) to d + sqrt((u1 - v1)^2 + (v2 - l2)^2)"
    explanation.step(
        "The 95% interval of the difference comes from the limits of both (MOVER).",
        f"{formula} = {number(low)} to {number(high)}",
        **{columns.low: low, columns.high: high},
    )
    explanation.step("p is the level at which that interval touches 0.", p_equals(p), **{columns.p: p})
    text = f"Adjusted for the number of comparisons, p is {p_value(p_adjusted)}."
    explanation.step(text, p_adjusted=p_adjusted)
    if (verdict := explanation.row.get("verdict")) is not None:
        explanation.step(f"Conclusion: {verdict}.")
    explanation.leaves_out.append("p_adjusted and the conclusion, which rest on the p of all rows.")


def difference_formula(one: float, other: float, d: float) -> str:
    """Write a difference; all three with as many decimals, so that a reader can subtract.

    >>> difference_formula(31.0, 29.96, 1.04)
    '31.0 - 30.0 = 1.0'
    """
    minuend, subtrahend, result = (number(each, decimals([one, other, d])) for each in (one, other, d))
    return f"{minuend} - {subtrahend} = {result}"
