"""How a number came about: the formula with the numbers in it, in words, and programs that compute it again.

An explanation is of one row of an answer. Its steps go from the rows of the file to the number, each a sentence with
its formula filled in; the sentences are in one table of messages. What a statistic needs beyond the common steps is in
one function of this file, named in the table at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.provenance import Part, Provenance, groups_of, merged
from meantime.statistics.cells.selection import Pooled, Selection, pooled
from meantime.statistics.explain.programs import MOST_LISTED, Uncertain, Writer
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.standard_errors import ORIGINS, Origin, Scale
from meantime.statistics.statistic import AnyPrepared
from meantime.table import Cell, Table
from meantime.text import decimals, number, p_equals, p_value

# Values written out in a formula; of more, the first ones.
_WRITTEN_OUT = 6


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the file to the number."""

    text: str
    formula: str | None = None
    numbers: dict[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a row of an answer came about."""

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


_MESSAGES = {
    "title": "{statistic}: {what}",
    "nothing": "There is no number: {why}.",
    "rows": "{given} rows of the file have a value and {withheld} are withheld; those count nowhere.",
    "mean": "Each row with a value counts once, so the number is their mean.",
    "mean_of_all": "The mean of all rows of the question, this location's among them.",
    "mean_of_own": "The mean of this location's rows.",
    "difference_of_means": "The one is taken from the other.",
    "cell": "{name} in {when}: the published value.",
    "pooled": "{name} over {when}: {cells} published values, {how}.",
    "equal": "each counting the same",
    "sample_size": "each counting by its respondents",
    "effective_size": "each counting by its effective sample size",
    "se_one": "Its standard error comes from the published limits, on the {scale} scale, with the rounding added.",
    "se_pooled": "Its standard error is that of independent years; each one's comes from the published limits, on the "
    "{scale} scale, with the rounding added.",
    "no_se": "It has no standard error: {why}.",
    "published": "The 95 % interval is the published one.",
    "interval": "The 95 % interval lies 1.96 standard errors away on the {scale} scale.",
    "difference": "{one} minus {other}.",
    "mover": "The 95 % interval of the difference comes from the limits of both (MOVER).",
    "p": "p is the level at which that interval touches 0.",
    "adjusted": "Adjusted for the number of comparisons, p is {p}.",
    "verdict": "So the verdict is: {verdict}.",
    "slope": "A straight line through {years} years, each weighted by {weight}.",
    "weight": "1 / SE^2",
    "weight_at_mean": "1 / SE^2 with its standard error taken at the mean m of the years, SE sqrt(m (100 - m) / "
    "(v (100 - v))), so that a year that came out low does not count more for it",
    "slope_interval": "The interval is widened by the scatter of the years about the line (phi = {phi}).",
    "rank": "By this estimate it has rank {rank}; with what is sure of it, any from {low} to {high}, or, for sentences "
    "about several locations, from {low_all} to {high_all}.",
    "standardised": "{strata} strata, each with its share of the standard population.",
    "detectable": "(1.96 + {power}) times the standard error of a difference of the two.",
    "across": "{locations} locations have a value in both.",
    "correlation": "The {method} correlation of the two across these locations.",
    "every_method": "Every row of the question in the location is in some of the methods' numbers.",
    "mean_of_estimates": "The mean of the estimates of {locations} locations, each counting once.",
}

_LIMITS_ARE_95 = "The published limits are 95 % limits."
_INDEPENDENT = "Locations and years are separate samples."
_ROWS_AS_THEY_COME = "None: it is arithmetic over the file's rows, and no estimate of a population."

_MOVER = "Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27 (2008)"
_KORN = "Korn and Graubard, Analysis of Health Surveys (1999)"
_AITKEN = "Aitken (1935) on weighted least squares; McCullagh and Nelder, Generalized Linear Models (1989), on phi"
_MOGSTAD = "Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks (2024)"

Results = dict[str, tuple[str, str]]


@dataclass(kw_only=True)
class _Telling:
    """An explanation while it is put together."""

    prepared: AnyPrepared
    row: Mapping[str, Cell]
    provenance: Provenance
    writer: Writer
    steps: list[Step] = field(default_factory=list)
    results: Results = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    leaves_out: list[str] = field(default_factory=list)

    @property
    def snapshot(self) -> Snapshot:
        return self.prepared.snapshot

    @property
    def asked(self) -> Any:
        return self.prepared.parameters

    @property
    def data(self) -> Any:
        """What the statistic has prepared."""
        return self.prepared.data

    def say(
        self, message: str, formula: str | None = None, /, numbers: Mapping[str, Any] | None = None, **values: Any
    ) -> None:
        given = {name: float(value) for name, value in (numbers or {}).items() if value is not None and value == value}
        self.steps.append(Step(text=_MESSAGES[message].format(**values), formula=formula, numbers=given))

    def told(self, column: str) -> float | None:
        """Return a number of the row; None where it has none."""
        value = self.row.get(column)
        return float(value) if isinstance(value, (int, float)) else None

    def known(self, column: str) -> float:
        """Return a number of the row that is there wherever this is asked."""
        return float(self.row[column])  # type: ignore[arg-type]  # a TypeError is a bug of ours


def _nothing(telling: _Telling, why: str) -> None:
    telling.say("nothing", why=why)
    telling.leaves_out.append(_MESSAGES["nothing"].format(why=why))


class _Side(NamedTuple):
    """An estimate that a number is made of."""

    name: str  # in the programs
    label: str  # in words
    found: Pooled  # of one group
    has_limits: bool  # its standard errors come from both published limits

    @property
    def value(self) -> float:
        return float(self.found.value[0])

    @property
    def se(self) -> float:
        return float(self.found.se[0])


def explain(prepared: AnyPrepared, answer: Table, row: Mapping[str, Cell]) -> Explanation:
    """Say how a row of an answer came about."""
    telling = _Telling(prepared=prepared, row=row, provenance=prepared.rests_on(row), writer=Writer(prepared.snapshot))
    name = prepared.statistic.name
    EXPLAINED[name](telling)
    snippet = telling.writer.snippet(telling.results)
    labels = [str(row[name]) for name in ("location", "category", "stratum", "period") if row.get(name)]
    return Explanation(
        title=_MESSAGES["title"].format(statistic=name, what=", ".join([*labels, telling.asked.question])),
        number=telling.provenance.number,
        steps=tuple(telling.steps),
        assumptions=tuple(telling.assumptions),
        warnings=answer.warnings,
        sources=tuple(telling.sources),
        python=snippet.python,
        r=snippet.r,
        computes=tuple(telling.results),
        leaves_out=tuple(telling.leaves_out),
    )


# Means over rows


def _mean(telling: _Telling) -> None:
    weighted = merged(telling.provenance)
    moments = telling.snapshot.cube.cells.moments
    given, withheld = int(moments.count[weighted.cells].sum()), int(moments.withheld[weighted.cells].sum())
    telling.say("rows", given=f"{given:,}", withheld=f"{withheld:,}", numbers={"rows": given, "withheld": withheld})
    name = telling.provenance.number or "mean"
    if (mean := telling.told(name)) is None:
        _nothing(telling, "every row is withheld")
        return
    total = sum(moments.total[weighted.cells].tolist()) / 10**telling.snapshot.cube.scale
    telling.say("mean", f"{total:,.10g} / {given:,} = {number(mean)}", numbers={name: mean, "sum": total})
    value = telling.writer.column("value")
    telling.writer.pick("rows", weighted.cells)
    telling.results[name] = (f"number(rows[{value}]).mean()", f"mean(number(rows[[{value}]]), na.rm = TRUE)")
    telling.assumptions.append(_ROWS_AS_THEY_COME)


def _difference_of_means(telling: _Telling) -> None:
    own, everything = telling.provenance.parts
    mean, mean_of_all, d = (telling.known(name) for name in ("mean", "global_mean", "difference"))
    telling.say("mean_of_all", numbers={"global_mean": mean_of_all})
    telling.say("mean_of_own", numbers={"mean": mean})
    telling.say("difference_of_means", _difference_formula(mean_of_all, mean, d), numbers={"difference": d})
    value = telling.writer.column("value")
    telling.writer.pick("everything", everything.cells)
    telling.writer.pick("own", own.cells)
    for name in ("everything", "own"):
        telling.writer.say(
            f"mean_of_{name} = number({name}[{value}]).mean()",
            f"mean_of_{name} <- mean(number({name}[[{value}]]), na.rm = TRUE)",
        )
    telling.results |= {
        "difference": ("mean_of_everything - mean_of_own",) * 2,
        "mean": ("mean_of_own",) * 2,
        "global_mean": ("mean_of_everything",) * 2,
    }
    telling.assumptions.append(_ROWS_AS_THEY_COME)


def _summary(telling: _Telling) -> None:
    _mean(telling)
    telling.leaves_out.append("Everything but the mean: deviation, least, most and quantiles are of the same rows.")


# Published estimates


def _side_of(found: Pooled, name: str, row: Mapping[str, Cell]) -> _Side:
    found = found[groups_of(found.of, row)]
    return _Side(name, str(row["location"]), found, _come_from_limits(found.of))


def _come_from_limits(of: Selection) -> bool:
    """Whether every standard error can be made again from two columns of the file."""
    has_columns = {"low", "high"} <= of.snapshot.about.roles.keys()
    return has_columns and bool((of.origin == ORIGINS.index(Origin.LIMITS)).all())


def _tell_side(telling: _Telling, side: _Side) -> None:
    """Tell an estimate, its standard error and its interval; and write them in the programs."""
    found, of = side.found, side.found.of
    values, weights = of.value[0].tolist(), found.weights[0].tolist()
    when = of.years or "the file"
    unit = {"value": side.value}
    if len(values) == 1:
        telling.say("cell", f"v = {number(side.value)}", name=side.label, when=when, numbers=unit)
    else:
        how = _MESSAGES[str(of.asked.weights)]
        terms = [f"{weight:.4g} x {number(value)}" for weight, value in zip(weights, values, strict=True)]
        written = " + ".join(terms[:_WRITTEN_OUT]) + (" + ..." if len(terms) > _WRITTEN_OUT else "")
        formula = f"v = {written} = {number(side.value)}"
        telling.say("pooled", formula, name=side.label, when=when, cells=len(values), how=how, numbers=unit)
    _tell_error(telling, side, values)
    part = Part("value", of.cell[0], found.weights[0])
    telling.writer.take(side.name, part)
    if side.has_limits:
        telling.writer.pooled(side.name, is_published=len(values) == 1)
    else:
        value = telling.writer.column("value")
        telling.writer.say(
            f"{side.name}_value = ({side.name}['weight'] * number({side.name}[{value}])).sum()",
            f"{side.name}_value <- sum({side.name}$weight * number({side.name}[[{value}]]))",
        )


def _tell_error(telling: _Telling, side: _Side, values: Sequence[float]) -> None:
    found, scale = side.found, side.found.of.scale
    if side.se != side.se:
        telling.say("no_se", why="limits and respondents do not tell it")
        return
    formula = (
        f"SE = sqrt((v (1 - v/100) (logit u - logit l) / 2z)^2 + d^2/12) = {number(side.se)}"
        if scale is Scale.LOGIT
        else f"SE = sqrt(((u - l) / 2z)^2 + d^2/12) = {number(side.se)}"
    )
    if len(values) > 1:
        formula = f"SE = sqrt(sum of (w SE)^2) = {number(side.se)}"
    telling.say("se_one" if len(values) == 1 else "se_pooled", formula, scale=scale, numbers={"se": side.se})
    low, high = float(found.low[0]), float(found.high[0])
    told = f"{number(low)} to {number(high)}"
    telling.say("published" if len(values) == 1 else "interval", told, scale=scale, numbers={"low": low, "high": high})


def _begin_uncertain(telling: _Telling, side: _Side) -> None:
    if side.has_limits:
        scale = side.found.of.scale
        telling.writer.uncertain(Uncertain(scale=scale, step=10.0**-telling.snapshot.cube.scale))
    else:
        telling.leaves_out.append("Standard errors and what rests on them: not every cell has both limits published.")
    telling.assumptions += [_LIMITS_ARE_95, _INDEPENDENT]
    telling.sources.append(_KORN)


def _estimate(telling: _Telling) -> None:
    if telling.asked.basis == "all_rows":
        _mean(telling)
        return
    if telling.row["estimate"] is None:
        _nothing(telling, "the value is withheld")
        return
    selection: Selection = telling.data
    if "period" in telling.asked.by:
        selection = selection.at(telling.row["period"])
    _one_estimate(telling, _side_of(pooled(selection), "own", telling.row))


def _one_estimate(telling: _Telling, side: _Side) -> None:
    _begin_uncertain(telling, side)
    _tell_side(telling, side)
    telling.results["estimate"] = ("own_value",) * 2
    if side.has_limits:
        told = [name for name in ("se", "low", "high") if name in telling.row]
        telling.results |= {name: (f"own_{name}",) * 2 for name in told}


def _own_estimate(telling: _Telling, found: Pooled) -> _Side:
    side = _side_of(found, "own", {"location": telling.row["location"]})
    _one_estimate(telling, side)
    return side


def _ranking(telling: _Telling) -> None:
    _own_estimate(telling, telling.data.found)
    row = telling.row
    ends = {"low": row["rank_low"], "high": row["rank_high"], "low_all": row["rank_low_all"]}
    telling.say("rank", rank=row["rank"], high_all=row["rank_high_all"], **ends, numbers={"rank": row["rank"]})
    telling.sources.append(_MOGSTAD)
    telling.leaves_out.append(
        "The ranks: they rest on the differences between all pairs of locations (each by the method of comparison), "
        "and expected_rank, p_best and the likely ranks on draws with a seed from the request."
    )


def _distribution(telling: _Telling) -> None:
    if "location" in telling.row:
        _own_estimate(telling, telling.data)
        telling.leaves_out.append("The median of all locations, and what is said of the distance from it.")
        return
    [part] = telling.provenance.parts
    mean = telling.told("mean")
    if mean is None:
        _nothing(telling, "no location has a value")
        return
    telling.say("mean_of_estimates", f"{number(mean)}", locations=telling.row["locations"], numbers={"mean": mean})
    value = telling.writer.column("value")
    telling.writer.take("cells", part)
    telling.results["mean"] = (
        f"(cells['weight'] * number(cells[{value}])).sum()",
        f"sum(cells$weight * number(cells[[{value}]]))",
    )
    telling.leaves_out.append("Everything but the mean.")


# Differences


def _two(telling: _Telling, one: _Side, other: _Side, names: Mapping[str, str]) -> None:
    """Tell a difference of two estimates; ``names`` are its columns: difference, low, high, p."""
    _begin_uncertain(telling, one)
    for side in (one, other):
        _tell_side(telling, side)
    d = one.value - other.value
    formula = f"d = {_difference_formula(one.value, other.value, d)}"
    telling.say("difference", formula, one=one.label, other=other.label, numbers={names["difference"]: d})
    _tell_test(telling, names)
    if one.has_limits and other.has_limits:
        telling.writer.mover(one.name, other.name)
        of_d = {"difference": ("d", "d[1]"), "low": ("d_low", "d[2]"), "high": ("d_high", "d[3]"), "p": ("p", "p")}
        telling.results |= {names[name]: of_d[name] for name in names}
    else:
        telling.results[names["difference"]] = (f"{one.name}_value - {other.name}_value",) * 2
    telling.sources.append(_MOVER)


def _difference_formula(one: float, other: float, d: float) -> str:
    """Write a difference; all three with as many decimals, so that a reader can subtract."""
    minuend, subtrahend, result = (number(each, decimals([one, other, d])) for each in (one, other, d))
    return f"{minuend} - {subtrahend} = {result}"


def _tell_test(telling: _Telling, names: Mapping[str, str]) -> None:
    if telling.told(names["p"]) is None:
        return  # without a standard error nothing is tested
    low, high, p, p_adjusted = (telling.known(name) for name in (names["low"], names["high"], names["p"], "p_adjusted"))
    told = "d - sqrt((v1 - l1)^2 + (u2 - v2)^2) to d + sqrt((u1 - v1)^2 + (v2 - l2)^2)"
    telling.say("mover", f"{told} = {number(low)} to {number(high)}", numbers={names["low"]: low, names["high"]: high})
    telling.say("p", p_equals(p), numbers={names["p"]: p})
    telling.say("adjusted", p=p_value(p_adjusted), numbers={"p_adjusted": p_adjusted})
    if (verdict := telling.row.get("verdict")) is not None:
        telling.say("verdict", verdict=verdict)
    telling.leaves_out.append("p_adjusted and the verdict: they rest on the p of all rows.")


_OF_DIFFERENCE = {"difference": "difference", "low": "difference_low", "high": "difference_high", "p": "p"}
_OF_CHANGE = {"difference": "change", "low": "change_low", "high": "change_high", "p": "p"}


def _with_reference(telling: _Telling) -> tuple[_Side, _Side]:
    """Return the estimates of the row's location and of the reference."""
    found: Pooled = telling.data.found
    own, reference = (_side_of(found, name, {"location": telling.row[of]}) for name, of in _SIDES)
    return own, reference


_SIDES = (("own", "location"), ("reference", "reference"))


def _comparison(telling: _Telling) -> None:
    asked, row = telling.asked, telling.row
    one, other = _with_reference(telling)
    if asked.shares == "geography" and row["difference_from_rest"] is not None:
        _contained(telling, one, other)
        return
    _two(telling, one, other, _OF_DIFFERENCE)
    telling.leaves_out.append("The ratio: the same on logarithms.")


def _contained(telling: _Telling, one: _Side, other: _Side) -> None:
    _begin_uncertain(telling, one)
    for side in (one, other):
        _tell_side(telling, side)
    d = telling.known("difference")
    telling.say("difference", f"d = {number(d)}", one=one.label, other=other.label, numbers={"difference": d})
    telling.results["difference"] = ("own_value - reference_value",) * 2
    telling.leaves_out.append("Interval and p: they take into account that the reference contains the location.")


def _change(telling: _Telling) -> None:
    row = {"location": telling.row["location"]}
    later, earlier = _side_of(telling.data.later, "later", row), _side_of(telling.data.earlier, "earlier", row)
    _two(telling, later, earlier, _OF_CHANGE)
    if telling.asked.reference is not None:
        telling.leaves_out.append("How the change compares with that of the reference.")


def _disparity(telling: _Telling) -> None:
    found, row = telling.data, telling.row
    one = _side_of(found, "own", row)._replace(label=str(row["stratum"]))
    if row["difference"] is None:
        _one_estimate(telling, one)
        return
    other = _side_of(found, "reference", {**row, "stratum": row["reference_stratum"]})
    _two(telling, one, other._replace(label=str(row["reference_stratum"])), _OF_DIFFERENCE)
    telling.leaves_out.append("The relative difference, which is the same on logarithms; and the gap of all groups.")


def _gap(telling: _Telling) -> None:
    now, asked, row = telling.data.now, telling.asked, {"location": telling.row["location"]}
    one = _side_of(now.group, "own", row)._replace(label=asked.stratum)
    other = _side_of(now.reference, "reference", row)._replace(label=asked.reference_stratum)
    _two(telling, one, other, _OF_GAP)
    telling.sources.append(_MOGSTAD)
    telling.leaves_out.append("The ranks, which rest on the differences between all pairs of gaps; and changes.")


_OF_GAP = {"difference": "gap", "low": "gap_low", "high": "gap_high", "p": "p"}


def _target(telling: _Telling) -> None:
    side = _own_estimate(telling, telling.data)
    d, fixed = telling.known("difference"), float(telling.asked.target)
    formula = f"d = {_difference_formula(side.value, fixed, d)}"
    telling.say("difference", formula, one=side.label, other="the target", numbers={"difference": d})
    _tell_test(telling, _OF_DIFFERENCE)
    telling.sources.append(_MOVER)
    if side.has_limits:
        telling.writer.say(
            f"target_value, target_se = {fixed!r}, 0.0  # known without error",
            f"target_value <- {fixed!r}; target_se <- 0  # known without error",
        )
        telling.writer.mover("own", "target")
        of_d = {"difference": ("d", "d[1]"), "low": ("d_low", "d[2]"), "high": ("d_high", "d[3]"), "p": ("p", "p")}
        telling.results |= {column: of_d[name] for name, column in _OF_DIFFERENCE.items()}


def _detectable(telling: _Telling) -> None:
    one, other = _with_reference(telling)
    _one_estimate(telling, one)
    _tell_side(telling, other)
    least = telling.told("detectable")
    if least is None or not (one.has_limits and other.has_limits):
        return
    factor = least / float(np.hypot(one.se, other.se))
    power = number(factor - 1.96)
    formula = f"{factor:.4f} sqrt({number(one.se)}^2 + {number(other.se)}^2) = {number(least)}"
    telling.say("detectable", formula, power=power, numbers={"detectable": least})
    expression = f"{factor!r} * np.sqrt(own_se**2 + reference_se**2)", f"{factor!r} * sqrt(own_se^2 + reference_se^2)"
    telling.results |= {"reference_se": ("reference_se",) * 2, "detectable": expression}


# Lines, standards, two questions


def _trend(telling: _Telling) -> None:
    [part] = telling.provenance.parts
    slope = telling.told("slope")
    used = part.weights == part.weights
    telling.assumptions += [_LIMITS_ARE_95, _INDEPENDENT, "The noise of one year does not carry over into the next."]
    telling.sources.append(_AITKEN)
    if slope is None:
        _nothing(telling, "a line needs three years with a standard error")
        return
    is_percent = telling.data.is_percent
    weight = _MESSAGES["weight_at_mean" if is_percent else "weight"]
    formula = f"b = sum w (t - t0) v / sum w (t - t0)^2 = {number(slope)}"
    telling.say("slope", formula, years=int(used.sum()), weight=weight, numbers={"slope": slope})
    low, high, phi = (telling.known(name) for name in ("slope_low", "slope_high", "phi"))
    told = f"b +- max(t sqrt(phi), z) SE = {number(low)} to {number(high)}"
    telling.say("slope_interval", told, phi=number(phi), numbers={"slope_low": low, "slope_high": high, "phi": phi})
    value = telling.writer.column("value")
    # The pulls tell the slope; signs are needed here, and a year that pulls down has a negative one.
    telling.writer.take("years", Part(part.used_as, part.cells[used], np.abs(part.weights[used])))
    signs = ", ".join("1" if weight >= 0 else "-1" for weight in part.weights[used].tolist())
    telling.writer.say(
        f"sign = np.array([{signs}])  # years before the middle pull the other way",
        f"sign <- c({signs})  # years before the middle pull the other way",
    )
    telling.results["slope"] = (
        f"(sign * years['weight'] * number(years[{value}])).sum()",
        f"sum(sign * years$weight * number(years[[{value}]]))",
    )
    told = (
        "v (100 - v) / SE^2, which is 1 / SE^2 at the mean of the years but for a factor" if is_percent else "1 / SE^2"
    )
    telling.leaves_out.append(
        f"How the weights come about: w = {told}, and a year's pull is w (t - t0) / sum w (t - t0)^2; the interval "
        "and the tests, which need Student's t."
    )


def _standardised(telling: _Telling) -> None:
    [part] = telling.provenance.parts
    value = telling.known("estimate")
    telling.say("standardised", f"{number(value)}", strata=telling.row["strata"], numbers={"estimate": value})
    telling.assumptions += [_LIMITS_ARE_95, "Strata are separate samples."]
    chosen: Selection = telling.data.strata.selection
    own = np.isin(chosen.cell, part.cells)
    column = telling.writer.column("value")
    if _come_from_limits(chosen[own.any(axis=1)]):
        telling.writer.uncertain(Uncertain(scale=chosen.scale, step=10.0**-telling.snapshot.cube.scale))
        telling.writer.take("own", part)
        telling.writer.pooled("own", is_published=False)
        telling.results |= {name: (f"own_{made}",) * 2 for name, made in _OF_STANDARDISED.items()}
        return
    telling.writer.take("own", part)
    telling.results["estimate"] = (
        f"(own['weight'] * number(own[{column}])).sum()",
        f"sum(own$weight * number(own[[{column}]]))",
    )
    telling.leaves_out.append("Standard error and interval: not every cell has both limits published.")


_OF_STANDARDISED = {"estimate": "value", "se": "se", "low": "low", "high": "high"}


def _association(telling: _Telling) -> None:
    if "location" in telling.row:
        _own_estimate(telling, telling.data.one)
        telling.leaves_out.append("The estimate of the other question, which comes about in the same way.")
        return
    one, other = telling.provenance.parts
    r, method = telling.told("correlation"), str(telling.row["method"])
    telling.say("across", locations=telling.row["locations"])
    telling.assumptions.append("Of locations, not of people.")
    if r is not None:
        telling.say("correlation", f"r = {r:.3f}", method=method, numbers={"correlation": r})
    years = len(np.unique(telling.snapshot.cube.cells.keys[one.cells, -1]))
    if method == "Spearman" and years > 1:
        telling.leaves_out.append("The ranks of pooled values: equal ones may differ in the last digit.")
        return
    if r is None or telling.asked.weights is not Weights.EQUAL or len(one.cells) > MOST_LISTED:
        telling.leaves_out.append("The correlation: it would need hundreds of rows listed, or their respondents.")
        return
    value, location = telling.writer.column("value"), telling.writer.column("location")
    for name, part in (("one", one), ("other", other)):
        telling.writer.take(name, Part(part.used_as, part.cells, np.ones(len(part.cells))))
        telling.writer.say(
            f"{name} = {name}.assign(value=number({name}[{value}])).groupby({location})['value'].mean()",
            f"{name} <- tapply(number({name}[[{value}]]), {name}[[{location}]], mean)",
        )
    if method == "Spearman":
        telling.writer.say("one, other = one.rank(), other.rank()", "one <- rank(one); other <- rank(other)")
    telling.results["correlation"] = ("np.corrcoef(one, other)[0, 1]", "cor(one, other)")
    telling.leaves_out.append("The interval and p.")


def _sensitivity(telling: _Telling) -> None:
    telling.say("every_method")
    telling.leaves_out.append(
        "The ranks: each method ranks all locations. Ask ranking and states_mean for the rankings themselves, whose "
        "explanations have programs."
    )


# Each statistic, and how its rows are explained.
EXPLAINED: Mapping[str, Callable[[_Telling], None]] = {
    **dict.fromkeys(
        (
            *("states_mean", "state_mean", "best5", "worst5", "global_mean"),
            *("mean_by_category", "state_mean_by_category"),
        ),
        _mean,
    ),
    **dict.fromkeys(("diff_from_mean", "state_diff_from_mean"), _difference_of_means),
    "summary": _summary,
    "estimate": _estimate,
    "comparison": _comparison,
    "ranking": _ranking,
    "change": _change,
    "target": _target,
    "disparity": _disparity,
    "gap_ranking": _gap,
    "trend": _trend,
    "association": _association,
    "detectable": _detectable,
    "distribution": _distribution,
    "sensitivity": _sensitivity,
    "standardised": _standardised,
}
