"""What every honest statistic is asked with: of which cells, from which years, with which standard errors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from meantime.errors import Problem
from meantime.statistics.cells.periods import SYNTAX, parse
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.reliability import Standard
from meantime.statistics.methods.standard_errors import DESIGN_EFFECT
from meantime.statistics.parameters import CategoryName, QuestionText, StratumName

# As many as fit into an address.
_MOST_LOCATIONS = 1_000

Basis = Literal["total", "stratum", "all_rows"]
IntervalScale = Literal["auto", "logit", "log", "linear"]


class CellParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The common ground of what is asked."""

    question: QuestionText
    years: Annotated[
        int | str,
        msgspec.Meta(
            description=f'Years: {SYNTAX}. "latest" is the last year that nine in ten of the locations have. Several '
            "years are pooled, and a location that lacks one of them is left out by name.",
            examples=["latest", "2018..2022", 2019],
        ),
    ] = "latest"
    locations: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            max_length=_MOST_LOCATIONS,
            description='Locations by name, or one word: "all", or a set that the geography of the table has, such as '
            '"states".',
            examples=[["all"], ["states"], ["Utah", "Ohio"]],
        ),
    ] = ("all",)
    basis: Annotated[
        Basis | None,
        msgspec.Meta(
            description='What a value is of: "total" (everybody), "stratum" (the group that category and stratum '
            'name), "all_rows" (the mean of the rows as they come, without any standard error). Null: the stratum '
            "where one is named, else the total where the table has one.",
            examples=["total", "stratum"],
        ),
    ] = None
    category: Annotated[
        CategoryName | None,
        msgspec.Meta(description="The category of the stratum.", examples=["Sex"]),
    ] = None
    stratum: Annotated[
        StratumName | None,
        msgspec.Meta(description="A group within the category.", examples=["Female"]),
    ] = None
    value_type: Annotated[
        str | None,
        msgspec.Meta(
            description="The type of value, as in the file, where the question has several. They are never mixed.",
            examples=["Crude Prevalence"],
        ),
    ] = None
    weights: Annotated[
        Weights,
        msgspec.Meta(
            description="How much each of several years counts. Equal weights give every location the same mix of "
            "years.",
            examples=["equal"],
        ),
    ] = Weights.EQUAL
    interval_scale: Annotated[
        IntervalScale,
        msgspec.Meta(
            description="The scale on which intervals are symmetrical: logit or linear for percents, log or linear for "
            "anything else. auto takes the one on which the question's published limits are more so, and says which.",
            examples=["auto"],
        ),
    ] = "auto"
    design_effect: Annotated[
        float,
        msgspec.Meta(
            ge=0.1,
            le=100,
            description="How much larger variances are than those of simple random samples; used only where the table "
            "has respondents and no limits.",
            examples=[2.0],
        ),
    ] = DESIGN_EFFECT
    reliability: Annotated[
        Standard,
        msgspec.Meta(description="Whose rules flag what is not to be leaned on.", examples=["brfss"]),
    ] = Standard.BRFSS

    def __post_init__(self) -> None:
        """Write equal requests in one way: they are then one answer, and one entry of every cache."""
        msgspec.structs.force_setattr(self, "locations", tuple(dict.fromkeys(self.locations)) or ("all",))
        msgspec.structs.force_setattr(self, "years", str(self.years).replace(" ", "").casefold())


class WithAdjustment(CellParameters, frozen=True, kw_only=True):
    """What statistics with p-values are asked with."""

    adjust: Annotated[
        Adjustment,
        msgspec.Meta(
            description="How p-values are adjusted for their number: holm bounds the chance of any false difference, "
            "benjamini_hochberg the share of false ones.",
            examples=["holm"],
        ),
    ] = Adjustment.HOLM


class WithReference(WithAdjustment, frozen=True, kw_only=True):
    """What statistics are asked with that compare locations with one that may contain them."""

    shares: Annotated[
        Literal["none", "geography"],
        msgspec.Meta(
            description="Population shares, for a reference that contains the location: none (conservative), or those "
            "of the geography of the table.",
            examples=["none"],
        ),
    ] = "none"
    contains: Annotated[
        bool | None,
        msgspec.Meta(
            description="Whether the reference contains the locations. Null: recognised where its respondents are "
            "exactly the sum of theirs.",
            examples=[True],
        ),
    ] = None


def check_form(parameters: CellParameters) -> tuple[Problem, ...]:
    """Say what is wrong with a request, as far as it can be said without the data: of the years, their form."""
    if parse(str(parameters.years)) is not None:
        return ()
    return (Problem(pointer="/years", code="type", detail=f'"years" must be {SYNTAX}.'),)
