"""``standardised``: what each location's value would be if its strata had the shares of a standard population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.dataset.facts.titles import Title
from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem, RequestInvalid
from meantime.model import Work
from meantime.statistics import columns as shared
from meantime.statistics.cells.cell_parameters import MOST_STRATA, CellParameters, check_form
from meantime.statistics.cells.pooled import Pooled, missing_reason, pool_periods
from meantime.statistics.cells.provenance import VALUE, Part, Provenance, groups_of, of_all
from meantime.statistics.cells.refusals import raise_problems, refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import LeftOut, Selection, no_value
from meantime.statistics.cells.standards import (
    Populations,
    fits,
    groups_to_weight,
    no_one_category,
    populations_of,
    source_note,
    unlike,
    weights_for,
    weights_note,
    weights_of,
)
from meantime.statistics.cost import Cost
from meantime.statistics.explain.estimates import LIMITS_ARE_95, come_from_limits
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.explain.programs import Uncertain
from meantime.statistics.methods.reliability import Flags, flags
from meantime.statistics.methods.standard_errors import limits
from meantime.statistics.methods.standardisation import standardised as standardised_values
from meantime.statistics.parameters import CategoryName
from meantime.statistics.result_tables import (
    ESTIMATE,
    FLAGS,
    HIGH,
    LOW,
    RESPONDENTS,
    SE,
    flag_texts,
    integers,
    numbers,
    table,
)
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words import defaults as words
from meantime.statistics.words.extremes import ReferenceValue, estimate_sentence, range_sentence
from meantime.table import Cell, Column, Kind, Table
from meantime.text import number, quoted


class Standardised(CellParameters, frozen=True, kw_only=True):
    """Parameters of ``standardised``."""

    category: Annotated[
        CategoryName | None,
        msgspec.Meta(
            description="The category whose strata are weighted by the standard population. Default: the first one, by "
            "name, whose groups are the standard's.",
            examples=["Age (years)"],
        ),
    ] = None
    standard: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            max_length=MOST_STRATA,
            description="The standard population: the name of a built-in one (us_2000, european_2013, who_2000_2025) "
            "or of one that the data set declares, or a weight for each stratum, written "
            '"stratum=weight". Weights need not add up to anything; a stratum of weight 0 is left out. Default: '
            "us_2000 if a category has its groups; otherwise the first that fits, of those that the data set declares "
            "and the built-in ones.",
            examples=[["us_2000"], ["Female=51", "Male=49"]],
        ),
    ] = ()


COLUMNS = (
    shared.LOCATION,
    ESTIMATE,
    SE,
    LOW,
    HIGH,
    Column(name="strata", kind=Kind.INTEGER, meaning="strata that the estimate is made of"),
    Column(name="flagged_strata", kind=Kind.INTEGER, meaning="those of them that have a flag of their own"),
    RESPONDENTS,
    FLAGS,
)

# The standard of age adjustment in health statistics of the United States, whose tables these statistics are made for.
_USUAL = "us_2000"
_FOR_COMPARING = (
    "A standardized value serves to compare locations with different mixes of people. It describes the population of "
    "no location."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strata:
    """One estimate a location and stratum, NaN where there is none; strata in the order of the weights."""

    strata: Pooled  # of those that have a weight, in whatever location
    groups: Selection  # any group of each location, for its name
    weights: Mapping[str, float]
    value: Doubles
    se: Doubles
    respondents: Doubles
    flagged: Integers
    left_out: tuple[LeftOut, ...]
    no_groups: tuple[str, ...]  # strata of the category that nobody can be weighted by
    category: str
    standard: tuple[str, ...]


def standardised(prepared: Prepared[Standardised, _Strata], work: Work) -> Table:
    """Weight the strata of each location as the standard does, in the order of the names; tied ones are too.

    A location that lacks a stratum, or of which one is withheld, is left out by name, for the standard has people in
    it:

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = Standardised(question=survey_example.SOUP, category="Sex", standard=("Female=3", "Male=1"))
    >>> table = STATISTIC.answer(survey_example.snapshot(), parameters)
    >>> for row in zip(*(table.column(name) for name in ("location", "estimate", "se", "low", "high"))):
    ...     print(*(round(cell, 2) if isinstance(cell, float) else cell for cell in row))
    Avalon 19.45 0.81 17.92 21.08
    Borduria 26.8 0.81 25.25 28.41

    18.0 and 23.8 are Avalon's: 0.75 * 18.0 + 0.25 * 23.8 = 19.45.

    >>> table.notes[-2]
    'Weights of the strata of "Sex": Female 0.750, Male 0.250.'
    """
    found = prepared.data
    weights = np.array(list(found.weights.values()))
    value, se = standardised_values(found.value, found.se, weights)
    low, high = limits(value, se, scale=found.groups.scale)
    work.check()
    respondents = found.respondents.sum(axis=1)
    data: list[list[Cell]] = [
        list(found.groups.names),
        numbers(value),
        numbers(se),
        numbers(low),
        numbers(high),
        [len(weights)] * len(value),
        found.flagged.tolist(),
        integers(respondents),
        flag_texts(_flags(found.groups, value, se, low, high, respondents)),
    ]
    return table(
        found.groups,
        COLUMNS,
        data,
        left_out=found.left_out,
        notes=[
            weights_note(found.category, found.weights),
            source_note(found.standard, populations_of(prepared.snapshot)),
            _no_groups_note(found),
            _FOR_COMPARING,
        ],
        findings=[_finding(found, value, low, high)],
    )


def cost(prepared: Prepared[Standardised, _Strata]) -> Cost:
    """State what standardized values cost: the cells of all strata."""
    found = prepared.data
    return Cost(cells=found.strata.selection.cells_read, **prepared.answer_cost(len(found.groups)))


def rests_on(prepared: Prepared[Standardised, _Strata], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what an estimate rests on: the cells of its strata, with the weights of the standard."""
    found, weights = prepared.data.strata, prepared.data.weights
    if row is None:
        return Provenance(number=None, parts=(of_all(found.selection),))
    found = found[groups_of(found.groups, row)]
    total = sum(weights.values())
    share = np.array([weights[stratum] / total for _, stratum in found.groups.stratum_names])
    return Provenance(
        number="estimate", parts=(Part(VALUE, found.groups.cell.ravel(), (share[:, None] * found.weights).ravel()),)
    )


