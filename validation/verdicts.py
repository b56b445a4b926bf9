"""Is any false verdict among 51 locations as rare as promised, and is a true difference found as often as promised?"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Estimates, difference, difference_from
from meantime.statistics.methods.multiplicity import Adjustment, adjusted
from meantime.statistics.methods.power import detectable_difference
from meantime.statistics.methods.slopes import Errors, lines
from meantime.statistics.methods.standard_errors import Scale
from validation.figures import Effort, Promise, Section, share
from validation.survey import DESIGN_EFFECT, Published, generator, publish

_LOCATIONS = 51
_RESPONDENTS = np.rint(np.geomspace(600, 8_000, _LOCATIONS))
_LEVEL_PERCENT = 33.0
_LEVEL = 0.05
# Scatter that carries over: its name, its size in standard errors, its autocorrelation.
_CARRIED_OVER = (
    ("0.3", 1.0, 0.3),
    ("0.6", 1.0, 0.6),
    ("0.9", 1.0, 0.9),
    ("0.3", 2.0, 0.3),
    ("0.6", 2.0, 0.6),
    ("0.9", 2.0, 0.9),
    ("random walk", 0.5, 1.0),
    ("random walk", 1.0, 1.0),
)
# Up to this autocorrelation the errors that allow for it promise their level.
_MOST_CARRIED = 0.6


def comparisons(effort: Effort, seed: int) -> Section:
    """All locations against a reference, where all or half of them are equal to it."""
    rng, figures = generator(seed, "verdicts"), []
    n = effort.cells // 10
    for scenario, shifts in (("all equal", 0.0), ("25 of 51 differ by 2 to 8 points", 8.0)):
        truth = np.full(_LOCATIONS, _LEVEL_PERCENT)
        truth[:25] += shifts * np.linspace(0.25, 1, 25) * np.resize([1, -1], 25)
        is_equal = truth == _LEVEL_PERCENT
        members = publish(rng, np.broadcast_to(truth, (n, _LOCATIONS)), _RESPONDENTS)
        for reference, other in _references(rng, members.value, truth, n):
            d = difference(members.estimates, other)
            for by, most in ((Adjustment.HOLM, 5.0), (None, None)):
                told = (d.p if by is None else adjusted(d.p, by=by)) < _LEVEL
                wrong = int((told & is_equal).any(axis=1).sum())
                named = "without adjustment, not used" if by is None else str(by)
                figures.append(share((scenario, reference, named), wrong, n, most=most))
    return Section(
        "Any false difference among 51 locations",
        "Compared with one reference, at 5%. The country is the sum of the locations and is taken for separate. Where "
        "25 differ, the country is still at the level of the others.",
        ("truth", "reference", "adjusted by"),
        tuple(figures),
        measure="any false %",
    )


def false_discoveries(effort: Effort, seed: int) -> Section:
    """The share of false ones among the differences found, by Benjamini and Hochberg."""
    rng, n = generator(seed, "discoveries"), effort.cells // 10
    truth = np.full(_LOCATIONS, _LEVEL_PERCENT)
    truth[:25] += 4 * np.resize([1, -1], 25)
    members = publish(rng, np.broadcast_to(truth, (n, _LOCATIONS)), _RESPONDENTS)
    d = difference_from(members.estimates, _LEVEL_PERCENT)
    told = adjusted(d.p, by=Adjustment.BENJAMINI_HOCHBERG) < _LEVEL
    rate = (told & (truth == _LEVEL_PERCENT)).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    figure = share(("25 of 51 differ by 4 points", "a target"), 0, 1, most=5.0)
    figure = figure._replace(percent=100 * float(rate.mean()), error=100 * float(rate.std() / np.sqrt(n)))
    return Section(
        "False discoveries among the differences found, by Benjamini and Hochberg",
        "On average over replications.",
        ("truth", "reference"),
        (figure,),
        measure="false %",
    )


def over_years(effort: Effort, seed: int) -> Section:
    """Nothing changes and nothing trends, in 51 locations."""
    rng, figures, n = generator(seed, "over years"), [], effort.cells // 10
    shape = (n, _LOCATIONS)
    before, after = (publish(rng, np.full(shape, _LEVEL_PERCENT), _RESPONDENTS) for _ in range(2))
    told = adjusted(difference(after.estimates, before.estimates).p) < _LEVEL
    figures.append(share(("change between two years", "0"), int(told.any(axis=1).sum()), n, most=5.0))
    for years, extra in ((5, 0), (5, 2), (8, 0), (8, 1), (8, 2), (13, 0), (13, 2)):
        cell = _scattered(rng, years, extra, shape)
        any_false = _false_trends(cell, years, shape, is_percent=True)
        figures.append(share((f"trend of {years} years", f"{extra}"), any_false, n, most=5.0))
        if extra == 2:
            as_published = _false_trends(cell, years, shape, is_percent=False)
            named = f"trend of {years} years, standard errors as published, not used"
            figures.append(share((named, f"{extra}"), as_published, n))
    return Section(
        "Any false change or trend among 51 locations",
        "Adjusted by Holm. Scatter is that of the truth about its line, in standard errors.",
        ("verdict", "scatter"),
        tuple(figures),
        measure="any false %",
    )


def carried_over(effort: Effort, seed: int) -> Section:
    """Nothing trends in 51 locations, whose scatter carries over to the next year."""
    rng, figures, n = generator(seed, "false trends carried over"), [], max(effort.cells // 250, 10)
    for years in (5, 8, 13):
        for named, extra, carried in _CARRIED_OVER:
            shape = (n, _LOCATIONS)
            cell = _scattered(rng, years, extra, shape, carried=carried)
            for errors in Errors:
                p = _p_of_trends(cell, years, shape, errors=errors)
                promised: Promise = (
                    {"most": 5.5} if errors is Errors.AUTOCORRELATED and carried <= _MOST_CARRIED else {}
                )
                names = (f"{years}", named, f"{extra:g}", str(errors))
                figures += [
                    share((*names, "one location"), int((p < _LEVEL).sum()), p.size, **promised),
                    share((*names, "any of 51 (Holm)"), int((adjusted(p) < _LEVEL).any(axis=1).sum()), n),
                ]
    return Section(
        "False trends where scatter carries over to the next year",
        "No slope. Scatter is that of the truth, in standard errors; that of a random walk is its step from year to "
        f"year. Autocorrelated errors promise 5% for one location up to an autocorrelation of {_MOST_CARRIED:g}, "
        "classic errors promise nothing here.",
        ("years", "autocorrelation", "scatter", "errors", "of what"),
        tuple(figures),
        measure="false %",
    )


def power(effort: Effort, seed: int) -> Section:
    """Two cells that differ by just what ``detectable`` names."""
    rng, figures = generator(seed, "power"), []
    for percent, n, m in ((30, 1_000, 1_000), (30, 400, 4_000), (20, 1_000, 1_000), (10, 2_000, 2_000), (50, 600, 600)):
        for named, sign, is_there in _CELLS:
            # Respondents within a tenth, so that the lattice of counts evens out.
            one_n, other_n = (np.rint(k * rng.uniform(0.9, 1.1, effort.cells)) for k in (n, m))
            gap = _detectable(percent, one_n, other_n, is_there=is_there)
            moved = publish(rng, percent + sign * gap, one_n)
            level = publish(rng, np.full(effort.cells, float(percent)), other_n)
            found = int((difference(moved.estimates, level.estimates).p < _LEVEL).sum())
            names = (f"{percent}%", f"{n:,} and {m:,}", named, f"{gap.mean():.1f} points")
            promised: Promise = {}
            if named == _CELLS[0][0]:
                promised = {"least": 77.0, "most": 79.0, "known": percent != _AS_MEASURED}
            figures.append(share(names, found, effort.cells, **promised))
    return Section(
        "How often the detectable difference is found",
        "For a power of 80% asked for. The standard errors are those of two cells that are still equal, as they are "
        "when the question is asked; or, for comparison, those that the two have at that difference.",
        ("level", "respondents", "standard errors", "detectable"),
        tuple(figures),
        measure="found %",
    )


SIMULATIONS = (comparisons, false_discoveries, over_years, carried_over, power)

# Standard errors of which cells, which way the difference goes, and whether they are those at the difference.
_CELLS = (
    ("of equal cells; one is higher", 1, False),
    ("of equal cells; one is lower", -1, False),
    ("as they are at it; one is higher", 1, True),
)
# The level at which STATISTICS measured 77 to 79%.
_AS_MEASURED = 30


def _detectable(percent: float, n: Doubles, m: Doubles, *, is_there: bool) -> Doubles:
    """Return the detectable difference; ``is_there``: with the standard errors at that very difference."""
    gap = np.zeros(len(n))
    for _ in range(30 if is_there else 1):
        moved = percent + gap
        one = np.sqrt(moved * (100 - moved) * DESIGN_EFFECT / n)
        other = np.sqrt(percent * (100 - percent) * DESIGN_EFFECT / m)
        gap = detectable_difference(one, other)
    return gap


def _references(rng: np.random.Generator, members: Doubles, truth: Doubles, n: int) -> list[tuple[str, Estimates]]:
    shares = _RESPONDENTS / _RESPONDENTS.sum()
    variance = (shares**2 * truth * (100 - truth) * DESIGN_EFFECT / _RESPONDENTS).sum()
    # What the country would be at if the shifts did not just cancel out is taken off, so that the equal ones are equal.
    country = np.round(members @ shares - (truth @ shares - _LEVEL_PERCENT), 1)
    other = publish(rng, np.full((n, 1), _LEVEL_PERCENT), np.full((n, 1), 3_000.0))
    return [
        ("the country", Estimates(value=country[:, None], se=np.full((n, 1), np.sqrt(variance)), scale=Scale.LOGIT)),
        ("another location", other.estimates),
    ]


def _scattered(
    rng: np.random.Generator, years: int, extra: float, shape: tuple[int, int], *, carried: float = 0.0
) -> Published:
    """Publish years whose scatter carries over by so much; all of it (1) is a random walk."""
    noise = rng.standard_normal((*shape, years))
    fresh = np.sqrt(1 - carried**2) if carried < 1 else 1.0
    for year in range(1, years):
        noise[..., year] = carried * noise[..., year - 1] + fresh * noise[..., year]
    sampling = np.sqrt(_LEVEL_PERCENT * (100 - _LEVEL_PERCENT) * DESIGN_EFFECT / _RESPONDENTS)
    truth = _LEVEL_PERCENT + extra * sampling[None, :, None] * noise
    return publish(rng, np.clip(truth, 1, 99), _RESPONDENTS[None, :, None])


def _false_trends(cell: Published, years: int, shape: tuple[int, int], *, is_percent: bool) -> int:
    """Count the answers with any; ``is_percent``: with standard errors at the mean of the years, as it is."""
    return int((adjusted(_p_of_trends(cell, years, shape, is_percent=is_percent)) < _LEVEL).any(axis=1).sum())


def _p_of_trends(
    cell: Published, years: int, shape: tuple[int, int], *, is_percent: bool = True, errors: Errors = Errors.CLASSIC
) -> Doubles:
    value, se = (each.reshape(-1, years) for each in (cell.value, cell.se))
    return lines(np.arange(float(years)), value, se, is_percent=is_percent, errors=errors).p.reshape(shape)
