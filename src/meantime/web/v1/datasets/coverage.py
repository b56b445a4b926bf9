"""GET /v1/datasets/{name}/coverage: which values a question has."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import msgspec

from meantime.dataset.coverage import Axes, Presence, axes_of, coverage
from meantime.dataset.cube import ABSENT, Cube
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, name_key, suggestion
from meantime.errors import AnswersBusy
from meantime.statistics.asked_names import alike
from meantime.statistics.parameters import Names
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Outcome, Parameter
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets.address import HEADERS, NAME, READY, current_snapshot, dataset_name_of
from meantime.web.v1.datasets.resource import Years, described

# The CDC's table has 55 locations, 13 years and 28 strata: 20,020 entries, 40 kB. Five times as many make a page slow
# to draw, and take a tenth of a second to compute.
COVERAGE_LIMIT = 100_000
_ENCODER = msgspec.json.Encoder()


class StratumResource(msgspec.Struct, frozen=True, kw_only=True):
    """A stratum within its category; both null for the rows without one."""

    category: str | None
    stratum: str | None


class MarkResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a number in the matrix stands for."""

    presence: Annotated[
        Presence,
        described(
            "absent: there is no row. published: every row has a value. withheld: there are rows, and none has one. "
            "mixed: some have one."
        ),
    ]
    reasons: Annotated[list[str], described("Why values are suppressed or missing.")]
    entries: Annotated[int, described("How often it occurs in the matrix.")]


class CoverageResource(msgspec.Struct, frozen=True, kw_only=True):
    """Which values a question has."""

    dataset: str
    fingerprint: str
    question: str
    strata: list[StratumResource]
    periods: Annotated[list[Years | None], described("Null stands for rows without a period.")]
    locations: list[str]
    legend: list[MarkResource]
    matrix: Annotated[
        list[list[list[int]]],
        described(
            "matrix[stratum][period][location], in the order of these lists, is an index into the legend, from 0."
        ),
    ]