def prepare(snapshot: Snapshot, parameters: Standardised) -> _Strata:
    """Select the cells of the strata that have a weight, and pool their years."""
    known = populations_of(snapshot)
    raise_problems(_wrong_form(parameters, known))
    category, standard, by_default = _named_or_default(snapshot, parameters, known)
    chosen = select(snapshot, msgspec.structs.replace(parameters, category=category), by_stratum=True)
    chosen = replace(chosen, by_default=by_default)
    groups = zip(chosen.stratum_names, chosen.is_group.tolist(), strict=True)
    there = sorted({stratum for (_, stratum), is_group in groups if is_group})
    weights = weights_for(standard, there, known)
    raise_problems(tuple(unlike(there, weights, category)))
    used = {stratum: weight for stratum, weight in weights.items() if weight > 0}
    is_used = np.array([stratum in used for _, stratum in chosen.stratum_names], dtype=bool)
    no_groups = {stratum for _, stratum in chosen[~chosen.is_group].stratum_names}
    return _complete(chosen[is_used], used, tuple(sorted(no_groups)), category, standard)


def _named_or_default(
    snapshot: Snapshot, parameters: Standardised, known: Populations
) -> tuple[str, tuple[str, ...], str]:
    """Return category and standard, those that fit where the request names none; and which these are, in words."""
    groups = groups_to_weight(snapshot.cube, snapshot.cube.question_codes[parameters.question])
    category, standard = parameters.category, parameters.standard
    if category is not None and standard:
        return category, standard, ""
    # The usual one first, then those that the table declares for itself.
    own = [each.name for each in snapshot.about.standards]
    candidates = [standard] if standard else [(name,) for name in dict.fromkeys((_USUAL, *own, *known))]
    categories = list(groups) if category is None else [category]
    found = [(one, by) for one in candidates for by in categories if groups.get(by) and fits(one, groups[by], known)]
    if not found:
        raise _nothing_fits(parameters, groups)
    chosen, by = found[0]
    said = []
    if not standard:
        others = [name for (name,), other in found[1:] if other == by]
        said.append(words.default_standard(chosen[0], known[chosen[0]].title, others))
    if category is None:
        said.append(words.default_category(by, [other for one, other in found[1:] if one == chosen]))
    return by, chosen, " ".join(said)


