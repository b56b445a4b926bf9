"""A result as an Altair chart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from meantime.charts.figure import Figure, read_figure
from meantime.errors import PackageMissing
from meantime.formats import vegalite
from meantime.formats.document import Document, dumps

if TYPE_CHECKING:
    import altair as alt


# The name of a chart ("map"), or how it is to look, with the name as "name": {"title": "Naps", "highlight": ["Utah"]}.
Look = str | Mapping[str, object] | None


def read_look(look: Look) -> tuple[str | None, Figure]:
    """Return the name of the chart, None for the default one, and how it is to look.

    >>> name, figure = read_look({"name": "map", "width": 1200, "highlight": ["Utah", "Ohio"]})
    >>> name, figure.width, figure.highlight
    ('map', 1200, ('Utah', 'Ohio'))

    Raises:
        RequestInvalid: a name or a value that there is not; with all problems.
    """
    settings = {"name": look} if isinstance(look, str) else dict(look or {})
    name = settings.pop("name", None)
    texts = {key: _texts(value) for key, value in settings.items() if value is not None}
    return None if name is None else str(name), read_figure(texts, prefix="")


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def to_altair(document: Document, chart: str | None, figure: Figure) -> alt.LayerChart:
    """Return the chart that the server draws for the same result.

    Raises:
        NotAcceptable: the result has no such chart.
        PackageMissing: Altair is not installed.
    """
    specification = vegalite.specification(document, chart, figure)
    try:
        import altair as alt
    except ImportError as error:
        raise PackageMissing("Altair is not installed. Install it: pip install altair") from error
    # Through JSON, which turns tuples into lists: Altair does not accept tuples.
    return alt.LayerChart.from_dict(json.loads(dumps(specification)))
