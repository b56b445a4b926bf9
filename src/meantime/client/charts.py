"""A result as an Altair chart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meantime.errors import PackageMissing
from meantime.formats import vegalite
from meantime.formats.document import Document, dumps

if TYPE_CHECKING:
    import altair as alt


def to_altair(document: Document, chart: str | None) -> alt.LayerChart:
    """Return the chart that the server draws for the same result.

    Raises:
        NotAcceptable: the result has no such chart.
        PackageMissing: Altair is not installed.
    """
    specification = vegalite.specification(document, chart)
    try:
        import altair as alt
    except ImportError as error:
        raise PackageMissing("Altair is not installed. Install it: pip install altair") from error
    # Through JSON, which turns tuples into lists: Altair does not accept tuples.
    return alt.LayerChart.from_dict(json.loads(dumps(specification)))
