"""``trend``: whether a location's values rise or fall over its years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import numpy as np

from meantime import text
from meantime.dataset.cube import ABSENT, Doubles
from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import StandardPopulation, WithAdjustment
from meantime.statistics.cells.periods import SYNTAX, periods_text
from meantime.statistics.cells.pooled import without_empty
from meantime.statistics.cells.provenance import VALUE, Part, Provenance, groups_of, of_all
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection
from meantime.statistics.cells.standards import check_standardized
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import LIMITS_ARE_95, SEPARATE_GROUPS, SEPARATE_SAMPLES
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.methods.blocks import Check
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.slopes import (
    Errors,
    Lines,
    annual_percent_change,
    autocorrelation,
    average_annual_percent_change,
    lines,
    log_lines,
    mann_kendall,
    pulls,
    theil_sen,
)
from meantime.statistics.parameters import Year
from meantime.statistics.result_tables import numbers, table
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words.breaks import trend_across
from meantime.statistics.words.conclusions import AdjustedTests
from meantime.statistics.words.trends import FIT_LEVEL, Slopes, fits_in_words, trend_sentences, trend_verdicts
from meantime.table import Cell, Column, Kind, Table
from meantime.text import number

# With fewer years a line is fitted but not tested: t has only one or two degrees of freedom.
LEAST_YEARS = 5


class Trend(WithAdjustment, frozen=True, kw_only=True):
    """Parameters of ``trend``."""

    standard: StandardPopulation = ()

    years: Annotated[
        Year | str,
        msgspec.Meta(
            description=f"Years: {SYNTAX}. For each location, those that it has.", examples=["all", "2011..2019"]
        ),
    ] = "all"
    breaks: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0, le=9999)], ...],
        msgspec.Meta(
            max_length=20,
            description="Years in which the method of the survey changed. No trend line crosses a break; each "
            "segment between breaks has its own row.",
            examples=[[2011]],
        ),
    ] = ()

    errors: Annotated[
        Errors,
        msgspec.Meta(
            description="What the intervals and tests allow for: classic, scatter of each year by itself; "
            "autocorrelated, also scatter that carries over from one year into the next. They are wider, and miss more "
            "trends, but claim far fewer that are not there where the scatter does carry over.",
            examples=["autocorrelated"],
        ),
    ] = Errors.CLASSIC

    def __post_init__(self) -> None:
        """Normalize, so that equal requests compare equal."""
        super().__post_init__()
        msgspec.structs.force_setattr(self, "breaks", tuple(sorted(set(self.breaks))))


_A_YEAR = {"unit": shared.OF_SLOPE}
COLUMNS = (
    shared.LOCATION,
    Column(name="first_year", kind=Kind.INTEGER, meaning="first year of the stretch that has a value"),
    Column(name="last_year", kind=Kind.INTEGER, meaning="last year of it"),
    Column(name="years", kind=Kind.INTEGER, meaning="how many years have a value with a standard error"),
    shared.number("slope", "change a year along the straight line", **_A_YEAR),
    shared.number(
        "slope_low", "lower limit of its 95% interval, widened by the years' scatter about the line", **_A_YEAR
    ),
    shared.number("slope_high", "upper limit of its 95% interval", **_A_YEAR),
    shared.number("p", "p-value of no change", unit=None),
    shared.number("p_adjusted", "the same, adjusted for the number of slopes", unit=None),
    Column(name="verdict", kind=Kind.TEXT, meaning="rising, falling, no clear trend; too few years, below five"),
    shared.number("percent_change", "change a year in percent of the value (log-linear slope, APC)", unit="percent"),
    shared.number("percent_change_low", "lower limit of its 95% interval", unit="percent"),
    shared.number("percent_change_high", "upper limit of its 95% interval", unit="percent"),
    shared.number(
        "average_percent_change",
        "mean of the percent changes of the location's stretches, by their years (AAPC); null without breaks, or where "
        "a stretch has no slope",
        unit="percent",
    ),
    shared.number("average_percent_change_low", "lower limit of its 95% interval", unit="percent"),
    shared.number("average_percent_change_high", "upper limit of its 95% interval", unit="percent"),
    shared.number("phi", "scatter of the years about the line over what their standard errors let expect", unit=None),
    shared.number("fit_p", "p-value of the years following a straight line", unit=None),
    Column(
        name="fit",
        kind=Kind.TEXT,
        meaning=f"whether they do, in words: not where fit_p is below {FIT_LEVEL}; null where that is not tested",
    ),
    shared.number(
        "autocorrelation",
        "lag-1 autocorrelation of the years' scatter about the line; near 0 each year scatters by itself; null below "
        "five years",
        unit=None,
    ),
    shared.number("mann_kendall_p", "p-value of no trend by Mann and Kendall, for comparison", unit=None),
    shared.number("theil_sen", "median of the slopes between all pairs of years, for comparison", **_A_YEAR),
)


def trend(prepared: Prepared[Trend, Selection], work: Work) -> Table:
    """Fit a line to the years of each location, in the order of the names; tied slopes are too.

    Each location has its own years: Cockaigne lacks 2018, which is withheld, and Erewhon 2020.

    >>> from meantime.dataset.samples import survey_example
    >>> table = STATISTIC.answer(survey_example.snapshot(), Trend(question=survey_example.SOUP))
    >>> columns = ("location", "years", "slope", "slope_low", "slope_high", "verdict")
    >>> for row in zip(*(table.column(name) for name in columns)):
    ...     print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    Avalon 5 0.42 -0.21 1.05 no clear trend
    Borduria 5 0.08 -0.55 0.71 no clear trend
    Cockaigne 4 0.45 -0.18 1.08 too few years
    Dorado 5 0.06 -0.57 0.69 no clear trend
    Erewhon 4 0.1 -1.14 1.33 too few years
    """
    parameters, selection = prepared.parameters, prepared.data
    stretches = []
    for columns in _stretches(selection, parameters.breaks):
        work.check()
        stretches.append(_Stretch(selection, columns, parameters.errors, work.check))
    work.check()
    p = np.concatenate([stretch.p for stretch in stretches])
    p_adjusted = adjusted(p, by=parameters.adjust)
    slopes = np.concatenate([stretch.lines.slope for stretch in stretches])
    verdicts = trend_verdicts(p, p_adjusted, slopes)
    data = [[cell for stretch in stretches for cell in stretch.columns[index]] for index in range(len(_OF_STRETCH))]
    by_name = dict(zip(_OF_STRETCH, data, strict=True)) | {"p_adjusted": numbers(p_adjusted), "verdict": verdicts}
    averages = zip(_AVERAGE, _averages(stretches), strict=True)
    by_name |= {name: numbers(np.tile(average, len(stretches))) for name, average in averages}
    fits = np.concatenate([stretch.lines.fit_p for stretch in stretches])
    by_name["fit"] = fits_in_words(p, fits)
    work.check()
    cells = [by_name[column.name] for column in COLUMNS]
    if len(stretches) > 1:
        # By location, and within one by time.
        order = np.arange(len(verdicts)).reshape(len(stretches), -1).T.ravel().tolist()
        cells = [[column[index] for index in order] for column in cells]
    return table(
        selection,
        COLUMNS,
        cells,
        left_out=selection.left_out,
        notes=[_breaks_note(stretches), _autocorrelation_note(stretches, parameters.errors)],
        warnings=trend_across(selection.breaks, [stretch.periods for stretch in stretches]),
        findings=_findings(selection, stretches, p_adjusted, fits, parameters),
    )


_AVERAGE = ("average_percent_change", "average_percent_change_low", "average_percent_change_high")
_OF_STRETCH = tuple(column.name for column in COLUMNS if column.name not in ("p_adjusted", "verdict", "fit", *_AVERAGE))


class _Stretch:
    """The years between two breaks, with the line of each location over them."""

    def __init__(self, of: Selection, columns: list[int], errors: Errors, check: Check) -> None:
        self.names = of.names
        self.periods = [period for index in columns if (period := of.periods[index]) is not None]
        self.years = periods_text(self.periods)
        value, se = of.value[:, columns], of.se[:, columns]
        known = np.isfinite(value) & np.isfinite(se)
        value = np.where(known, value, np.nan)
        year = np.array([_middle(of, column) for column in columns])
        self.lines = lines(year, value, se, is_percent=of.is_percent, errors=errors, check=check)
        self.of_logs = log_lines(year, value, se, is_percent=of.is_percent, errors=errors, check=check)
        self.autocorrelation = autocorrelation(year, value, se, is_percent=of.is_percent, check=check)
        self.steps = _steps(year, known)
        # A slope of three or four years is shown, and not tested.
        self.p: Doubles = np.where(self.lines.years >= LEAST_YEARS, self.lines.p, np.nan)
        self.columns: list[list[Cell]] = [
            list(of.names),
            *_ends(of, columns, known),
            self.lines.years.tolist(),
            *_of_line(self.lines, numbers(self.p)),
            *map(numbers, annual_percent_change(self.of_logs)),
            numbers(self.lines.phi),
            numbers(self.lines.fit_p),
            numbers(self.autocorrelation),
            numbers(mann_kendall(value)),
            numbers(theil_sen(year, value)),
        ]


def cost(prepared: Prepared[Trend, Selection]) -> Cost:
    """State what trends cost: for each location, every pair of years of a stretch has a slope."""
    selection = prepared.data
    stretches = _stretches(selection, prepared.parameters.breaks)
    pairs = sum(len(columns) * (len(columns) - 1) // 2 for columns in stretches)
    return Cost(
        cells=selection.cells_read,
        pairs=len(selection) * pairs,
        **prepared.answer_cost(len(selection) * len(stretches)),
    )


def rests_on(prepared: Prepared[Trend, Selection], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what a slope rests on: the location's cells of the stretch, each with its pull on the line."""
    parameters, selection = prepared.parameters, prepared.data
    if row is None:
        return Provenance(number=None, parts=(of_all(selection),))
    own = selection[groups_of(selection, row)]
    columns = _stretch_of(own, parameters.breaks, row)
    value, se = own.value[0, columns], own.se[0, columns]
    year = np.array([_middle(own, column) for column in columns])
    pull = pulls(year, value, se, is_percent=own.is_percent)
    cells, weights = own.weighted_cells((0, columns), pull)
    is_there = cells != ABSENT
    return Provenance(number="slope", parts=(Part(VALUE, cells[is_there], weights[is_there]),))


