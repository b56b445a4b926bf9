"""A result as a chart of Altair."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meantime.errors import PackageMissing
from meantime.formats import vegalite
from meantime.formats.document import Document, dumps

if TYPE_CHECKING:
    import altair as alt


def to_altair(document: Document, chart: str | None) -> alt.LayerChart:
    """Return the chart that the server makes of the same result.

    Raises:
        NotAcceptable: there is none.
        PackageMissing: Altair is not installed.
    """
    specification = vegalite.specification(document, chart)
    try:
        import altair as alt
    except ImportError as error:
        raise PackageMissing("Altair is not installed. Install it: pip install altair") from error
    # By way of JSON: there are only lists in it then, and no tuples, which Altair does not take.
    return alt.LayerChart.from_dict(json.loads(dumps(specification)))
