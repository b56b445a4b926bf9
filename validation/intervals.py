"""Do 95% intervals of estimates, pools and differences cover 95%?"""

from __future__ import annotations

import itertools

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates, difference, ratio
from meantime.statistics.methods.pooling import Weights, pool
from meantime.statistics.methods.standard_errors import Z95, Scale, limits
from meantime.statistics.methods.standardisation import standardised
from validation.figures import Effort, Promise, Section, share
from validation.survey import DESIGN_EFFECT, generator, inside, near, publish

_PERCENTS = (2, 5, 10, 20, 30, 50, 70, 90)
_RESPONDENTS = (100, 200, 400, 1_000, 3_000, 10_000)
# Below so many effective respondents on the smaller side nothing is promised.
_LEAST_ON_A_SIDE = 10
# Up to so many effective cases differences are conservative where the design effect is known.
_FEW_CASES = 20
_EQUAL_CELLS = (
    (5, 400, 400),
    (10, 200, 200),
    (10, 200, 3_000),
    (30, 100, 100),
    (30, 1_000, 5_000),
    (50, 400, 400),
)
# Respondents of five years, as a share of the middle one's.
_YEARS = np.array([0.6, 0.8, 1.0, 1.25, 1.6])


def single(effort: Effort, seed: int) -> Section:
    """One cell: its published limits, and those made again of the recovered standard error."""
    rng, figures = generator(seed, "single"), []
    for percent, n in _points(1_000_000):
        truth, respondents = near(rng, percent, n, effort.cells)
        cell = publish(rng, truth, respondents)
        promised = _promise(percent, n)
        again = limits(cell.value, cell.se, scale=Scale.LOGIT)
        plain = cell.value - (cell.high - cell.low) / 2, cell.value + (cell.high - cell.low) / 2
        names = (f"{percent}%", f"{n:,}", f"{_on_a_side(percent, n):g}")
        figures += [
            share((*names, "published limits"), inside(truth, cell.low, cell.high), effort.cells, **promised),
            share((*names, "standard error recovered"), inside(truth, *again), effort.cells, **promised),
            share((*names, "v -+ (high - low)/2, not used"), inside(truth, *plain), effort.cells),
        ]
    return Section(
        "Estimate of one cell",
        "Truth and respondents lie within a tenth of the point named. Promised where at least 10 effective respondents "
        "are on the smaller side; below that the logit interval itself gives way, and a flag says so.",
        ("truth", "respondents", "on the smaller side", "interval"),
        tuple(figures),
    )


def exact_points(effort: Effort, seed: int) -> Section:
    """The same at exact points, to show what the lattice does."""
    rng, figures = generator(seed, "exact"), []
    for percent, n in ((10, 200), (20, 100), (20, 400), (50, 400), (50, 10_000)):
        cell = publish(rng, np.full(effort.cells, float(percent)), np.full(effort.cells, float(n)))
        hits = inside(np.full(effort.cells, float(percent)), cell.low, cell.high)
        figures.append(share((f"{percent}%", f"{n:,}", f"{_on_a_side(percent, n):g}"), hits, effort.cells))
    return Section(
        "The same at exact points",
        "Nothing is promised here: with one truth and one number of respondents, coverage jumps with the lattice of "
        "counts (94 to 97%), and a truth of one decimal that lies on a rounded limit counts as covered. The published "
        "limits themselves do that.",
        ("truth", "respondents", "on the smaller side"),
        tuple(figures),
    )


def pooled(effort: Effort, seed: int) -> Section:
    """Five years as one estimate, by each way to weight them, and by the one that is refused."""
    rng, figures = generator(seed, "pooled"), []
    for percent, n in ((5, 100), (5, 400), (10, 100), (10, 400), (30, 100), (30, 1_000), (70, 400)):
        truth, respondents = near(rng, percent, n, effort.cells)
        cell = publish(rng, truth[:, None], np.rint(respondents[:, None] * _YEARS))
        promised = _promise(percent, n)
        names = (f"{percent}%", f"{n:,}")
        for weights in Weights:
            found = pool(cell.value, cell.se, cell.respondents, weights=weights)
            hits = inside(truth, *limits(found.value, found.se, scale=Scale.LOGIT))
            figures.append(share((*names, str(weights)), hits, effort.cells, **promised))
        hits = _by_inverse_variance(cell.value, cell.se, truth)
        figures.append(share((*names, "1 / SE^2, not used"), hits, effort.cells))
    return Section(
        "Estimate of five pooled years",
        "The truth is the same in all years, so that all weights estimate the same. Respondents are those of the "
        "middle year, and differ by year up to 2.7 times. A year of 0 or 100% counts with its one limit.",
        ("truth", "respondents a year", "weights"),
        tuple(figures),
    )


