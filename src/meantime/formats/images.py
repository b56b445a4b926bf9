"""A result as an image: its chart with title, selection and source; the citation is in its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meantime.charts.figure import AS_IT_IS, Figure
from meantime.charts.layout import FADED, HIGHLIGHT, Spec
from meantime.formats.document import Document
from meantime.formats.format import Format, Points
from meantime.formats.vegalite import specification
from meantime.formats.writers import picture_metadata, renderer

# More than on a page, which may be narrow: enough for "Tract 101, Alderbrook County, Alabama".
LABEL_PIXELS = 260
# Nobody can point at a printed place, so those that are not highlighted can still be read.
_FADED = 0.4


def svg_pieces(
    document: Document, chart: str | None = None, figure: Figure = AS_IT_IS, points: Points = dict
) -> Iterator[bytes]:
    """Draw a chart as SVG, with its texts as texts, so that it can be searched, read aloud and enlarged.

    Raises:
        NotAcceptable: the result has no such chart; before the first piece, as the others.
        PictureFailed: the process that draws it failed.
        AnswersBusy: the limit of images at a time is reached.
    """
    return _pieces("svg", document, chart, figure, points)


def png_pieces(
    document: Document, chart: str | None = None, figure: Figure = AS_IT_IS, points: Points = dict
) -> Iterator[bytes]:
    """Draw a chart as PNG, two pixels for each of the page unless the figure has another scale.

    Raises:
        NotAcceptable: as for SVG; and it would have too many pixels.
        PictureFailed, AnswersBusy: as for SVG.
    """
    return _pieces("png", document, chart, figure, points)


def pdf_pieces(
    document: Document, chart: str | None = None, figure: Figure = AS_IT_IS, points: Points = dict
) -> Iterator[bytes]:
    """Draw a chart as PDF, one page of its size, with its font.

    Raises:
        NotAcceptable, PictureFailed, AnswersBusy: as for SVG.
    """
    return _pieces("pdf", document, chart, figure, points)


def _pieces(
    kind: renderer.Kind, document: Document, chart: str | None, figure: Figure, points: Points
) -> Iterator[bytes]:
    spec = specification(document, chart, figure, points)
    width, height = figure.layout
    picture = renderer.render(_fixed(spec, width), kind, scale=figure.scale, height=height)
    about = picture_metadata.PictureMetadata(
        title=" ".join(spec["title"]["text"]), description=spec["description"], citation=document.citation
    )
    yield picture_metadata.WRITERS[kind](picture, about)


def _fixed(spec: Spec, width: int) -> Spec:
    """Return a specification of a fixed width, in which nobody points at anything."""
    axis = {**spec["config"]["axis"], "labelLimit": min(LABEL_PIXELS, round(width * 0.3))}
    params = [_printed(param) for param in spec["params"]]
    layers = _readable(spec["layer"])
    return {**spec, "width": width, "params": params, "layer": layers, "config": {**spec["config"], "axis": axis}}


def _printed(param: Spec) -> Spec:
    match param:
        # As a list, only the highlighted location stands out, and not those that cannot be distinguished from it.
        case {"name": str(name), "value": str(location)} if name == HIGHLIGHT:
            return {**param, "value": [location]}
        case _:
            return param


def _readable(part: Any) -> Any:
    match part:
        case {"condition": _, "value": value} if value == FADED:
            return {**part, "value": _FADED}
        case dict():
            return {name: _readable(each) for name, each in part.items()}
        case list():
            return [_readable(each) for each in part]
        case _:
            return part


FORMATS = (
    Format(
        position=100,
        suffix="svg",
        media_type="image/svg+xml",
        name="SVG",
        meaning="the chart as a drawing at any size, with title, selection and source; the citation is in its metadata",
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
    Format(
        position=120,
        suffix="pdf",
        media_type="application/pdf",
        name="PDF",
        meaning="the same as a page, for print",
        is_text=False,
        # The library puts the parts of the file in another order each time.
        is_repeatable=False,
        pieces=pdf_pieces,
        draw=pdf_pieces,
        is_slow=True,
    ),
)
