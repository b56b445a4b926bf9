"""A result in the hands of whoever asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from meantime import Result
from meantime.errors import NotAcceptable, NotMeantime, PackageMissing
from meantime.formats import document
from meantime.formats.forms import FORMS
from meantime.table import Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, LOCATION, MEAN

TABLE = Table(
    columns=(LOCATION, MEAN, COUNT),
    data=(["Utah", "Ohio", None], [22.75, None, 0.1 + 0.2], [2, None, 2**53 + 1]),
    notes=("Rows as they come.",),
    warnings=("Not a rate.",),
)
RESULT = Result(result_documents.of(TABLE))


def test_a_result_says_what_it_is_and_where_it_comes_from() -> None:
    assert RESULT.rows == [
        {"location": "Utah", "mean": 22.75, "count": 2},
        {"location": "Ohio", "mean": None, "count": None},
        {"location": None, "mean": 0.1 + 0.2, "count": 2**53 + 1},
    ]
    assert list(RESULT) == RESULT.rows
    assert len(RESULT) == 3
    assert [column.name for column in RESULT.columns] == ["location", "mean", "count"]
    assert (RESULT.notes, RESULT.warnings) == (("Rows as they come.",), ("Not a rate.",))
    assert (RESULT.statistic, RESULT.parameters, RESULT.dataset) == ("states_mean", {"question": "Q"}, "cdc")
    assert (RESULT.fingerprint, RESULT.method_version, RESULT.citation) == ("f" * 64, 3, "Cite this.")


def test_what_the_server_writes_is_read_whole() -> None:
    again = Result.read(document.encode(RESULT.document))
    assert again == RESULT
    assert again != Result(result_documents.of(TABLE, fingerprint="0" * 64))
    assert again != RESULT.rows


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(NotMeantime):
        Result.read(b'{"status":"done"}')


# Carrying it on


@pytest.mark.parametrize("suffix", FORMS)
def test_it_is_saved_as_the_server_writes_it(suffix: str, tmp_path: Path) -> None:
    saved = RESULT.save(str(tmp_path / f"best.{suffix.upper()}"))
    if suffix == "xlsx":
        assert saved.stat().st_size > 0  # it has a time in it
    else:
        assert saved.read_bytes() == b"".join(FORMS[suffix].pieces(RESULT.document))


@pytest.mark.parametrize("name", ["best.doc", "best", ".csv"])
def test_a_form_that_there_is_not_lists_those_there_are_and_makes_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotAcceptable, match=r"There are: \.json, \.csv"):
        RESULT.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_pandas_keeps_what_is_not_there_and_whole_numbers_whole() -> None:
    frame = RESULT.to_pandas()
    assert list(frame.columns) == ["location", "mean", "count"]
    assert frame["mean"].tolist()[0] == 22.75
    assert frame["count"].tolist()[2] == 2**53 + 1
    assert frame.isna().sum().to_dict() == {"location": 1, "mean": 1, "count": 1}


def test_polars_keeps_what_is_not_there_and_whole_numbers_whole() -> None:
    assert RESULT.to_polars().to_dicts() == RESULT.rows


def test_arrow_keeps_all_of_it_and_what_the_columns_mean() -> None:
    table = RESULT.to_arrow()
    assert table.to_pylist() == RESULT.rows
    assert table.schema.field("mean").metadata == {b"meaning": b"mean of the rows", b"unit": b"percent"}


def test_a_result_without_rows_keeps_its_columns_kinds() -> None:
    empty = Result(result_documents.of(Table(columns=(LOCATION, MEAN, COUNT), data=([], [], []))))
    assert [str(kind) for kind in empty.to_polars().dtypes] == ["String", "Float64", "Int64"]
    assert [str(kind) for kind in empty.to_arrow().schema.types] == ["string", "double", "int64"]
    assert [str(kind) for kind in empty.to_pandas().dtypes][1:] == ["Float64", "Int64"]


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_a_library_that_is_not_installed_is_named_with_the_line_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # how Python itself marks what cannot be imported
    convert = {"pandas": RESULT.to_pandas, "polars": RESULT.to_polars, "pyarrow": RESULT.to_arrow}[name]
    with pytest.raises(PackageMissing, match=f"pip install {name}"):
        convert()


# For the eye


def test_it_is_shown_short_with_what_was_asked_and_what_to_beware_of() -> None:
    assert repr(RESULT).splitlines() == [
        "states_mean of cdc: question Q",
        "",
        "location  mean                  count",
        "Utah      22.8                      2",
        "Ohio",
        "           0.3  9,007,199,254,740,993",
        "",
        "Rows as they come.",
        "Warning: Not a rate.",
    ]


def test_of_a_long_result_the_first_rows_are_shown_and_the_rest_is_counted() -> None:
    long = Result(result_documents.of_names(*(f"Place {number}" for number in range(1234))))
    for shown in (repr(long), long._repr_html_()):
        assert "Place 9" in shown
        assert "Place 10" not in shown
        assert "and 1,224 more rows" in shown


@pytest.mark.parametrize("text", result_documents.HOSTILE)
def test_no_text_from_a_file_is_a_command_to_a_terminal_or_html(text: str) -> None:
    for hostile in (
        Result(result_documents.of_names(text)),
        Result(result_documents.of(TABLE, dataset=text, parameters={"question": text})),
        Result(result_documents.of(Table(columns=(LOCATION,), data=([],), notes=(text,), warnings=(text,)))),
    ):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in _but_line_ends(hostile))
        assert "<script>" not in hostile._repr_html_()


def _but_line_ends(result: Any) -> str:
    return repr(result).replace("\n", "")


def test_in_a_notebook_columns_say_what_they_mean() -> None:
    html = RESULT._repr_html_()
    assert '<th title="mean of the rows">mean (percent)</th>' in html
    assert "<td>22.8</td>" in html
    assert "Warning: Not a rate." in html


# Charts


def test_a_chart_is_one_of_altair_and_the_one_that_the_server_draws() -> None:
    drawn = RESULT.chart()
    assert isinstance(drawn, alt.LayerChart)
    written = json.loads(b"".join(FORMS["vl.json"].pieces(RESULT.document)))
    assert drawn.to_dict()["layer"] == written["layer"]
    assert drawn.to_dict()["description"] == written["description"]


def test_without_altair_there_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(PackageMissing, match="pip install altair"):
        RESULT.chart()


def test_a_chart_that_cannot_be_drawn_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    other = Result(result_documents.of(TABLE, statistic="summary"))
    with pytest.raises(NotAcceptable, match="no chart"):
        other.save(tmp_path / "x.png")
    with pytest.raises(NotAcceptable, match="they have means"):
        RESULT.chart("pie")
    assert list(tmp_path.iterdir()) == []