def _stretch_of(own: Selection, breaks: tuple[int, ...], row: Mapping[str, Cell]) -> list[int]:
    """Return the places of the periods that a row of the answer is of."""

    def ends(columns: list[int]) -> list[Cell]:
        known = np.isfinite(own.value[:, columns]) & np.isfinite(own.se[:, columns])
        return [end[0] for end in _ends(own, columns, known)]

    wanted = [row["first_year"], row["last_year"]]
    return next(columns for columns in _stretches(own, breaks) if ends(columns) == wanted)


def prepare(snapshot: Snapshot, parameters: Trend) -> Selection:
    """Select the cells of all years."""
    selection = select(snapshot, parameters)
    if selection.standardized is not None:
        selection = without_empty(selection)
    if len(selection.periods) < 3:
        years = selection.years or "values without a year"
        detail = f"A trend needs at least three years, not {years}. For two years, use change."
        raise refusal("/years", "absent", detail)
    return selection


def _stretches(of: Selection, breaks: tuple[int, ...]) -> list[list[int]]:
    """Return the places of the periods of each stretch; one without a period is none."""
    edges = (-1, *breaks, 10_000)
    stretches = [
        [index for index in range(len(of.periods)) if edges[n] <= _middle(of, index) < edges[n + 1]]
        for n in range(len(edges) - 1)
    ]
    return [indices for indices in stretches if indices]


