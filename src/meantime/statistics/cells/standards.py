"""Standard populations of a request: the weights that it names, and the category whose groups they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from meantime.dataset.cube import Cube
from meantime.dataset.facts.standard_populations import built_in_populations
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.standard_population import StandardPopulation
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem
from meantime.statistics.cells.cell_parameters import CellParameters, WithReference, check_form
from meantime.statistics.cells.default_groups import every_pair, is_group_of_people, strata_by_category
from meantime.statistics.cells.draft import Draft
from meantime.statistics.cells.refusals import groups_to_choose, raise_problems
from meantime.statistics.cells.standardized_groups import StandardWeights
from meantime.text import listed, quoted

Populations = Mapping[str, StandardPopulation]  # by name


def populations_of(snapshot: Snapshot) -> Populations:
    """Return the standard populations that a request can name: the built-in ones, and those that the table declares."""
    return {**built_in_populations(), **{each.name: each for each in snapshot.about.standards}}


def weights_of(standard: Sequence[str], known: Populations | None) -> tuple[dict[str, float], list[Problem]]:
    """Return the weight of each stratum, and what is wrong with them.

    Without populations, as long as the table is not read, any name may be one that it declares.
    """
    if len(standard) == 1 and "=" not in standard[0]:
        return _named(standard[0], known)
    weights: dict[str, float] = {}
    problems: list[Problem] = []
    for index, text in enumerate(standard):
        stratum, equals, number = text.rpartition("=")
        weight = _weight(number)
        pointer = f"/standard/{index}"
        if not equals or weight is None:
            detail = f'{quoted(text)} must have the form "stratum=weight", with a weight of 0 or more.'
            problems.append(Problem(pointer=pointer, code="type", detail=detail))
        elif stratum in weights:
            detail = f"The stratum {quoted(stratum)} is listed twice."
            problems.append(Problem(pointer=pointer, code="contradiction", detail=detail))
        else:
            weights[stratum] = weight
    if not problems and not sum(weights.values()) > 0:
        problems.append(
            Problem(pointer="/standard", code="contradiction", detail="All weights are 0. At least one must be larger.")
        )
    return weights, problems


def _named(name: str, known: Populations | None) -> tuple[dict[str, float], list[Problem]]:
    if known is None:
        return {}, []
    if name in known:
        return known[name].weights, []
    near = closest(name, tuple(known))
    detail = (
        f"There is no standard population {quoted(name)}. {suggestion(near)}There are: {', '.join(known)}; or give "
        'each stratum its weight, as in "Female=51".'
    )
    return {}, [Problem(pointer="/standard/0", code="unknown", detail=detail, closest=near)]


def _weight(text: str) -> float | None:
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if isfinite(weight) and weight >= 0 else None


def weights_for(standard: Sequence[str], strata: Sequence[str], known: Populations) -> dict[str, float]:
    """Return the weights; those of a population that is named put together to the strata of a table."""
    named = known.get(standard[0])
    return weights_of(standard, known)[0] if named is None else named.weights_of(strata)


def unlike(strata: Sequence[str], weights: Mapping[str, float], category: str) -> Iterator[Problem]:
    """Say which strata have no weight, and which weights have no stratum: neither is guessed."""
    without = [stratum for stratum in strata if stratum not in weights]
    if without:
        detail = (
            f"The standard has no weight for {', '.join(map(quoted, without))} of {quoted(category)}. A "
            "weight of 0 leaves a stratum out."
        )
        yield Problem(pointer="/standard", code="missing", detail=detail)
    unknown = [stratum for stratum in weights if stratum not in strata]
    if unknown:
        detail = (
            f"{quoted(category)} has no group {', '.join(map(quoted, unknown))}. It has: "
            f"{', '.join(map(quoted, strata))}."
        )
        yield Problem(pointer="/standard", code="unknown", detail=detail, closest=closest(unknown[0], strata))


def weights_note(category: str, weights: Mapping[str, float]) -> str:
    """Say what share each stratum has."""
    total = sum(weights.values())
    shares = ", ".join(f"{stratum} {weight / total:.3f}" for stratum, weight in weights.items())
    return f"Weights of the strata of {quoted(category)}: {shares}."


def source_note(standard: Sequence[str], known: Populations) -> str:
    """Name a population with its source; "" for weights that the request lists."""
    named = known.get(standard[0])
    return "" if named is None else f"Standard: {named.title} ({named.source})."


def standard_of(parameters: CellParameters) -> tuple[str, ...]:
    """Return the standard population that values are standardized to; empty where they are not, or cannot be."""
    standard: tuple[str, ...] = getattr(parameters, "standard", ())
    return standard


def check_standardized(parameters: CellParameters) -> tuple[Problem, ...]:
    """Return what is wrong with a request regardless of the data, the standard population included."""
    return (*check_form(parameters), *_wrong_standard(parameters, None))


def _wrong_standard(parameters: CellParameters, known: Populations | None) -> Iterator[Problem]:
    standard = standard_of(parameters)
    if not standard:
        return
    if parameters.basis not in (None, "stratum"):
        detail = 'Standardized values are made of strata, so the only basis is "stratum". Remove the basis.'
        yield Problem(pointer="/basis", code="contradiction", detail=detail)
    if parameters.stratum is not None:
        detail = "A standard weights all strata of a category, so it excludes a stratum. Remove one of them."
        yield Problem(pointer="/stratum", code="contradiction", detail=detail)
    if isinstance(parameters, WithReference) and parameters.shares != "none":
        detail = (
            "The population shares of the geography are those of all residents, and may be others in the groups of a "
            'standard. Use shares "none".'
        )
        yield Problem(pointer="/shares", code="contradiction", detail=detail)
    yield from weights_of(standard, known)[1]


def chosen_standard(draft: Draft) -> StandardWeights:
    """Return the standard of a request, with the category whose groups are the standard's.

    Raises:
        RequestInvalid: there is no such category, or there are several and none is named.
    """
    known = populations_of(draft.snapshot)
    raise_problems(tuple(_wrong_standard(draft.parameters, known)))
    standard = standard_of(draft.parameters)
    groups = groups_to_weight(draft.cube, draft.question)
    category = draft.parameters.category
    if category is None:
        fitting = [name for name, strata in groups.items() if fits(standard, strata, known)]
        if len(fitting) != 1:
            draft.refuse("/category", *no_one_category(fitting, groups))
            raise_problems(draft.problems)
        [category] = fitting
    strata = groups.get(category, [])
    weights = weights_for(standard, strata, known)
    raise_problems(tuple(unlike(strata, weights, category)))
    used = {stratum: weight for stratum, weight in weights.items() if weight > 0}
    total = sum(used.values())
    return StandardWeights(
        category=category,
        shares={stratum: weight / total for stratum, weight in used.items()},
        notes=(
            weights_note(category, used),
            *filter(None, (source_note(standard, known),)),
            "A standardized value is for comparing locations or years that have other mixes of people. It is the value "
            "of no population that lives anywhere.",
        ),
    )


def groups_to_weight(cube: Cube, question: int) -> dict[str, list[str]]:
    """Return the groups of people of a question by category, whether they have values or not."""
    by_category = strata_by_category(cube, every_pair(cube, question))
    return {category: sorted(filter(is_group_of_people, strata)) for category, strata in by_category.items()}


def fits(standard: Sequence[str], strata: Sequence[str], known: Populations) -> bool:
    """Whether a standard has a weight for exactly these groups."""
    return set(weights_for(standard, strata, known)) == set(strata)


def no_one_category(fitting: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return the code and the detail of the problem that a standard fits no category, or several."""
    if fitting:
        names = listed(map(quoted, fitting))
        return "mixed", f"Several categories have the groups of the standard: {names}. Choose one as category."
    return "absent", f"No category of the question has the groups of the standard. {groups_to_choose(groups)}"
