"""The list of statistics: a row here makes one public, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem
from meantime.model import Work
from meantime.statistics import (
    association,
    change,
    classic,
    comparison,
    detectable,
    disparity,
    distribution,
    estimate,
    gap_ranking,
    ranking,
    sensitivity,
    standardised,
    summary,
    target,
    trend,
)
from meantime.statistics.classic import OfQuestion, OfState
from meantime.statistics.provenance import RestsOn, of_estimates
from meantime.statistics.summary import Summary
from meantime.table import Cell, Column, Table

# What is wrong with parameters beyond their form and their names; the snapshot is None while the data set is loading.
Refuse = Callable[[Snapshot | None, Any], Iterable[Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A public statistic."""

    name: str
    parameters: type[msgspec.Struct]  # its type; the fields' names are the parameters' names
    compute: Callable[[Snapshot, Any, Work], Table]
    # On which cells a row of the answer rests, with which weights. Mostly the estimate of its location: of_estimates.
    rests_on: RestsOn
    help: str  # one line: what it gives
    estimates: str  # one line: what its numbers are an estimate of, and so what they are not
    columns: tuple[Column, ...]  # of the answer to what is asked with defaults
    columns_for: Callable[[Any], tuple[Column, ...]] | None = None  # where they depend on the parameters
    example: Mapping[str, Any]  # parameters, of a question of the CDC's
    example_rows: tuple[tuple[Cell, ...], ...]  # the first rows of its answer, of what `meantime sample` writes
    method_version: int  # counts up when the same request over the same snapshot may give another result
    charts: tuple[str, ...] = ()  # of its answers, by their names in charts/registry.py; the usual one first
    needs_polarity: bool = False  # whether it must be known which values are good
    # How many cells or rows an answer goes through, where these may be many; None: never more than an answer has rows.
    entries_read: Callable[[Snapshot, Any], int] | None = None
    refuse: Refuse | None = None

    @property
    def is_instant(self) -> bool:
        """Whether it always answers at once, whatever it is asked."""
        return self.entries_read is None

    def columns_of(self, parameters: Any) -> tuple[Column, ...]:
        """Return the columns of the answer to these parameters; units of values are those of the question."""
        return self.columns if self.columns_for is None else self.columns_for(parameters)


_OBESITY = {"question": "Percent of adults aged 18 years and older who have obesity"}
_UTAH = {**_OBESITY, "state": "Utah"}

_ALL_ROWS = (
    "all rows of the question in each location as they come, over strata and years; not a rate of the population"
)
_ONE_STATE = "the location's rows as they come, over strata and years; not a rate of its population"
_RANKED = "the means of states_mean; states with other strata or years in the file are compared as if they had the same"