def _nothing_fits(parameters: Standardised, groups: Mapping[str, Sequence[str]]) -> RequestInvalid:
    if parameters.category is None:
        code, detail = no_one_category([], groups)
        return refusal("/category", code, detail)
    detail = (
        f"No standard population has the groups of {quoted(parameters.category)}. Give each group its weight, as in "
        '"Female=51".'
    )
    return refusal("/standard", "missing", detail)


def check_standard(parameters: Standardised) -> Iterator[Problem]:
    """Return what is wrong with a request regardless of the data."""
    yield from _wrong_form(parameters, None)
    yield from check_form(parameters)


def _wrong_form(parameters: Standardised, known: Populations | None) -> Iterator[Problem]:
    if parameters.basis not in (None, "stratum"):
        detail = 'Standardized values are made of strata, so the only basis is "stratum". Remove the basis.'
        yield Problem(pointer="/basis", code="contradiction", detail=detail)
    if parameters.stratum is not None:
        detail = "All strata of the category are weighted. Remove the stratum."
        yield Problem(pointer="/stratum", code="contradiction", detail=detail)
    if parameters.standard:
        yield from weights_of(parameters.standard, known)[1]


# Strata of each location


def _complete(
    chosen: Selection,
    weights: Mapping[str, float],
    no_groups: tuple[str, ...],
    category: str,
    standard: tuple[str, ...],
) -> _Strata:
    """Pool the years of each stratum, and keep the locations that have all strata."""
    found = pool_periods(chosen)
    locations = np.unique(chosen.locations)
    strata = list(weights)
    row = np.searchsorted(locations, found.groups.locations)
    column = np.array([strata.index(stratum) for _, stratum in found.groups.stratum_names], dtype=np.int64)

    def grid(numbers: Doubles) -> Doubles:
        made = np.full((len(locations), len(strata)), np.nan)
        made[row, column] = numbers
        return made

    value = grid(found.value)
    is_complete = ~np.isnan(value).any(axis=1)
    first = np.searchsorted(chosen.locations, locations)  # groups are in the order of the locations
    groups = chosen[first]
    return _Strata(
        strata=found,
        groups=groups[is_complete],
        weights=weights,
        value=value[is_complete],
        se=grid(found.se)[is_complete],
        respondents=grid(found.respondents)[is_complete],
        flagged=np.asarray((grid(found.flags.astype(np.float64)) > 0).sum(axis=1), dtype=np.int64)[is_complete],
        left_out=(*chosen.left_out, *_incomplete(chosen, groups, value, strata)),
        no_groups=no_groups,
        category=category,
        standard=standard,
    )


