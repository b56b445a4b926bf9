"""Parameters that statistics of published estimates share: which cells, which years, which standard errors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from meantime.errors import Problem
from meantime.statistics.cells.periods import SYNTAX, parse
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.reliability import Standard
from meantime.statistics.methods.standard_errors import DESIGN_EFFECT
from meantime.statistics.parameters import CategoryName, QuestionText, StratumName, Year

# As many as fit into an address.
_MOST_LOCATIONS = 1_000

Basis = Literal["total", "stratum", "all_rows"]
IntervalScale = Literal["auto", "logit", "log", "linear"]


# More strata than any table has; a longer list is a mistake.
MOST_STRATA = 200

StandardPopulation = Annotated[
    tuple[str, ...],
    msgspec.Meta(
        max_length=MOST_STRATA,
        description="A standard population, to compare values as if all had its mix of people: the name of a built-in "
        "one (us_2000, european_2013, who_2000_2025) or of one that the data set declares, or a weight for each "
        'stratum, written "stratum=weight". Each value is then the weighted sum of the '
        "strata of a category; by default of the one whose groups are the standard's, such as age. Default: values "
        "as published.",
        examples=[["us_2000"], ["Female=51", "Male=49"]],
    ),
]


class CellParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters that select cells; every statistic of published estimates has them."""

    question: QuestionText
    years: Annotated[
        Year | str,
        msgspec.Meta(
            description=f'Years: {SYNTAX}. "latest" is the last year that nine in ten of the locations have. Several '
            "years are pooled; a location without a value in one of them is left out, and named.",
            examples=["latest", "2018..2022", 2019],
        ),
    ] = "latest"
    locations: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            max_length=_MOST_LOCATIONS,
            description='Locations by name, or one word: "all", or a set of locations that the geography defines, '
            'such as "states".',
            examples=[["all"], ["states"], ["Utah", "Ohio"]],
        ),
    ] = ("all",)
    basis: Annotated[
        Basis | None,
        msgspec.Meta(
            description='Which people a value describes: "total" (everyone), "stratum" (the group that category and '
            'stratum name), or "all_rows" (the mean of all rows, without a standard error). Default: the'
            " stratum if one is named, else the total if the table has one.",
            examples=["total", "stratum"],
        ),
    ] = None
    category: Annotated[
        CategoryName | None,
        msgspec.Meta(description="The category that the stratum belongs to.", examples=["Sex"]),
    ] = None
    stratum: Annotated[
        StratumName | None,
        msgspec.Meta(description="A group within the category.", examples=["Female"]),
    ] = None
    value_type: Annotated[
        str | None,
        msgspec.Meta(
            description="The type of value, as in the file. Needed where the question has several types, which are "
            "never mixed.",
            examples=["Crude Prevalence"],
        ),
    ] = None
    weights: Annotated[
        Weights,
        msgspec.Meta(
            description="How much each of several years counts. With equal weights every location has the same mix "
            "of years.",
            examples=["equal"],
        ),
    ] = Weights.EQUAL
    interval_scale: Annotated[
        IntervalScale,
        msgspec.Meta(
            description="The scale on which confidence intervals are symmetric: logit or linear for percents, log or "
            "linear for other values. With auto it is the scale on which the question's published limits are closer to "
            "symmetric; a note names it.",
            examples=["auto"],
        ),
    ] = "auto"
    design_effect: Annotated[
        float,
        msgspec.Meta(
            ge=0.1,
            le=100,
            description="How much larger variances are than those of a simple random sample. Used only where the "
            "table has sample sizes and no confidence limits.",
            examples=[2.0],
        ),
    ] = DESIGN_EFFECT
    reliability: Annotated[
        Standard,
        msgspec.Meta(description="Which agency's reliability rules to apply.", examples=["brfss"]),
    ] = Standard.BRFSS

    def __post_init__(self) -> None:
        """Write equal requests in one way, so that they share an answer and a cache entry."""
        msgspec.structs.force_setattr(self, "locations", tuple(dict.fromkeys(self.locations)) or ("all",))
        msgspec.structs.force_setattr(self, "years", str(self.years).replace(" ", "").casefold())


class WithAdjustment(CellParameters, frozen=True, kw_only=True):
    """Parameters of statistics with p-values."""

    adjust: Annotated[
        Adjustment,
        msgspec.Meta(
            description="How p-values are adjusted for multiple testing: holm limits the probability of any false "
            "positive, benjamini_hochberg the expected share of false positives.",
            examples=["holm"],
        ),
    ] = Adjustment.HOLM


class WithReference(WithAdjustment, frozen=True, kw_only=True):
    """Parameters of statistics that compare locations with one that may contain them."""

    shares: Annotated[
        Literal["none", "geography"],
        msgspec.Meta(
            description="Population shares, for a reference that contains the locations: none (conservative), or "
            "those that the geography has.",
            examples=["none"],
        ),
    ] = "none"
    contains: Annotated[
        bool | None,
        msgspec.Meta(
            description="Whether the reference contains the locations. Default: yes if its number of respondents is "
            "exactly the sum of theirs.",
            examples=[True],
        ),
    ] = None


def check_form(parameters: CellParameters) -> tuple[Problem, ...]:
    """Return what is wrong with a request regardless of the data: the form of the years."""
    if parse(str(parameters.years)) is not None:
        return ()
    return (Problem(pointer="/years", code="type", detail=f'"years" must be {SYNTAX}.'),)
