"""Results of the client: their parts, conversions, files and display."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from meantime import Result
from meantime.errors import NotAcceptable, NotMeantime, PackageMissing
from meantime.formats import document
from meantime.formats.registry import FORMATS
from meantime.table import Heading, Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, LOCATION, MEAN

TABLE = Table(
    columns=(LOCATION, MEAN, COUNT),
    data=(["Utah", "Ohio", None], [22.75, None, 0.1 + 0.2], [2, None, 2**53 + 1]),
    notes=("Rows as they come.",),
    warnings=("Not a rate.",),
)
RESULT = Result(result_documents.of(TABLE))


def test_a_file_of_it_has_a_name_that_says_what_is_in_it() -> None:
    assert RESULT.file_name("xlsx") == "states_mean-cdc-ffffffff.xlsx"
    about = Heading(topic="obesity", title="obesity among women", people="women", years="2023")
    ranking = dataclasses.replace(RESULT.document, statistic="ranking", table=dataclasses.replace(TABLE, about=about))
    assert Result(ranking).file_name("csv") == "obesity-women-2023-ranking.csv"


def test_a_result_has_its_rows_and_its_origin() -> None:
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


def test_a_result_is_read_as_the_server_writes_it() -> None:
    again = Result.read(document.encode(RESULT.document))
    assert again == RESULT
    assert again != Result(result_documents.of(TABLE, fingerprint="0" * 64))
    assert again != RESULT.rows


def test_anything_but_a_result_is_refused() -> None:
    with pytest.raises(NotMeantime):
        Result.read(b'{"status":"done"}')


# Conversions and files


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_saved_file_is_what_the_server_writes(suffix: str, tmp_path: Path) -> None:
    saved = RESULT.save(str(tmp_path / f"best.{suffix.upper()}"))
    if suffix == "xlsx" or not FORMATS[suffix].is_repeatable:
        assert saved.stat().st_size > 0  # an xlsx has a time in it
    else:
        assert saved.read_bytes() == b"".join(FORMATS[suffix].pieces(RESULT.document))


@pytest.mark.parametrize("name", ["best.doc", "best", ".csv"])
def test_an_unknown_suffix_lists_the_known_ones_and_writes_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotAcceptable, match=r"suffixes: \.json, \.csv"):
        RESULT.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_pandas_keeps_missing_values_and_integers() -> None:
    frame = RESULT.to_pandas()
    assert list(frame.columns) == ["location", "mean", "count"]
    assert frame["mean"].tolist()[0] == 22.75
    assert frame["count"].tolist()[2] == 2**53 + 1
    assert frame.isna().sum().to_dict() == {"location": 1, "mean": 1, "count": 1}


def test_polars_keeps_missing_values_and_integers() -> None:
    assert RESULT.to_polars().to_dicts() == RESULT.rows


def test_arrow_keeps_values_units_and_meanings() -> None:
    table = RESULT.to_arrow()
    assert table.to_pylist() == RESULT.rows
    assert table.schema.field("mean").metadata == {b"meaning": b"mean of the rows", b"unit": b"percent"}


def test_a_result_without_rows_keeps_the_types_of_its_columns() -> None:
    empty = Result(result_documents.of(Table(columns=(LOCATION, MEAN, COUNT), data=([], [], []))))
    assert [str(kind) for kind in empty.to_polars().dtypes] == ["String", "Float64", "Int64"]
    assert [str(kind) for kind in empty.to_arrow().schema.types] == ["string", "double", "int64"]
    assert [str(kind) for kind in empty.to_pandas().dtypes][1:] == ["Float64", "Int64"]


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_a_library_that_is_not_installed_is_named_with_its_install_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # how Python marks a module that cannot be imported
    convert = {"pandas": RESULT.to_pandas, "polars": RESULT.to_polars, "pyarrow": RESULT.to_arrow}[name]
    with pytest.raises(PackageMissing, match=f"pip install {name}"):
        convert()


# Display


def test_a_result_is_shown_with_its_request_notes_and_warnings() -> None:
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


def test_a_long_result_shows_its_first_rows_and_counts_the_others() -> None:
    long = Result(result_documents.of_names(*(f"Place {number}" for number in range(1234))))
    for shown in (repr(long), long._repr_html_()):
        assert "Place 9" in shown
        assert "Place 10" not in shown
        assert "and 1,224 more rows" in shown


@pytest.mark.parametrize("text", result_documents.HOSTILE)
def test_no_text_of_a_file_is_a_terminal_command_or_html(text: str) -> None:
    for hostile in (
        Result(result_documents.of_names(text)),
        Result(result_documents.of(TABLE, dataset=text, parameters={"question": text})),
        Result(result_documents.of(Table(columns=(LOCATION,), data=([],), notes=(text,), warnings=(text,)))),
    ):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in _without_line_ends(hostile))
        assert "<script>" not in hostile._repr_html_()


def _without_line_ends(result: Any) -> str:
    return repr(result).replace("\n", "")


def test_a_notebook_shows_the_meaning_of_columns() -> None:
    html = RESULT._repr_html_()
    assert '<th title="mean of the rows">mean (percent)</th>' in html
    assert "<td>22.8</td>" in html
    assert "Warning: Not a rate." in html


# Charts


def test_the_altair_chart_is_the_one_that_the_server_draws() -> None:
    chart = RESULT.chart()
    assert isinstance(chart, alt.LayerChart)
    written = json.loads(b"".join(FORMATS["vl.json"].pieces(RESULT.document)))
    assert chart.to_dict()["layer"] == written["layer"]
    assert chart.to_dict()["description"] == written["description"]


def test_without_altair_the_error_has_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(PackageMissing, match="pip install altair"):
        RESULT.chart()


def test_a_chart_that_does_not_exist_is_refused_and_writes_no_file(tmp_path: Path) -> None:
    other = Result(result_documents.of(TABLE, statistic="summary"))
    with pytest.raises(NotAcceptable, match="no chart"):
        other.save(tmp_path / "x.png")
    with pytest.raises(NotAcceptable, match="they have means"):
        RESULT.chart("pie")
    assert list(tmp_path.iterdir()) == []