def _incomplete(chosen: Selection, groups: Selection, value: Doubles, strata: Sequence[str]) -> Iterator[LeftOut]:
    """Say of each location that lacks a stratum which one, and why."""
    lacking = np.flatnonzero(np.isnan(chosen.value).any(axis=1)).tolist()
    groups_of_rows, names = chosen.stratum_names, chosen.names
    why = {
        (names[row], groups_of_rows[row][1]): missing_reason(chosen, row, group=groups_of_rows[row][1])
        for row in lacking
    }
    for name, values in zip(groups.names, value, strict=True):
        missing = [stratum for stratum, is_absent in zip(strata, np.isnan(values).tolist(), strict=True) if is_absent]
        if missing:
            yield LeftOut(name, why.get((name, missing[0]), no_value(chosen.years, missing[0])))


def _flags(of: Selection, value: Doubles, se: Doubles, low: Doubles, high: Doubles, respondents: Doubles) -> Flags:
    if not of.is_percent:
        return np.zeros(len(value), dtype=np.int8)
    return flags(value, se, low, high, respondents, standard=of.parameters.reliability)


def _no_groups_note(found: _Strata) -> str:
    if not found.no_groups:
        return ""
    return f"Not shown, since they are not groups of people: {', '.join(map(quoted, found.no_groups))}."


def _finding(found: _Strata, value: Doubles, low: Doubles, high: Doubles) -> str:
    """Say the estimate in words where it is one, else the range of the locations."""
    of = found.groups
    known = populations_of(of.snapshot).get(found.standard[0])
    to = f" to {known.title}" if known is not None else ""
    topic = f"{of.subject.title.among()}, standardized by {found.category}{to},"
    subject = replace(of.subject, title=Title(topic=topic), group="")
    if len(value) == 1:
        return estimate_sentence(subject, of.names[0], float(value[0]), float(low[0]), float(high[0]))
    places = ~of.is_aggregate
    if places.sum() < 2:
        return ""
    total = np.flatnonzero(~places).tolist()
    reference = ReferenceValue(of.names[total[0]], float(value[total[0]])) if len(total) == 1 else None
    return range_sentence(subject, of[places].names, value[places], reference=reference)


def explain(explanation: ExplanationBuilder[Standardised, _Strata]) -> None:
    """Explain the estimate of a location: the weighted sum of its strata."""
    [part] = explanation.provenance.parts
    value = explanation.known("estimate")
    text = f"{explanation.row['strata']} strata, each with its share of the standard population."
    explanation.step(text, number(value), estimate=value)
    explanation.assumptions += [LIMITS_ARE_95, "Strata are separate samples."]
    chosen = explanation.data.strata.selection
    own = chosen[np.isin(chosen.cell, part.cells).any(axis=1)]
    if come_from_limits(own):
        explanation.programs.uncertain(Uncertain(scale=chosen.scale, step=chosen.step))
        explanation.programs.take("own", part)
        explanation.programs.pooled("own", is_published=False)
        names = {"estimate": "own_value", "se": "own_se", "low": "own_low", "high": "own_high"}
        explanation.results |= {column: (name, name) for column, name in names.items()}
        return
    column = explanation.programs.column("value")
    explanation.programs.take("own", part)
    explanation.results["estimate"] = (
        f"(own['weight'] * number(own[{column}])).sum()",
        f"sum(own$weight * number(own[[{column}]]))",
    )
    explanation.leaves_out.append("Standard error and interval: not every cell has both limits published.")


STATISTIC = Statistic(
    name="standardised",
    order=230,
    parameters=Standardised,
    prepare=prepare,
    cost=cost,
    compute=standardised,
    rests_on=rests_on,
    explain=explain,
    check_form=check_standard,
    help="each location's value if its strata, such as age groups, had the shares of a standard population",
    estimates="a value for comparing locations whose people differ, in age for example; that of no real population",
    columns=COLUMNS,
    example={**EXAMPLE, "category": "Age (years)", "standard": ["us_2000"]},
    example_rows=(
        (
            *("Alabama", 30.254132675336397, 1.04534357564304, 28.245387620498434, 32.3413461138217),
            *(6, 0, 4535, ""),
        ),
    ),
    method_version=7,
    charts=("estimates", "map", "state_map"),
)