_ROWS = (
    Statistic(
        name="states_mean",
        parameters=OfQuestion,
        compute=classic.states_mean,
        rests_on=classic.rests_on,
        help="mean by location, lowest first",
        estimates=_ALL_ROWS,
        columns=classic.MEANS,
        example=_OBESITY,
        example_rows=(("West Virginia", 24.4525, 40, 3), ("Wyoming", 25.49, 40, 3)),
        method_version=1,
        charts=("means", "map"),
    ),
    Statistic(
        name="state_mean",
        parameters=OfState,
        compute=classic.state_mean,
        rests_on=classic.rests_on,
        help="mean of one location",
        estimates=_ONE_STATE,
        columns=classic.MEANS,
        example=_UTAH,
        example_rows=(("Utah", 34.63333333333333, 42, 1),),
        method_version=1,
        charts=("means",),
    ),
    Statistic(
        name="best5",
        parameters=OfQuestion,
        compute=classic.best5,
        rests_on=classic.rests_on,
        help="the five best locations with their means, best first",
        estimates=_RANKED,
        columns=classic.MEANS,
        example=_OBESITY,
        example_rows=(("West Virginia", 24.4525, 40, 3), ("Wyoming", 25.49, 40, 3)),
        method_version=1,
        charts=("means",),
        needs_polarity=True,
    ),
    Statistic(
        name="worst5",
        parameters=OfQuestion,
        compute=classic.worst5,
        rests_on=classic.rests_on,
        help="the five worst locations with their means, worst first",
        estimates=_RANKED,
        columns=classic.MEANS,
        example=_OBESITY,
        example_rows=(("Maine", 39.413636363636364, 44, 0), ("Washington", 38.65348837209302, 43, 0)),
        method_version=1,
        charts=("means",),
        needs_polarity=True,
    ),
    Statistic(
        name="global_mean",
        parameters=OfQuestion,
        compute=classic.global_mean,
        rests_on=classic.rests_on,
        help="one mean over everything",
        estimates='all rows of the question, those of "National" too; a location with more rows counts more',
        columns=classic.MEAN_OF_ALL,
        example=_OBESITY,
        example_rows=((32.271187904967604, 2315, 85),),
        method_version=1,
        charts=("means",),
    ),
    Statistic(
        name="diff_from_mean",
        parameters=OfQuestion,
        compute=classic.diff_from_mean,
        rests_on=classic.difference_rests_on,
        help="global mean minus each location's mean, in the order of states_mean",
        estimates="the means of global_mean and states_mean; positive where the location is below",
        columns=classic.DIFFERENCES,
        example=_OBESITY,
        example_rows=(
            ("West Virginia", 7.818687904967603, 24.4525, 32.271187904967604, 40, 3),
            ("Wyoming", 6.781187904967602, 25.49, 32.271187904967604, 40, 3),
        ),
        method_version=1,
        charts=("means",),
    ),
    Statistic(
        name="state_diff_from_mean",
        parameters=OfState,
        compute=classic.state_diff_from_mean,
        rests_on=classic.difference_rests_on,
        help="global mean minus one location's mean",
        estimates="the means of global_mean and state_mean; positive where the location is below",
        columns=classic.DIFFERENCES,
        example=_UTAH,
        example_rows=(("Utah", -2.362145428365731, 34.63333333333333, 32.271187904967604, 42, 1),),
        method_version=1,
        charts=("means",),
    ),
    Statistic(
        name="mean_by_category",
        parameters=OfQuestion,
        compute=classic.mean_by_category,
        rests_on=classic.rests_on,
        help="mean by location, category and stratum, in the order of their names",
        estimates="the rows of each group over years; rows without a category are in none",
        entries_read=classic.groups_read,
        columns=classic.MEANS_OF_GROUPS,
        example=_OBESITY,
        example_rows=(
            ("Alabama", "Age (years)", "18 - 24", 18.9, 2, 0),
            ("Alabama", "Age (years)", "25 - 34", 29.0, 2, 0),
        ),
        method_version=1,
    ),
    Statistic(
        name="state_mean_by_category",
        parameters=OfState,
        compute=classic.state_mean_by_category,
        rests_on=classic.rests_on,
        help="mean by category and stratum of one location, in the order of their names",
        estimates="the location's rows of each group over years; rows without a category are in none",
        columns=classic.MEANS_OF_GROUPS,
        example=_UTAH,
        example_rows=(("Utah", "Age (years)", "18 - 24", 22.35, 2, 0), ("Utah", "Age (years)", "25 - 34", 34.4, 1, 0)),
        method_version=1,
        charts=("means",),
    ),
    Statistic(
        name="summary",
        parameters=Summary,
        compute=summary.summary,
        rests_on=summary.rests_on,
        help="count, mean, standard deviation, least, most and quantiles of the rows, grouped and filtered as asked",
        estimates="how the published values are spread, not how people are: each row of a group counts once; with one "
        "stratum and one period in each group these are the published numbers themselves",
        columns=summary.columns_for(Summary(question="")),
        columns_for=summary.columns_for,
        example={
            **_OBESITY,
            "by": ["location"],
            "category": ["Total"],
            "quantiles": [0.25, 0.5, 0.75],
            "order": ["-mean"],
            "limit": 3,
        },
        example_rows=(
            ("Maine", 13, 37.53846153846154, 2.110504861219412, 35.0, 41.6, 35.9, 37.6, 38.9, 0),
            ("Washington", 13, 36.684615384615384, 1.8586940549061832, 33.5, 40.1, 36.1, 36.7, 37.2, 0),
        ),
        method_version=1,
        entries_read=summary.entries_read,
    ),
    Statistic(
        name="estimate",
        parameters=estimate.Estimate,
        compute=estimate.estimate,
        rests_on=estimate.rests_on,
        help="estimate by location, with its standard error and 95 % interval",
        estimates="the percent (or other value) of the population of each location, of one year or pooled over several",
        columns=estimate.COLUMNS,
        columns_for=estimate.columns_for,
        example={**_OBESITY, "years": "2018..2022"},
        example_rows=(
            ("Alabama", 29.9, 0.38381132341620866, 29.153211082703823, 30.657640621890575, 5, 0, 25263, "", None),
        ),
        method_version=1,
        charts=("estimates", "trend", "groups", "map", "point_map"),
        refuse=estimate.refuse,
    ),
    Statistic(
        name="comparison",
        parameters=comparison.Comparison,
        compute=comparison.comparison,
        rests_on=comparison.rests_on,
        help="each location with a reference: difference, ratio, and whether they can be told apart",
        estimates="how much higher a location's population value is than that of the reference, in the same years",
        columns=comparison.COLUMNS,
        example={**_OBESITY, "reference": "National"},
        example_rows=(
            (
                *("Alabama", 30.9, 29.2, 32.8, "National", 33.1, -2.2, -3.98187984357335, -0.36071730830251725, None),
                *(0.9335347432024165, 0.8797777561921777, 0.9890867388560313),
                *(0.019405198177064667, 0.38810396354129334, "no clear difference", 4537, ""),
            ),
        ),
        method_version=1,
        charts=("comparison", "verdict_map", "map"),
        refuse=comparison.refuse,
    ),
    Statistic(
        name="ranking",
        parameters=ranking.Ranking,
        compute=ranking.ranking,
        rests_on=of_estimates,
        help="locations best first, with the ranks that each may have and what it cannot be told apart from",
        estimates="the order of the locations' population values, as far as chance lets it be seen",
        columns=ranking.COLUMNS,
        example=_OBESITY,
        example_rows=(
            (
                *(1, "West Virginia", 24.7, 23.4, 26.1, 1, 6, 1, 7),
                *(5, "Wyoming; South Carolina; Nevada; Missouri; Guam", 1.3215, 0.99975, 1, 3, 5157, ""),
                *("National", 33.1, 32.9, 33.3),
            ),
        ),
        method_version=2,
        charts=("ranking", "estimates", "map"),
        refuse=ranking.refuse,
    ),
    Statistic(
        name="change",
        parameters=change.Change,
        compute=change.change,
        rests_on=change.rests_on,
        help="how each location changed between two years, or pools of years, and whether as the reference did",
        estimates="how much a location's population value rose or fell from the earlier years to the later ones",
        columns=change.COLUMNS,
        example={**_OBESITY, "since": "2013", "years": "2023", "reference": "National"},
        example_rows=(
            (
                *("Alabama", 28.0, 30.9, 2.9, 0.31249738207838496, 5.474273311706769),
                *(0.028086104620286996, 1.0, "no clear change", -1.4, -4.004136109064216, 1.1910104946149636),
                *(0.2901993974054148, 1.0),
            ),
        ),
        method_version=1,
        charts=("comparison",),
        refuse=change.refuse,
    ),
    Statistic(
        name="target",
        parameters=target.Target,
        compute=target.target,
        rests_on=of_estimates,
        help="each location against a fixed value, such as a target of Healthy People",
        estimates="how far a location's population value is from the target",
        columns=target.COLUMNS,
        example={**_OBESITY, "target": 36.0},
        example_rows=(
            (
                *("Alabama", 30.9, 29.2, 32.8, 36.0, -5.1, -6.869677111633084, -3.2724616988603614),
                *(9.4721286967087e-08, 3.3152450438480452e-06, "better", 4537, ""),
            ),
        ),
        method_version=1,
        charts=("comparison", "verdict_map", "map"),
        refuse=target.refuse,
    ),
    Statistic(
        name="trend",
        parameters=trend.Trend,
        compute=trend.trend,
        rests_on=trend.rests_on,
        help="whether each location's values rise or fall over its years, with a test of the straight line",
        estimates="the change a year of a location's population value along a straight line",
        columns=trend.COLUMNS,
        example={**_OBESITY, "years": "all"},
        example_rows=(
            (
                *("Alabama", 2011, 2023, 13, 0.41319696229592906, 0.2856774016206303, 0.5407165229712279),
                *(1.3792124560000644e-05, 0.0004965164841600232, "rising"),
                *(1.4645486933727971, 1.00812787282722, 1.9230319218633047, None, None, None),
                *(
                    0.7387749314548487,
                    0.7019271292171032,
                    "a straight line will do",
                    1.346582943805166e-05,
                    0.35749999999999993,
                ),
            ),
        ),
        method_version=2,  # from 2 on the years of a percent are weighed by standard errors at their mean
        charts=("comparison",),
        refuse=trend.refuse,
    ),
    Statistic(
        name="disparity",
        parameters=disparity.Disparity,
        compute=disparity.disparity,
        help="the groups of a category beside a named one: differences, and how far the groups lie apart",
        estimates="how much higher a group's population value is than that of the reference group in the same location",
        columns=disparity.COLUMNS,
        example={**_OBESITY, "category": "Gender", "reference_stratum": "Male"},
        example_rows=(
            (
                *("Alabama", "Female", 30.6, 28.5, 32.9, "Male", 28.5, 2.1000000000000014),
                *(-1.7592152902747977, 5.844997474901634, 7.36842105263158, -5.635188323412931),
                *(22.492592991546466, 0.2831086969442721, 1.0, "no clear difference", 2.1000000000000014),
                *(1.7939746681142363, -1.7592152900393567, 5.844997474679873, 0.279219155226444, 1.0),
                *(2651, ""),
            ),
        ),
        method_version=1,
        charts=("disparity",),
        refuse=disparity.refuse,
        rests_on=disparity.rests_on,
    ),
    Statistic(
        name="gap_ranking",
        parameters=gap_ranking.GapRanking,
        compute=gap_ranking.gap_ranking,
        help="locations by the gap between two groups, with the ranks that each may have, and how the gap changed",
        estimates="the order of the locations by the difference of two groups' population values, as far as it is sure",
        columns=gap_ranking.COLUMNS,
        example={
            **_OBESITY,
            "category": "Gender",
            "stratum": "Female",
            "reference_stratum": "Male",
            "locations": ["Ohio", "Utah"],
        },
        example_rows=(
            (
                *(1, "Utah", 36.4, 35.4, 1.0, -1.7100370700666119, 3.67570605627097, 0.4679284938305729),
                *(0.9358569876611458, 1, 2, 1, 2, 1, "Ohio", None, None, None, None, None, None, None),
                *(9161, ""),
            ),
        ),
        method_version=1,
        charts=("ranking",),
        refuse=gap_ranking.refuse,
        rests_on=gap_ranking.rests_on,
    ),
    Statistic(
        name="association",
        parameters=association.Association,
        compute=association.association,
        rests_on=association.rests_on,
        help="whether two questions go together across locations: Pearson and Spearman with intervals",
        estimates="the correlation of two population values across locations; of locations, not of people",
        columns=association.COLUMNS,
        columns_for=association.columns_for,
        example={**_OBESITY, "other": "Percent of adults who engage in no leisure-time physical activity"},
        example_rows=(
            (
                *("Pearson", 54, 0.39122831125697144, 0.13791512685642707, 0.5965019947673875),
                *(0.0031655031640508164, 0.006331006328101633, 0.4184084508062369),
            ),
        ),
        method_version=1,
        charts=("scatter",),
        refuse=association.refuse,
    ),
    Statistic(
        name="detectable",
        parameters=detectable.Detectable,
        compute=detectable.detectable,
        rests_on=detectable.rests_on,
        help="how large a difference from the reference would have to be for a comparison to find it",
        estimates="the least true difference that a survey of this size finds as often as asked for, approximately",
        columns=detectable.COLUMNS,
        example={**_OBESITY, "reference": "National"},
        example_rows=(
            (
                "Alabama",
                30.9,
                0.9179792189030623,
                "National",
                0.10604826396812252,
                2.588901350410211,
                3.8384055489379345,
                4537,
                "",
            ),
        ),
        method_version=1,
        refuse=detectable.refuse,
    ),
    Statistic(
        name="distribution",
        parameters=distribution.Distribution,
        compute=distribution.distribution,
        rests_on=distribution.rests_on,
        help="how the locations' values are spread, how much of that is real, and which lie far out",
        estimates="the spread of the locations' population values, and of their estimates, which is wider by chance",
        columns=distribution.COLUMNS,
        columns_for=distribution.columns_for,
        example=_OBESITY,
        example_rows=(
            (
                *("Alabama", 30.9, 29.2, 32.8, -2.05, -0.6011847826086962),
                *(0.028193855868641315, 0.535683261504185, "", 4537, ""),
            ),
        ),
        method_version=1,
        charts=("spread", "estimates", "map"),
        refuse=distribution.refuse,
    ),
    Statistic(
        name="sensitivity",
        parameters=sensitivity.Sensitivity,
        compute=sensitivity.sensitivity,
        rests_on=sensitivity.rests_on,
        help="the ranking under every method that the table allows, side by side",
        estimates="nothing of a population: how far the order of the estimates depends on how the question is put",
        columns=sensitivity.COLUMNS,
        columns_for=sensitivity.columns_for,
        example=_OBESITY,
        example_rows=(
            ("West Virginia", 1, 1, 1, 1, 1, 1, 1, 1, 0),
            ("Wyoming", 2, 2, 2, 2, 2, 2, 2, 2, 0),
            ("South Carolina", 3, 3, 4, 4, 4, 3, 3, 4, 1),
        ),
        method_version=1,
        charts=("slopes",),
        refuse=sensitivity.refuse,
    ),
    Statistic(
        name="standardised",
        parameters=standardised.Standardised,
        compute=standardised.standardised,
        rests_on=standardised.rests_on,
        help="each location's value if its strata, such as age groups, had the shares of a standard population",
        estimates="a value for comparing locations with unlike mixes of people; that of no population anywhere",
        columns=standardised.COLUMNS,
        example={**_OBESITY, "category": "Age (years)", "standard": ["us_2000"]},
        example_rows=(
            (
                *("Alabama", 30.254132675336397, 1.04534357564304, 28.245387620498434, 32.3413461138217),
                *(6, 0, 4535, ""),
            ),
        ),
        method_version=1,
        charts=("estimates", "map"),
        refuse=standardised.refuse,
    ),
)

STATISTICS: Mapping[str, Statistic] = {row.name: row for row in _ROWS}
