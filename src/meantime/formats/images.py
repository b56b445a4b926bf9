"""A result as an image: its chart with title, selection, source and citation."""

from __future__ import annotations

from collections.abc import Iterator

from meantime.charts.layout import Spec
from meantime.formats.document import Document
from meantime.formats.format import Coordinates, Format
from meantime.formats.vegalite import specification
from meantime.formats.writers import renderer

# As wide as the text of most pages and slides; the rows decide the height.
WIDTH_PIXELS = 900
# More than on a page, which may be narrow: enough for "Tract 101, Alderbrook County, Alabama".
LABEL_PIXELS = 260


def svg_pieces(
    document: Document,
    chart: str | None = None,
    *,
    highlight: str | None = None,
    points: Coordinates | None = None,
) -> Iterator[bytes]:
    """Draw a chart as SVG, with its texts as texts, so that it can be searched, read aloud and enlarged.

    Raises:
        NotAcceptable: the result has no such chart; before the first piece, as the others.
        PictureFailed: the process that draws it failed.
        AnswersBusy: the limit of images at a time is reached.
    """
    yield renderer.render(_specification(document, chart, highlight, points), "svg")


def png_pieces(
    document: Document,
    chart: str | None = None,
    *,
    highlight: str | None = None,
    points: Coordinates | None = None,
) -> Iterator[bytes]:
    """Draw a chart as PNG, two pixels for each of the page: sharp on current screens and in print.

    Raises:
        NotAcceptable, PictureFailed, AnswersBusy: as for SVG.
    """
    yield renderer.render(_specification(document, chart, highlight, points), "png")


def _specification(document: Document, chart: str | None, highlight: str | None, points: Coordinates | None) -> Spec:
    spec = specification(document, chart, highlight=highlight, points=points)
    axis = {**spec["config"]["axis"], "labelLimit": LABEL_PIXELS}
    return {**spec, "width": WIDTH_PIXELS, "config": {**spec["config"], "axis": axis}}


FORMATS = (
    Format(
        position=100,
        suffix="svg",
        media_type="image/svg+xml",
        name="SVG",
        meaning="the chart as a drawing at any size, with title, selection, source and citation in it",
        is_text=True,
        pieces=svg_pieces,
        draw=svg_pieces,
        is_slow=True,
    ),
    Format(
        position=110,
        suffix="png",
        media_type="image/png",
        name="PNG",
        meaning="the same as an image of 1,800 pixels, for slides and where SVG is not accepted",
        is_text=False,
        pieces=png_pieces,
        draw=png_pieces,
        is_slow=True,
    ),
)