def _middle(of: Selection, index: int) -> float:
    period = of.periods[index]
    return 0.0 if period is None else (period.first + period.last) / 2


def _ends(
    of: Selection, columns: list[int], known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> list[list[Cell]]:
    """Return first and last year of each row; None where nothing is known."""
    years = [of.periods[index] or (None, None) for index in columns] + [(None, None)]
    nothing, is_any = len(columns), known.any(axis=1)
    first = np.where(is_any, known.argmax(axis=1), nothing)
    last = np.where(is_any, nothing - 1 - known[:, ::-1].argmax(axis=1), nothing)
    return [[years[index][end] for index in places.tolist()] for end, places in enumerate((first, last))]


def _of_line(fitted: Lines, p: list[Cell]) -> list[list[Cell]]:
    return [numbers(fitted.slope), numbers(fitted.low), numbers(fitted.high), p]


def _steps(year: Doubles, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Doubles:
    """Count the years from the first to the last that each location has; 0 where it has none."""
    first, last = np.where(known, year, np.inf).min(axis=1), np.where(known, year, -np.inf).max(axis=1)
    return np.where(known.any(axis=1), last - first, 0.0)


def _averages(stretches: list[_Stretch]) -> tuple[Doubles, Doubles, Doubles]:
    """Average the percent changes over the stretches; of one there is nothing to average."""
    if len(stretches) < 2:
        nothing = np.full(len(stretches[0].names), np.nan)
        return nothing, nothing, nothing
    return average_annual_percent_change(
        np.stack([stretch.of_logs.slope for stretch in stretches], axis=1),
        np.stack([stretch.of_logs.se for stretch in stretches], axis=1),
        np.stack([stretch.steps for stretch in stretches], axis=1),
    )


def _autocorrelation_note(stretches: list[_Stretch], errors: Errors) -> str:
    found = np.concatenate([stretch.autocorrelation for stretch in stretches])
    if np.isnan(found).all():
        return ""
    average = text.number(float(np.nanmean(found)), 2)
    if errors is Errors.AUTOCORRELATED:
        return (
            f"Intervals and tests allow for scatter that carries over from year to year (on average {average}, lag 1)."
        )
    return (
        f"The lag-1 autocorrelation of the years about their lines is {average} on average. Where scatter carries over "
        "from year to year, intervals are too narrow; errors=autocorrelated allows for it."
    )


def _breaks_note(stretches: list[_Stretch]) -> str:
    if len(stretches) < 2:
        return ""
    return f"Stretches, each with a line of its own: {'; '.join(stretch.years for stretch in stretches)}."


def _findings(
    of: Selection, stretches: list[_Stretch], p_adjusted: Doubles, fits: Doubles, parameters: Trend
) -> list[str]:
    """Say of each stretch what its lines show; p-values are adjusted over all stretches."""
    sentences: list[str] = []
    number = int(np.isfinite(p_adjusted).sum())
    by_stretch = zip(stretches, *(np.split(each, len(stretches)) for each in (p_adjusted, fits)), strict=True)
    for stretch, p, fit in by_stretch:
        first_years, last_years = stretch.columns[1:3]
        slopes = Slopes(
            names=of.names,
            slope=stretch.lines.slope,
            low=stretch.lines.low,
            high=stretch.lines.high,
            tests=AdjustedTests(p_adjusted=p, adjust=parameters.adjust, number=number),
            first_year=first_years,
            last_year=last_years,
            departs=fit < FIT_LEVEL,
        )
        sentences += trend_sentences(of.subject, slopes, is_aggregate=of.is_aggregate)
    return sentences


def explain(explanation: ExplanationBuilder[Trend, Selection]) -> None:
    """Explain the slope of a location's line."""
    explanation.assumptions += [LIMITS_ARE_95, SEPARATE_SAMPLES]
    if explanation.parameters.errors is Errors.CLASSIC:
        explanation.assumptions.append("The noise of one year does not carry over into the next.")
    explanation.sources.append(_AITKEN)
    slope = explanation.number("slope")
    if slope is None:
        explanation.no_number("a line needs three years with a standard error")
        return
    [part] = explanation.provenance.parts
    used = ~np.isnan(part.weights)
    per_year = explanation.data.cells_per_value
    if explanation.data.standardized is not None:
        explanation.assumptions.append(SEPARATE_GROUPS)
        explanation.step(f"The value of each year is a weighted sum of {per_year} groups (standard population).")
    _explain_line(explanation, slope, int(used.sum()) // per_year)
    value = explanation.programs.column("value")
    # The pulls tell the slope; signs are needed here, and a year that pulls down has a negative one.
    explanation.programs.take("years", Part(part.used_as, part.cells[used], np.abs(part.weights[used])))
    signs = ", ".join("1" if weight >= 0 else "-1" for weight in part.weights[used].tolist())
    explanation.programs.add(
        f"sign = np.array([{signs}])  # years before the middle pull the other way",
        f"sign <- c({signs})  # years before the middle pull the other way",
    )
    explanation.results["slope"] = (
        f"(sign * years['weight'] * number(years[{value}])).sum()",
        f"sum(sign * years$weight * number(years[[{value}]]))",
    )
    weight = "1 / SE^2"
    if explanation.data.is_percent:
        weight = "v (100 - v) / SE^2, which is 1 / SE^2 at the mean of the years but for a factor"
    explanation.leaves_out.append(
        f"How the weights come about: w = {weight}, and a year's pull is w (t - t0) / sum w (t - t0)^2; the interval "
        "and the tests, which need Student's t."
    )


def _explain_line(explanation: ExplanationBuilder[Trend, Selection], slope: float, years: int) -> None:
    weight = _WEIGHT_OF_PERCENT if explanation.data.is_percent else "1 / SE^2"
    explanation.step(
        f"A straight line through {years} years, each weighted by {weight}.",
        f"b = sum w (t - t0) v / sum w (t - t0)^2 = {number(slope)}",
        slope=slope,
    )
    low, high, phi = (explanation.known(name) for name in ("slope_low", "slope_high", "phi"))
    carries_over = explanation.parameters.errors is Errors.AUTOCORRELATED
    beyond = ", and by what it carries over from year to year" if carries_over else ""
    explanation.step(
        f"The interval is widened by the scatter of the years about the line (phi = {number(phi)}){beyond}.",
        f"b +- max({'t SE(rho), ' if carries_over else ''}t sqrt(phi) SE, z SE) = {number(low)} to {number(high)}",
        slope_low=low,
        slope_high=high,
        phi=phi,
    )


_AITKEN = "Aitken (1935) on weighted least squares; McCullagh and Nelder, Generalized Linear Models (1989), on phi"
_WEIGHT_OF_PERCENT = (
    "1 / SE^2 with its standard error taken at the mean m of the years, SE sqrt(m (100 - m) / (v (100 - v))), so that "
    "a year that came out low does not count more for it"
)


STATISTIC = Statistic(
    name="trend",
    order=160,
    parameters=Trend,
    prepare=prepare,
    cost=cost,
    compute=trend,
    rests_on=rests_on,
    explain=explain,
    check_form=check_standardized,
    help="whether each location's values rise or fall over its years, with a test of the straight line",
    estimates="the change a year of a location's population value along a straight line",
    columns=COLUMNS,
    example={**EXAMPLE, "years": "all"},
    example_rows=(
        (
            *("Alabama", 2011, 2023, 13, 0.41319696229592906, 0.2856774016206303, 0.5407165229712279),
            *(1.3792124560000644e-05, 0.0004965164841600232, "rising"),
            *(1.4645486933727971, 1.00812787282722, 1.9230319218633047, None, None, None),
            *(0.7387749314548487, 0.7019271292171032, "no departure from a line detected"),
            *(-0.2571534834500745, 1.346582943805166e-05, 0.35749999999999993),
        ),
    ),
    method_version=8,  # from 2 on the years of a percent are weighed by standard errors at their mean
    charts=("comparison",),
)
