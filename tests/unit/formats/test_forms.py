"""What holds for every form that a result can be had in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from meantime.formats.document import Document
from meantime.formats.forms import FORMS, Form
from tests.support import result_documents
from tests.support.chart_answers import answer
from tests.support.result_documents import HOSTILE, of_names

EVERY = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
# Those that hold any table; of charts there is more to say: test_vegalite.py, test_pictures.py.
TABLES = {suffix: form for suffix, form in FORMS.items() if form.draw is None}
EVERY_TABLE = pytest.mark.parametrize("form", TABLES.values(), ids=TABLES.keys())


def test_no_two_forms_share_a_media_type_or_a_name() -> None:
    assert (
        len({form.media_type for form in FORMS.values()}) == len({form.name for form in FORMS.values()}) == len(FORMS)
    )


@EVERY
def test_a_form_is_found_by_its_suffix(form: Form) -> None:
    assert FORMS[form.suffix] is form
    assert form.meaning


@EVERY
def test_a_text_says_how_it_is_encoded(form: Form) -> None:
    assert ("charset=utf-8" in form.content_type) == form.media_type.startswith("text/")
    assert form.content_type.startswith(form.media_type)


@EVERY_TABLE
@settings(max_examples=20, deadline=None)
@given(document=result_documents.documents)
def test_written_twice_a_document_has_the_same_bytes(form: Form, document: Document) -> None:
    # One ETag names these bytes, also to a client that comes back for the second half of them.
    assert b"".join(form.pieces(document)) == b"".join(form.pieces(document))


@EVERY_TABLE
def test_whatever_a_cell_holds_is_written(form: Form) -> None:
    assert b"".join(form.pieces(of_names(*HOSTILE, None)))


def test_only_a_map_of_points_is_told_where_locations_lie_and_not_before_it_is_drawn() -> None:
    asked: list[str] = []

    def places() -> dict[str, tuple[float, float]]:
        asked.append("places")
        return {"Avalon": (60.0, 2.0)}

    for form in (FORMS["csv"], FORMS["vl.json"], FORMS["vl.json"].showing("map")):
        assert form.over(places) is form
    form = FORMS["vl.json"].showing("point_map").over(places)
    assert asked == []
    [written] = form.pieces(answer("estimate", years="2020"))
    assert b'"latitude":60.0' in written
    assert asked == ["places"]
