from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.errors import NotAcceptable, PathUnknown
from meantime.formats.registry import FORMATS
from meantime.web.v1.forms import choose_form

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "json"),
        ("", "json"),
        (" ", "json"),
        ("*/*", "json"),
        (BROWSER, "json"),
        ("application/json, text/plain, */*", "json"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV", "csv"),
        ("text/csv;charset=utf-8;header=present", "csv"),
        ('text/csv; note="a"; q=1', "csv"),
        ("text/csv, */*", "csv"),
        ("text/csv, */*;q=0.01", "csv"),
        ("application/json, text/csv", "json"),
        ("text/csv, application/json;q=0.9", "csv"),
        ("text/csv;q=0.1, application/json;q=0.2", "json"),
        ("text/*", "csv"),
        ("text/*, application/json;q=0.5", "csv"),
        ("application/*", "json"),
        ("application/json;q=0, */*", "csv"),
        ("text/csv;q=0, text/*", "tsv"),
        ("image/gif, text/tab-separated-values;q=0.001", "tsv"),
        ("image/png, */*;q=0.5", "png"),
        ("image/*", "svg"),
        ("application/vnd.vegalite.v6+json", "vl.json"),
        ("text/csv;q=2, application/json;q=1", "json"),
        ("text/csv;q=high, application/json", "json"),
        ("text/csv;q=0.2, text/csv;q=0.9, application/json;q=0.5", "csv"),
        (",;,=,text/csv", "csv"),
    ],
)
def test_the_form_is_the_one_that_is_wanted_most(accept: str | None, expected: str) -> None:
    assert choose_form(accept, None).suffix == expected


def test_every_form_is_had_by_its_suffix_whatever_is_accepted_and_by_its_media_type() -> None:
    for suffix, form in FORMATS.items():
        assert choose_form("image/gif", suffix) is form
        assert choose_form(form.media_type, None) is form


@pytest.mark.parametrize("accept", ["image/gif", "text/html", "csv", "application/json;q=0", "*/*;q=0", "text/csv;q=x"])
def test_a_client_that_takes_none_of_our_forms_is_told_those_that_there_are(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/csv") as refused:
        choose_form(accept, None)
    assert accept in str(refused.value)


@pytest.mark.parametrize("suffix", ["", "gif", "CSV", "csv.gz", "../json", "x" * 10_000])
def test_a_suffix_that_is_none_of_ours_is_an_address_where_nothing_lives(suffix: str) -> None:
    with pytest.raises(PathUnknown, match=r"suffixes are .*\.csv") as refused:
        choose_form(None, suffix)
    assert len(str(refused.value)) < 400


@given(st.text(max_size=60) | st.text(st.sampled_from('texcsv/*,;q=.01" '), max_size=60))
def test_whatever_is_accepted_there_is_a_form_or_a_refusal(accept: str) -> None:
    try:
        assert choose_form(accept, None) in FORMATS.values()
    except NotAcceptable as refused:
        assert len(str(refused)) < 600  # noqa: PT017 - either is right
