"""GET /v1/datasets/{name}/profile: every question of a table at one place."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import AnswersBusy, CursorInvalid
from meantime.statistics.asked_names import as_in_table
from meantime.statistics.cost import COST_LIMITS
from meantime.statistics.parameters import Leaf, Names
from meantime.statistics.profile import Profile, ProfileQuestion
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http import cursor as cursors
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.datasets.address import HEADERS, NAME, READY, current_snapshot, dataset_name_of
from meantime.web.v1.datasets.describe import path_of
from meantime.web.v1.datasets.resource import described

# As many as people look through on one page. Each has up to 4 kB with 13 years and five categories of groups.
_MOST_QUESTIONS = 60
# As for an immediate answer: what costs more goes on in the next part.
_LIMIT_S = COST_LIMITS.at_once.seconds
_DETAILS = ("full", "values")
_ENCODER = msgspec.json.Encoder()


class ProfileLinks(msgspec.Struct, frozen=True, kw_only=True):
    """The next part."""

    next: str | None


class ProfileResource(msgspec.Struct, frozen=True, kw_only=True):
    """Questions of a table at one place."""

    dataset: str
    fingerprint: str
    location: Annotated[str, described("The place, as the table names it.")]
    total: Annotated[int, described("How many questions the table has.")]
    first: Annotated[int, described("Which of them is the first one here, from 0.")]
    questions: Annotated[list[ProfileQuestion], described("In the order of the data set's questions.")]
    next: Annotated[str | None, described("Cursor of the next part; null on the last.")]
    links: ProfileLinks


async def get_profile(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/datasets/{name}/profile."""
    snapshot = current_snapshot(backend, name := dataset_name_of(backend, request))
    body, next_url = await backend.pools.documents.run(request, partial(_profile, name, snapshot, request))
    link = () if next_url is None else (("link", f'<{next_url}>; rel="next"'),)
    return conditional.answer(request, body, *link)


def _profile(name: str, snapshot: Snapshot, request: HttpRequest) -> tuple[bytes, str | None]:
    """Read the query, and return a part of the profile as JSON, and the address of the next part.

    Raises:
        RequestInvalid: with all problems.
        CursorInvalid: the cursor belongs to another profile.
    """
    query = Query(request.query, tuple(parameter.name for parameter in _PARAMETERS))
    location = _location(query, snapshot)
    detail, cursor = query.one("detail") or "full", query.one("cursor")
    if detail not in _DETAILS:
        query.wrong("detail", "unknown", f'"detail" must be "full" or "values", not {quoted(detail)}.')
    query.check()
    list_key = [name, snapshot.fingerprint, "profile", location, detail]
    first = 0 if cursor is None else cursors.decode(cursor, list_key)
    total = len(snapshot.cube.labels.questions)
    profile = Profile(snapshot=snapshot, location=location, is_brief=detail == "values", limit_s=_LIMIT_S)
    questions: list[ProfileQuestion] = []
    for code in range(first, min(first + _MOST_QUESTIONS, total)):
        # At least one, so that every part goes on.
        if questions and profile.cost_s + profile.least_cost_s(code) > _LIMIT_S:
            break
        questions.extend(profile.questions([code]))
    stop = first + len(questions)
    next_cursor = cursors.encode(stop, list_key) if stop < total else None
    pairs = [(key, value) for key, value in request.query if key != "cursor"]
    next_url = f"{path_of(name)}/profile?{urlencode([*pairs, ('cursor', next_cursor)])}" if next_cursor else None
    resource = ProfileResource(
        dataset=name,
        fingerprint=snapshot.fingerprint,
        location=location,
        total=total,
        first=first,
        questions=questions,
        next=next_cursor,
        links=ProfileLinks(next=next_url),
    )
    return _ENCODER.encode(resource), next_url


