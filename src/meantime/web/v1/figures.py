"""How a chart is to look, from the parameters of an address that begin with "chart."."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meantime.charts.figure import AS_IT_IS, MEANINGS, PREFIX, Figure, read_figure
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.text import quoted
from meantime.web.http.endpoint import Parameter

PARAMETERS = tuple(
    Parameter(
        name=f"{PREFIX}{field.name}",
        where="query",
        kind=field.type,
        description=f"{MEANINGS[field.name][0]} For vl.json, svg, png and pdf.",
        example=MEANINGS[field.name][1],
    )
    for field in msgspec.structs.fields(Figure)
)


def figure_of(texts_by_name: dict[str, list[str]], problems: list[Problem]) -> Figure:
    """Take the parameters of a chart's look out of a query, and add what is wrong with them to the problems."""
    names = [name for name in texts_by_name if name.startswith(PREFIX)]
    texts = {name.removeprefix(PREFIX): texts_by_name.pop(name) for name in names}
    try:
        return read_figure(texts)
    except RequestInvalid as invalid:
        problems += invalid.problems
        return AS_IT_IS


def unknown_highlights(figure: Figure, locations: Sequence[str]) -> list[Problem]:
    """Return a problem for each highlighted location that a data set does not have."""
    problems = []
    for name in set(figure.highlight).difference(locations):
        near = closest(name, locations)
        detail = f"The data set has no location {quoted(name)} to highlight. {suggestion(near)}".strip()
        problems.append(Problem(pointer=f"/{PREFIX}highlight", code="unknown", detail=detail, closest=near))
    return sorted(problems, key=lambda problem: problem.detail)