def moving(effort: Effort, seed: int) -> Section:
    """Equal weights where the truth moves."""
    rng, figures = generator(seed, "moving"), []
    for percent, n in ((10, 400), (30, 400), (30, 3_000)):
        truth = percent * (1 + 0.1 * rng.uniform(-1, 1, (effort.cells, len(_YEARS))))
        cell = publish(rng, truth, np.broadcast_to(n * _YEARS, truth.shape))
        found = pool(cell.value, cell.se, cell.respondents, weights=Weights.EQUAL)
        hits = inside(truth.mean(axis=1), *limits(found.value, found.se, scale=Scale.LOGIT))
        figures.append(share((f"about {percent}%", f"{n:,}"), hits, effort.cells, **_promise(percent, n)))
    return Section(
        "Five years pooled equally, each with a truth of its own",
        "What is covered is the mean of the five truths, which move by a tenth up and down.",
        ("truth", "respondents a year"),
        tuple(figures),
    )


def differences(effort: Effort, seed: int) -> Section:
    """Two cells: difference and ratio."""
    rng, figures = generator(seed, "differences"), []
    for (percent, n), (other, m) in _pairs():
        one_truth, one_n = near(rng, percent, n, effort.cells)
        other_truth, other_n = near(rng, other, m, effort.cells)
        one, two = publish(rng, one_truth, one_n).estimates, publish(rng, other_truth, other_n).estimates
        d, r = difference(one, two), ratio(one, two)
        promised = _promise_of_difference(min(_on_a_side(percent, n), _on_a_side(other, m)))
        names = (f"{percent}% of {n:,}", f"{other}% of {m:,}")
        wald = Z95 * np.hypot(one.se, two.se)
        figures += [
            share((*names, "difference"), inside(one_truth - other_truth, d.low, d.high), effort.cells, **promised),
            share((*names, "ratio"), inside(one_truth / other_truth, r.low, r.high), effort.cells, **promised),
            share(
                (*names, "difference by Wald, not used"),
                inside(one_truth - other_truth, d.value - wald, d.value + wald),
                effort.cells,
            ),
        ]
    return Section(
        "Comparison of two cells",
        "MOVER from the limits of each. Truths are drawn apart, within a tenth of the points named. With fewer than 20 "
        "effective cases on a side, differences take the wider of two limits, and so cover up to 97%.",
        ("one", "other", "of what"),
        tuple(figures),
    )


def type_one(effort: Effort, seed: int) -> Section:
    """Two cells of one truth: how often they are told to differ."""
    rng, figures = generator(seed, "type one"), []
    for percent, n, m in _EQUAL_CELLS:
        truth, one_n = near(rng, percent, n, effort.cells)
        other_n = np.rint(one_n * m / n)
        one, two = publish(rng, truth, one_n), publish(rng, truth, other_n)
        d = difference(one.estimates, two.estimates)
        z = np.abs(d.value) / np.hypot(one.se, two.se)
        apart = (one.low > two.high) | (two.low > one.high)
        names = (f"{percent}%", f"{n:,} and {m:,}")
        figures += [
            share((*names, "MOVER"), int((d.p < 0.05).sum()), effort.cells, most=5.5),
            share((*names, "Wald, not used"), int((z > Z95).sum()), effort.cells),
            share((*names, "intervals apart, not used"), int(apart.sum()), effort.cells),
        ]
    return Section(
        "Two equal cells told to differ at 5%",
        "More than 5.5% would be another test than it says.",
        ("truth", "respondents", "by"),
        tuple(figures),
        measure="told to differ %",
    )


