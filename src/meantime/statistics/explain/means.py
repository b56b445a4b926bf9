"""The steps of a mean over rows of the file."""

from __future__ import annotations

from meantime.statistics.cells.provenance import merged
from meantime.statistics.explain.differences import difference_formula
from meantime.statistics.explain.explanation import AnyExplanation
from meantime.text import number

ROWS_AS_THEY_COME = "None: it is arithmetic over the file's rows, and no estimate of a population."


def explain_mean(explanation: AnyExplanation) -> None:
    """Explain the mean of the rows that a row of the answer rests on."""
    weighted = merged(explanation.provenance)
    moments = explanation.snapshot.cube.pick(weighted.cells).moments
    count, withheld = int(moments.count.sum()), int(moments.withheld.sum())
    explanation.step(
        f"{count:,} rows of the file have a value and {withheld:,} are withheld; those count nowhere.",
        rows=count,
        withheld=withheld,
    )
    name = explanation.provenance.number or "mean"
    if (mean := explanation.number(name)) is None:
        explanation.no_number("every row is withheld")
        return
    total = sum(moments.total.tolist()) / 10**explanation.snapshot.cube.scale
    explanation.step(
        "Each row with a value counts once, so the number is their mean.",
        f"{total:,.10g} / {count:,} = {number(mean)}",
        **{name: mean, "sum": total},
    )
    explanation.programs.pick("rows", weighted.cells)
    explanation.results[name] = explanation.programs.mean("rows")
    explanation.assumptions.append(ROWS_AS_THEY_COME)


def explain_difference_of_means(explanation: AnyExplanation) -> None:
    """Explain how far the mean of a location's rows is from that of all rows."""
    own, everything = explanation.provenance.parts
    mean, global_mean, d = (explanation.known(name) for name in ("mean", "global_mean", "difference"))
    explanation.step("The mean of all rows of the question, this location's among them.", global_mean=global_mean)
    explanation.step("The mean of this location's rows.", mean=mean)
    formula = difference_formula(global_mean, mean, d)
    explanation.step("The one is taken from the other.", formula, difference=d)
    programs = explanation.programs
    for name, part in (("everything", everything), ("own", own)):
        programs.pick(name, part.cells)
    for name in ("everything", "own"):
        python, r = programs.mean(name)
        programs.add(f"mean_of_{name} = {python}", f"mean_of_{name} <- {r}")
    explanation.results |= {
        "difference": ("mean_of_everything - mean_of_own",) * 2,
        "mean": ("mean_of_own",) * 2,
        "global_mean": ("mean_of_everything",) * 2,
    }
    explanation.assumptions.append(ROWS_AS_THEY_COME)