async def get_coverage(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}/coverage."""
    snapshot = current_snapshot(backend, name := dataset_name_of(backend, request))
    body = await backend.pools.documents.run(request, partial(_coverage, name, snapshot, request.query))
    return conditional.answer(request, body)


def _coverage(name: str, snapshot: Snapshot, pairs: Sequence[tuple[str, str]]) -> bytes:
    """Read the query, and return the coverage as JSON.

    Raises:
        RequestInvalid: with all problems; or the matrix would be too large.
    """
    cube = snapshot.cube
    axes = _axes(cube, pairs)
    matrix = coverage(cube, axes)
    labels = cube.labels
    marks_and_counts = zip(matrix.legend, matrix.counts(), strict=True)
    return _ENCODER.encode(
        CoverageResource(
            dataset=name,
            fingerprint=snapshot.fingerprint,
            question=labels.questions[axes.question],
            strata=[
                StratumResource(category=_label(labels.categories, category), stratum=_label(labels.strata, stratum))
                for category, stratum in axes.strata
            ],
            periods=[
                None if code == ABSENT else Years(first=labels.periods[code].first, last=labels.periods[code].last)
                for code in axes.periods
            ],
            locations=[labels.locations[code] for code in axes.locations],
            legend=[
                MarkResource(presence=mark.presence, reasons=list(mark.reasons), entries=entries)
                for mark, entries in marks_and_counts
            ],
            matrix=matrix.marks.tolist(),
        )
    )


def _label(labels: Sequence[str], code: int) -> str | None:
    return None if code == ABSENT else labels[code]


def _axes(cube: Cube, pairs: Sequence[tuple[str, str]]) -> Axes:
    query = Query(pairs, tuple(parameter.name for parameter in _COVERAGE_PARAMETERS))
    labels = cube.labels
    question = query.one("question")
    if question is not None and question not in cube.question_codes:
        question = alike(cube, Names.QUESTION, question) or question
    if not query.all("question"):
        query.wrong(
            "question", "missing", "A question is required: ?question=... GET /v1/datasets/{name} lists the questions."
        )
    elif question is not None and question not in cube.question_codes:
        near = closest(question, labels.questions)
        hint = f"{suggestion(near)}Write the question exactly as in the file."
        detail = f"There is no question {quoted(question)}. {hint}"
        query.wrong("question", "unknown", detail, near)
    filters = {
        "locations": _named(query, "location", labels.locations, partial(alike, cube, Names.LOCATION)),
        "categories": _named(query, "category", labels.categories, partial(alike, cube, Names.CATEGORY)),
        "strata": _named(query, "stratum", labels.strata, partial(alike, cube, Names.STRATUM)),
        "periods": _named(query, "period", [_period_text(*period) for period in labels.periods], name_key, _period),
    }
    query.check()
    axes = axes_of(cube, cube.question_codes[question or ""], **filters)
    if axes.size > COVERAGE_LIMIT:
        query.wrong(
            "question",
            "too-large",
            f"The matrix would have {axes.size:,} entries ({len(axes.strata):,} strata, {len(axes.periods):,} periods, "
            f"{len(axes.locations):,} locations); at most {COVERAGE_LIMIT:,} are allowed. Select some of them with "
            "category, stratum, period or location; each may be repeated.",
        )
        query.check()
    return axes


def _named(
    query: Query,
    name: str,
    labels: Sequence[str],
    alike_of: Callable[[str], str | None],
    read: Callable[[str], str] = str,
) -> frozenset[int] | None:
    """Return the codes of the labels that a filter names, or that look like what it names; None without the filter."""
    texts = query.all(name)
    codes = {label: code for code, label in enumerate(labels)} if texts else {}
    named = []
    for text in map(read, texts):
        other = None if text in codes else alike_of(text)
        named.append(other if other in codes else text)
    for text in named:
        if text not in codes:
            near = closest(text, labels)
            query.wrong(name, "unknown", f"There is no {name} {quoted(text)}. {suggestion(near)}".rstrip(), near)
    return frozenset(codes[text] for text in named if text in codes) if texts else None


def _period_text(first: int, last: int) -> str:
    """Return a period as text."""
    return str(first) if first == last else f"{first}-{last}"


def _period(text: str) -> str:
    """Return a period in the spelling of ``_period_text``.

    >>> _period("2020-2020"), _period("2019-2020"), _period("2020")
    ('2020', '2019-2020', '2020')
    """
    years = re.fullmatch(r"(-?[0-9]{1,6})-(-?[0-9]{1,6})", text, re.ASCII)
    return _period_text(int(years[1]), int(years[2])) if years else text


_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_COVERAGE = {
    "dataset": "sample",
    "fingerprint": "9f2c" * 16,
    "question": _QUESTION,
    "strata": [{"category": "Sex", "stratum": "Female"}],
    "periods": [{"first": 2021, "last": 2021}, {"first": 2022, "last": 2022}],
    "locations": ["Guam", "Utah"],
    "legend": [
        {"presence": "absent", "reasons": [], "entries": 1},
        {"presence": "published", "reasons": [], "entries": 2},
        {"presence": "withheld", "reasons": ["~"], "entries": 1},
    ],
    "matrix": [[[0, 1], [2, 1]]],
}


def _filter(name: str, description: str, example: str) -> Parameter:
    return Parameter(name=name, where="query", kind=list[str], description=description, example=[example])


_COVERAGE_PARAMETERS = (
    Parameter(
        name="question",
        where="query",
        kind=str,
        description="The question, exactly as in the data set.",
        required=True,
        example=_QUESTION,
    ),
    _filter("location", "Only this location; may be repeated.", "Utah"),
    _filter("category", "Only strata of this category; may be repeated.", "Sex"),
    _filter("stratum", "Only this stratum; may be repeated.", "Female"),
    _filter("period", "Only this year, or first and last year: 2020-2021; may be repeated.", "2020"),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_coverage",
        method="GET",
        path="/v1/datasets/{name}/coverage",
        tag="datasets",
        summary="See which values a question has",
        description="For each stratum, period and location: whether a value is published, suppressed or missing (and "
        "why), or absent. The strata and periods are those with rows of the question; the locations are all of the "
        f"data set. Filters select some of them, and are needed for more than {COVERAGE_LIMIT:,} entries.",
        handle=get_coverage,
        parameters=(NAME, *_COVERAGE_PARAMETERS, conditional.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="A matrix, and the meaning of its numbers.",
                content={"application/json": CoverageResource},
                example=_COVERAGE,
                headers=HEADERS,
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(*READY, AnswersBusy),
    ),
)