def within_a_country(effort: Effort, seed: int) -> Section:
    """A location and the country that contains it."""
    rng, figures = generator(seed, "country"), []
    for population in (0.125, 0.02):
        rest = np.full(40, (1 - population) / 40)
        shares = np.concatenate([[population], rest])
        truth = np.concatenate([[30.0], rng.uniform(24, 38, 40)])
        members = publish(rng, np.broadcast_to(truth, (effort.cells, 41)), np.rint(60_000 * shares))
        # The country as it is published: the sum of its members, with the standard error that goes with it.
        value = np.round(members.value @ shares, 1)
        variance = truth * (100 - truth) * DESIGN_EFFECT / np.rint(60_000 * shares)
        country = Estimates(value=value, se=np.full(effort.cells, np.sqrt(variance @ shares**2)), scale=Scale.LOGIT)
        location = members.estimates[:, 0]
        d_truth = np.full(effort.cells, truth[0] - truth @ shares)
        correlation = population * location.se / country.se
        for named, r in (("its share given", correlation), ("no share given", np.zeros(effort.cells))):
            d = difference(location, country, correlation=r)
            least, most = (94.0, 96.0) if named == "its share given" else (94.0, None)
            figures.append(
                share(
                    (f"{population:.1%}", named), inside(d_truth, d.low, d.high), effort.cells, least=least, most=most
                )
            )
    return Section(
        "Comparison with a country that contains the location",
        "Without a share the interval is conservative, as the definition says.",
        ("share of the country", "what is known"),
        tuple(figures),
    )


def by_age(effort: Effort, seed: int) -> Section:
    """Direct standardisation over six age groups."""
    rng, figures = generator(seed, "by age"), []
    weights = np.array([0.13, 0.18, 0.17, 0.17, 0.17, 0.18])
    for percent, n in ((10, 600), (30, 600), (30, 6_000)):
        truth = percent * np.array([0.6, 0.85, 1.1, 1.25, 1.2, 0.9]) * rng.uniform(0.9, 1.1, (effort.cells, 1))
        cell = publish(rng, truth, np.rint(n * np.array([0.06, 0.11, 0.14, 0.17, 0.2, 0.32]))[None, :])
        value, se = standardised(cell.value, cell.se, weights)
        hits = inside(truth @ weights, *limits(value, se, scale=Scale.LOGIT))
        least_cell = percent * 0.6 / 100 * n * 0.06 / DESIGN_EFFECT
        promised: Promise = {"least": 94.0, "most": 96.0} if least_cell >= _LEAST_ON_A_SIDE else {}
        figures.append(share((f"about {percent}%", f"{n:,}"), hits, effort.cells, **promised))
    return Section(
        "Standardised over six age groups",
        "The smallest group has 6% of the respondents and 13% of the standard population; promised where it has 10 "
        "effective respondents on the smaller side. Without an interval where a group is at 0 or 100.",
        ("truth", "respondents"),
        tuple(figures),
    )


SIMULATIONS = (single, exact_points, pooled, moving, differences, type_one, within_a_country, by_age)


def _points(most: int) -> list[tuple[int, int]]:
    return [(p, n) for p, n in itertools.product(_PERCENTS, _RESPONDENTS) if 5 <= _on_a_side(p, n) <= most]


def _pairs() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [
        ((5, 400), (10, 400)),
        ((5, 3_000), (7, 400)),
        ((10, 200), (10, 200)),
        ((10, 200), (20, 200)),
        ((30, 100), (30, 100)),
        ((30, 400), (33, 10_000)),
        ((30, 3_000), (33, 3_000)),
        ((50, 400), (45, 400)),
        ((90, 400), (80, 400)),
        ((10, 100), (20, 100)),
    ]


def _on_a_side(percent: float, n: float) -> float:
    return n / DESIGN_EFFECT * min(percent, 100 - percent) / 100


def _promise(percent: float, n: float) -> Promise:
    return {"least": 94.0, "most": 96.0} if _on_a_side(percent, n) >= _LEAST_ON_A_SIDE else {}


def _promise_of_difference(on_a_side: float) -> Promise:
    if on_a_side < _LEAST_ON_A_SIDE:
        return {}
    # About 20 effective cases, half of the cells have fewer.
    return {"least": 94.0, "most": 97.0 if on_a_side <= _FEW_CASES else 96.0}


def _by_inverse_variance(value: Doubles, se: Doubles, truth: Doubles) -> int:
    with np.errstate(divide="ignore", invalid="ignore"):
        w = 1 / se**2
        mean, error = (w * value).sum(axis=1) / w.sum(axis=1), 1 / np.sqrt(w.sum(axis=1))
    return inside(truth, *limits(mean, error, scale=Scale.LOGIT))
