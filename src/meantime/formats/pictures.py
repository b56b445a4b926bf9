"""A result as a picture: its chart, drawn, with everything in it that says what it is and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from meantime.charts.layout import Spec
from meantime.formats import rendering
from meantime.formats.document import Document
from meantime.formats.vegalite import Places, specification

# As wide as the text of most pages and slides; the height is what its rows need.
WIDTH_PIXELS = 900


def svg_pieces(document: Document, chart: str | None = None, *, places: Places | None = None) -> Iterator[bytes]:
    """Draw a chart as SVG: its texts are texts, so that it can be searched, read aloud and enlarged.

    Raises:
        NotAcceptable: the result has no such chart; before the first piece, as the others.
        PictureFailed: the process that draws it did not end well.
        AnswersBusy: as many pictures are being drawn as may.
    """
    yield rendering.render(_picture(document, chart, places), "svg")


def png_pieces(document: Document, chart: str | None = None, *, places: Places | None = None) -> Iterator[bytes]:
    """Draw a chart as PNG, two pixels for each of the page: sharp on screens of today, and in print.

    Raises:
        NotAcceptable, PictureFailed, AnswersBusy: as for SVG.
    """
    yield rendering.render(_picture(document, chart, places), "png")


def _picture(document: Document, chart: str | None, places: Places | None) -> Spec:
    return {**specification(document, chart, places=places), "width": WIDTH_PIXELS}
