"""Which form a client gets: by the suffix of the address, or by Accept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from meantime.did_you_mean import closest, suggestion
from meantime.errors import NotAcceptable, PathUnknown, Problem, RequestInvalid
from meantime.formats import vegalite
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS, formats_of
from meantime.text import listed, quoted
from meantime.web.http.negotiation import read_weights
from meantime.web.v1.representation import JSON_FORM


def choose_form(accept: str | None, suffix: str | None, statistic: str | None = None) -> Format:
    """Return the form that the suffix names, else the one that an Accept header (RFC 9110) wants most.

    Of forms that are wanted alike it is the one that is named more exactly, then the first of ours: so a browser, which
    names none of them, gets JSON. Parameters of media types are passed over: ours come in one way only. Where the
    statistic is not known yet, any form will do; what cannot be for any of them is refused early.

    Raises:
        PathUnknown: the suffix is none of ours. The address is wrong then, not the choice.
        NotAcceptable: none of ours is wanted, or a chart of a statistic that has none.

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
            names = listed((f"results.{name}" for name in FORMATS), most=None)
            raise PathUnknown(f"There is no results.{suffix[:20]}; the formats are {names}.")
        if statistic is not None and suffix not in offered:
            raise vegalite.no_chart(statistic)
        return form
    if accept is None or not accept.strip():
        return JSON_FORM
    wanted = read_weights(accept)
    best = max(offered.values(), key=partial(_wish, wanted))  # the first of equals
    if _wish(wanted, best)[0] == 0:
        if statistic is not None and any(_wish(wanted, form)[0] for form in FORMATS.values()):
            raise vegalite.no_chart(statistic)
        types = listed((form.media_type for form in FORMATS.values()), most=None)
        raise NotAcceptable(
            f"Accept is {quoted(accept, 100)}, which is not a format of results. They are available as {types}. A "
            "suffix of the address, such as results.csv, also chooses a format."
        )
    return best


def with_chart(form: Format, chart: str | None, statistic: str) -> Format:
    """Return the form that shows this chart of a statistic's results; one that is no chart is what it is.

    Raises:
        RequestInvalid: they have no such chart. Also of a form that is none: it would be a mistake there, too.

    >>> with_chart(FORMATS["svg"], "map", "ranking").chart, with_chart(FORMATS["csv"], "map", "ranking").chart
    ('map', None)
    """
    charts = vegalite.charts_of(statistic)
    if chart is None or chart in charts:
        return form.with_chart(chart)
    near = closest(chart, charts)
    there = f"there are {listed(charts)}" if len(charts) > 1 else f"there is {charts[0]}" if charts else "there is none"
    detail = f"Results of {statistic} have no chart {quoted(chart)}. {suggestion(near)}Of these results {there}."
    raise RequestInvalid(
        detail, problems=(Problem(pointer="/chart", code="unknown", detail=detail, closest=tuple(near)),)
    )


class _Wish(NamedTuple):
    """How much a form is wanted, and how exactly it was named."""

    weight: float
    exactness: int


def _wish(wanted: Mapping[str, float], form: Format) -> _Wish:
    kind = form.media_type.partition("/")[0]
    # What is said more exactly counts: "text/*, text/csv;q=0" wants every text but that. The lone star is old Java's.
    for exactness, name in ((2, form.media_type), (1, f"{kind}/*"), (0, "*/*"), (0, "*")):
        if (weight := wanted.get(name)) is not None:
            return _Wish(weight, exactness)
    return _Wish(0.0, 0)
