"""Chooses the format of a result: by the suffix of the address, or by Accept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from meantime.charts.figure import AS_IT_IS, Figure
from meantime.did_you_mean import closest, suggestion
from meantime.errors import NotAcceptable, PathUnknown, Problem, RequestInvalid
from meantime.formats import vegalite
from meantime.formats.format import Format, Points
from meantime.formats.registry import FORMATS, formats_of
from meantime.text import listed, quoted
from meantime.web.http.negotiation import read_weights
from meantime.web.v1.representation import JSON_FORM


def choose_form(accept: str | None, suffix: str | None, statistic: str | None = None) -> Format:
    """Return the format that the suffix names, otherwise the one that Accept (RFC 9110) prefers.

    Among formats with the same weight, the one named most exactly wins, then the first one in our order. So a browser,
    which names none of them, gets JSON. Parameters of media types are ignored, because no format has variants. If the
    statistic is not known yet, every format counts as possible, and what none can satisfy is refused early.

    Raises:
        PathUnknown: there is no format with this suffix.
        NotAcceptable: no format is accepted, or only charts of a statistic that has none.

    >>> [choose_form(accept, None).suffix for accept in (None, "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8")]
    ['json', 'json', 'json']
    >>> choose_form("text/csv, */*", None).suffix, choose_form("text/csv;q=0.5, application/json", None).suffix
    ('csv', 'json')
    >>> choose_form("text/csv", "tsv").suffix
    'tsv'
    >>> choose_form("image/png, text/csv;q=0.5", None, "ranking").suffix
    'png'
    >>> choose_form("image/png, */*", None, "summary").suffix
    'json'
    """
    offered = FORMATS if statistic is None else formats_of(statistic)
    if suffix is not None:
        if (form := FORMATS.get(suffix)) is None:
            names = listed((f".{name}" for name in FORMATS), most=None)
            raise PathUnknown(f"No format has the suffix .{suffix[:20]}; the suffixes are {names}.")
        if statistic is not None and suffix not in offered:
            raise vegalite.no_chart(statistic)
        return form
    if accept is None or not accept.strip():
        return JSON_FORM
    weights = read_weights(accept)
    best = max(offered.values(), key=partial(_preference, weights))  # the first one among equals
    if _preference(weights, best)[0] == 0:
        if statistic is not None and any(_preference(weights, form)[0] for form in FORMATS.values()):
            raise vegalite.no_chart(statistic)
        types = listed((form.media_type for form in FORMATS.values()), most=None)
        raise NotAcceptable(
            f"Accept is {quoted(accept, 100)}, which is not a format of results. They are available as {types}. A "
            "suffix of the address, such as results.csv, also chooses a format."
        )
    return best


def choose_chart(
    form: Format, chart: str | None, statistic: str, figure: Figure = AS_IT_IS, points: Points = dict
) -> Format:
    """Return the format with this chart of a statistic's results; formats without a chart are returned unchanged.

    ``figure`` is how it is to look, ``points`` where locations are.

    Raises:
        RequestInvalid: there is no such chart; for every format, since it is a mistake in any case.

    >>> choose_chart(FORMATS["svg"], "map", "ranking").chart, choose_chart(FORMATS["csv"], "map", "ranking").chart
    ('map', None)
    """
    charts = vegalite.charts_of(statistic)
    if chart is None or chart in charts:
        return form.with_chart(chart, figure, points)
    near = closest(chart, charts)
    there = f"there are {listed(charts)}" if len(charts) > 1 else f"there is {charts[0]}" if charts else "there is none"
    detail = f"Results of {statistic} have no chart {quoted(chart)}. {suggestion(near)}For these results {there}."
    raise RequestInvalid(
        detail, problems=(Problem(pointer="/chart", code="unknown", detail=detail, closest=tuple(near)),)
    )


class _Preference(NamedTuple):
    """How much a client wants a format, and how exactly it has named it."""

    weight: float
    exactness: int


def _preference(weights: Mapping[str, float], form: Format) -> _Preference:
    kind = form.media_type.partition("/")[0]
    # The most exact name counts: "text/*, text/csv;q=0" accepts every text except CSV. Old Java clients send a lone
    # star.
    for exactness, name in ((2, form.media_type), (1, f"{kind}/*"), (0, "*/*"), (0, "*")):
        if (weight := weights.get(name)) is not None:
            return _Preference(weight, exactness)
    return _Preference(0.0, 0)