def _location(query: Query, snapshot: Snapshot) -> str:
    """Return the table's name of the place that the query names; "" with a problem."""
    text = query.one("location")
    if not query.all("location"):
        detail = "A location is required: ?location=... GET /v1/datasets/{name} lists the locations."
        query.wrong("location", "missing", detail)
    if text is None:
        return ""
    written, problems = as_in_table(snapshot, [Leaf(Names.LOCATION, text, "/location")], {"location": text})
    for problem in problems:
        query.wrong("location", problem.code, problem.detail, problem.closest)
    location: str = written["location"]
    if not problems and location not in snapshot.cube.location_codes:
        near = closest(location, snapshot.cube.labels.locations)
        detail = f"The data set has no location {quoted(location)}. {suggestion(near)}".rstrip()
        query.wrong("location", "unknown", detail, near)
    return location


_PARAMETERS = (
    Parameter(
        name="location",
        where="query",
        kind=str,
        description="The place, by its name in any case, a part of it that no other has, or its abbreviation: OH.",
        required=True,
        example="Utah",
    ),
    Parameter(
        name="detail",
        where="query",
        kind=Literal["full", "values"],
        description="full (default): with reference, rank and gaps between groups. values: values by year alone.",
        example="values",
    ),
    Parameter(
        name="cursor",
        where="query",
        kind=str,
        description="`next` of the previous part. It becomes invalid when the data set changes.",
    ),
)

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_VALUE = {"period": "2022", "estimate": 31.1, "low": 29.4, "high": 32.9, "withheld": None}
_PROFILE = {
    "dataset": "sample",
    "fingerprint": "9f2c" * 16,
    "location": "Utah",
    "total": 1,
    "first": 0,
    "questions": [
        {
            "question": _QUESTION,
            "title": "Obesity",
            "topic": "Obesity / Weight Status",
            "unit": "percent",
            "polarity": "lower",
            "category": None,
            "stratum": None,
            "people": "adults",
            "value_type": None,
            "last_period": "2022",
            "value": _VALUE,
            "no_value": None,
            "reference": {
                "kind": "location",
                "location": "National",
                "words": "the nation",
                "places": None,
                "estimate": 33.1,
                "difference": -2.0,
                "difference_low": -3.8,
                "difference_high": -0.2,
                "verdict": "better",
            },
            "rank": {"rank": 12, "rank_low": 6, "rank_high": 21, "places": 54, "better": "lower"},
            "no_rank": None,
            "breaks": [],
            "series": [_VALUE],
            "gaps": [
                {
                    "category": "Sex",
                    "highest": {"stratum": "Female", "people": "women", "estimate": 32.0},
                    "lowest": {"stratum": "Male", "people": "men", "estimate": 30.2},
                    "gap": 1.8,
                    "gap_corrected": 0.9,
                    "gap_low": -1.6,
                    "gap_high": 5.2,
                    "p": 0.3,
                }
            ],
            "rows": 340,
            "withheld": 12,
            "withheld_by_reason": {"~": 12},
        }
    ],
    "next": None,
    "links": {"next": None},
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_profile",
        method="GET",
        path="/v1/datasets/{name}/profile",
        tag="datasets",
        summary="See every question at one place",
        description="For each question, in the latest year in which the place has a value, for everyone (or the group "
        "that is named): the value, its difference from the nation or from the median of the places, its rank among "
        "them with a confidence interval, its values by year, the gaps between groups, and what is suppressed or "
        "missing. Each interval holds for its question alone. A part has up to "
        f"{_MOST_QUESTIONS} questions, and fewer where these cost more than {_LIMIT_S:g} s of computing; `next` leads "
        "to the others.",
        handle=get_profile,
        parameters=(NAME, *_PARAMETERS, conditional.IF_NONE_MATCH),
        outcomes=(
            Outcome(
                status=200,
                description="Questions at the place.",
                content={"application/json": ProfileResource},
                example=_PROFILE,
                headers=(
                    *HEADERS,
                    Header(name="Link", description='The next part: `<...>; rel="next"`.', required=False),
                ),
            ),
            conditional.NOT_MODIFIED,
        ),
        problems=(*READY, CursorInvalid, AnswersBusy),
    ),
)
