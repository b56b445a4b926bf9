"""What holds for every format."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from meantime.formats.document import Document
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS
from tests.support import result_documents
from tests.support.chart_answers import answer
from tests.support.examples import one_in
from tests.support.result_documents import HOSTILE, of_names

EVERY = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS.keys())
# Those that hold any table; of charts there is more to say: test_vegalite.py, test_images.py.
TABLES = {suffix: form for suffix, form in FORMATS.items() if form.draw is None}
EVERY_TABLE = pytest.mark.parametrize("form", TABLES.values(), ids=TABLES.keys())


def test_no_two_formats_share_a_media_type_or_a_name() -> None:
    formats = FORMATS.values()
    assert len({each.media_type for each in formats}) == len({each.name for each in formats}) == len(FORMATS)


def test_every_format_has_a_position_of_its_own_and_json_the_first() -> None:
    positions = [each.position for each in FORMATS.values()]
    assert positions == sorted(set(positions))
    assert next(iter(FORMATS)) == "json"


@EVERY
def test_a_form_is_found_by_its_suffix(form: Format) -> None:
    assert FORMATS[form.suffix] is form
    assert form.meaning


@EVERY
def test_a_text_says_how_it_is_encoded(form: Format) -> None:
    assert ("charset=utf-8" in form.content_type) == form.media_type.startswith("text/")
    assert form.content_type.startswith(form.media_type)


@EVERY_TABLE
@settings(max_examples=one_in(3))
@given(document=result_documents.documents)
def test_written_twice_a_document_has_the_same_bytes(form: Format, document: Document) -> None:
    # One ETag names these bytes, also to a client that comes back for the second half of them.
    assert b"".join(form.pieces(document)) == b"".join(form.pieces(document))


@EVERY_TABLE
def test_whatever_a_cell_holds_is_written(form: Format) -> None:
    assert b"".join(form.pieces(of_names(*HOSTILE, None)))


def test_only_a_map_of_points_loads_coordinates_and_only_when_it_is_drawn() -> None:
    calls: list[str] = []

    def places() -> dict[str, tuple[float, float]]:
        calls.append("places")
        return {"Avalon": (60.0, 2.0)}

    assert FORMATS["csv"].with_chart(points=places) is FORMATS["csv"]
    usual, form = (FORMATS["vl.json"].with_chart(chart, points=places) for chart in ("estimates", "point_map"))
    assert list(usual.pieces(answer("estimate", years="2020")))
    assert calls == []
    [written] = form.pieces(answer("estimate", years="2020"))
    assert b'"latitude":60.0' in written
    assert calls == ["places"]
