"""Do intervals of slopes cover, where the years scatter about the line by more than their standard errors?"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.slopes import annual_percent_change, lines, log_lines
from meantime.statistics.methods.standard_errors import Z95
from validation.figures import Effort, Promise, Section, share
from validation.survey import DESIGN_EFFECT, generator, inside, publish

_SLOPE = 0.4
_MIDDLE_PERCENT = 30.0
_LOW_PERCENT, _LOW_YEARS = 10.0, 10


def slopes(effort: Effort, seed: int) -> Section:
    """Straight truth with independent scatter."""
    rng, figures = generator(seed, "slopes"), []
    for years in (5, 6, 8, 10, 13):
        for extra in (0, 1, 2):
            value, se = _survey(rng, years, extra, effort.cells)
            found = lines(np.arange(float(years)), value, se, is_percent=True)
            hits = inside(np.full(effort.cells, _SLOPE), found.low, found.high)
            names = (f"{years}", f"{extra}")
            least, most = (94.0, 99.0) if years < 8 else (94.0, 97.5)
            figures.append(share((*names, "as it is"), hits, effort.cells, least=least, most=most))
            plain = Z95 * _plain_error(np.arange(float(years)), se)
            hits = inside(np.full(effort.cells, _SLOPE), found.slope - plain, found.slope + plain)
            figures.append(share((*names, "standard errors at their word, not used"), hits, effort.cells))
    return Section(
        "Slope of a trend",
        f"Truth {_MIDDLE_PERCENT:g}% and {_SLOPE:g} points a year, 800 to 3,000 respondents by year. Scatter is that "
        "of the truth about its line, in standard errors, independent from year to year.",
        ("years", "scatter", "interval"),
        tuple(figures),
    )


def low_percents(effort: Effort, seed: int) -> Section:
    """Straight truth at a low percent, of few respondents: where errors as published follow the values."""
    rng, figures = generator(seed, "low percents"), []
    for respondents in (400, 1_200, 4_000):
        for extra in (0, 1, 2):
            n = _around(rng, respondents, effort.cells)
            noise = extra * _sampling(_LOW_PERCENT, n) * rng.standard_normal(n.shape)
            cell = publish(rng, np.clip(_LOW_PERCENT + noise, 1, 99), n)
            for named, at_the_mean in _ERRORS:
                found = lines(np.arange(float(_LOW_YEARS)), cell.value, cell.se, is_percent=at_the_mean)
                hits = inside(np.zeros(effort.cells), found.low, found.high)
                promised: Promise = {"least": 94.0, "most": 97.5} if at_the_mean else {}
                figures.append(share((f"{respondents:,}", f"{extra}", named), hits, effort.cells, **promised))
    return Section(
        f"Slope at {_LOW_PERCENT:g}%",
        f"Truth {_LOW_PERCENT:g}% and no slope, {_LOW_YEARS} years. Scatter as above.",
        ("respondents a year", "scatter", "interval"),
        tuple(figures),
    )


def percent_changes(effort: Effort, seed: int) -> Section:
    """A truth that grows by the same percent each year."""
    rng, figures = generator(seed, "percent changes"), []
    for years in (6, 10):
        n = _respondents(rng, years, effort.cells)
        truth = _MIDDLE_PERCENT * 1.02 ** (np.arange(years) - (years - 1) / 2)
        cell = publish(rng, np.broadcast_to(truth, n.shape), n)
        _, low, high = annual_percent_change(log_lines(np.arange(float(years)), cell.value, cell.se, is_percent=True))
        hits = inside(np.full(effort.cells, 2.0), low, high)
        least, most = (94.0, 99.0) if years < 8 else (94.0, 97.5)
        figures.append(share((f"{years}",), hits, effort.cells, least=least, most=most))
    return Section(
        "Annual percent change",
        f"Truth {_MIDDLE_PERCENT:g}% in the middle, and 2% more each year.",
        ("years",),
        tuple(figures),
    )


def low_percent_changes(effort: Effort, seed: int) -> Section:
    """A low percent that grows by the same percent each year, or by none: its logarithm scatters about a line."""
    rng, figures = generator(seed, "low percent changes"), []
    for respondents, growth in ((400, 0.0), (400, 8.0), (1_200, 8.0)):
        line: Doubles = _LOW_PERCENT * (1 + growth / 100) ** (np.arange(float(_LOW_YEARS)) - (_LOW_YEARS - 1) / 2)
        for extra in (0, 1, 2):
            n = _around(rng, respondents, effort.cells)
            noise = extra * _sampling(line, n) / line * rng.standard_normal(n.shape)
            cell = publish(rng, np.clip(line * np.exp(noise), 1, 99), n)
            for named, at_the_mean in _ERRORS:
                fitted = log_lines(np.arange(float(_LOW_YEARS)), cell.value, cell.se, is_percent=at_the_mean)
                _, low, high = annual_percent_change(fitted)
                hits = inside(np.full(effort.cells, growth), low, high)
                promised: Promise = {"least": 94.0, "most": 97.5} if at_the_mean else {}
                names = (f"{respondents:,}", f"{growth:g}%", f"{extra}", named)
                figures.append(share(names, hits, effort.cells, **promised))
    return Section(
        f"Annual percent change at {_LOW_PERCENT:g}%",
        f"Truth {_LOW_PERCENT:g}% in the middle of {_LOW_YEARS} years. Scatter as above, of the logarithm.",
        ("respondents a year", "more each year", "scatter", "interval"),
        tuple(figures),
    )


SIMULATIONS = (slopes, low_percents, percent_changes, low_percent_changes)

# Which standard errors weigh the years, and whether they are those at the mean of the years.
_ERRORS = (("as it is", True), ("standard errors as published, not used", False))


def _around(rng: np.random.Generator, respondents: int, size: int) -> Doubles:
    return np.asarray(np.rint(respondents * np.exp(0.12 * rng.standard_normal((size, _LOW_YEARS)))), dtype=np.float64)


def _sampling(percent: float | Doubles, n: Doubles) -> Doubles:
    """Return the standard errors of a percent of so many respondents."""
    return np.asarray(np.sqrt(percent * (100 - percent) * DESIGN_EFFECT / n), dtype=np.float64)


def _survey(rng: np.random.Generator, years: int, extra: float, size: int) -> tuple[Doubles, Doubles]:
    n = _respondents(rng, years, size)
    line = _MIDDLE_PERCENT + _SLOPE * (np.arange(years) - (years - 1) / 2)
    sampling = np.sqrt(line * (100 - line) * DESIGN_EFFECT / n)
    cell = publish(rng, np.clip(line + extra * sampling * rng.standard_normal((size, years)), 1, 99), n)
    return cell.value, cell.se


def _respondents(rng: np.random.Generator, years: int, size: int) -> Doubles:
    # A level for the location, and a little by year, as in the table.
    level = np.exp(rng.uniform(np.log(900), np.log(2_700), (size, 1)))
    return np.asarray(np.rint(level * np.exp(0.12 * rng.standard_normal((size, years)))), dtype=np.float64)


def _plain_error(year: Doubles, se: Doubles) -> Doubles:
    """Return the standard errors of slopes, scatter not looked at."""
    w = 1 / se**2
    x = year - ((w * year).sum(axis=1) / w.sum(axis=1))[:, None]
    return np.asarray(1 / np.sqrt((w * x * x).sum(axis=1)), dtype=np.float64)
