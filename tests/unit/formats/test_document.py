"""The JSON document: everything that a reader needs besides the numbers, and all of it is read back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given

from meantime.errors import NotMeantime
from meantime.formats import document
from meantime.formats.document import ROWS_A_PIECE, Document
from meantime.table import Cell, Column, Heading, Kind, Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, LOCATION, MEAN, of, of_numbers, written


def test_it_says_what_was_asked_of_what_and_what_the_columns_mean() -> None:
    table = Table(
        columns=(LOCATION, MEAN, COUNT),
        data=(["Utah", "Åland"], [0.1 + 0.2, None], [3, 0]),
        notes=("a note",),
        warnings=("a warning",),
        findings=("a finding",),
    )
    values = json.loads(document.encode(of(table)))
    assert values == {
        "statistic": "states_mean",
        "parameters": {"question": "Q"},
        "dataset": "cdc",
        "fingerprint": "f" * 64,
        "method_version": 3,
        "columns": [
            {"name": "location", "kind": "text", "unit": None, "meaning": "where"},
            {"name": "mean", "kind": "number", "unit": "percent", "meaning": "mean of the rows"},
            {"name": "count", "kind": "integer", "unit": None, "meaning": "rows"},
        ],
        "rows": [
            {"location": "Utah", "mean": 0.30000000000000004, "count": 3},
            {"location": "Åland", "mean": None, "count": 0},
        ],
        "findings": ["a finding"],
        "notes": ["a note"],
        "warnings": ["a warning"],
        "citation": "Cite this.",
    }
    assert list(values)[-4:] == ["findings", "notes", "warnings", "citation"]


def test_a_table_without_rows_keeps_its_columns() -> None:
    empty = of_numbers()
    assert json.loads(document.encode(empty))["rows"] == []
    assert document.decode(document.encode(empty)) == empty


def test_what_the_numbers_are_about_is_kept_where_it_is_known() -> None:
    about = Heading(topic="obesity", title="obesity among women", people="women", years="2022", later_years="2023")
    known = replace(of_numbers(1.5), table=replace(of_numbers(1.5).table, about=about))
    assert json.loads(document.encode(known))["about"]["title"] == "obesity among women"
    assert document.decode(document.encode(known)) == known
    assert "about" not in json.loads(document.encode(of_numbers(1.5)))


def test_a_result_of_before_there_were_findings_is_still_read() -> None:
    whole = document.encode(of_numbers(1.5))
    assert document.decode(whole.replace(b'"findings":[],', b"")) == of_numbers(1.5)


def test_names_stay_readable() -> None:
    assert "Åland".encode() in document.encode(result_documents.of_names("Åland"))


@given(result_documents.documents)
def test_whatever_is_written_comes_back_exactly(given_document: Document) -> None:
    back = document.decode(document.encode(given_document))
    assert back == given_document
    for cells, kept in zip(back.table.data, given_document.table.data, strict=True):
        assert written(cells) == written(kept)


@given(result_documents.documents)
def test_a_document_read_in_pieces_is_the_same(given_document: Document) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_DECODED_BYTES", 1)
        assert document.decode(document.encode(given_document)) == given_document


@pytest.mark.parametrize(
    "text", ['},{"location":', '"},{"location":1', "},{", '\\"},{"location":"', ',"},{', '}],"', "},{location:"]
)
def test_texts_that_look_like_rows_do_not_split_them(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Table(columns=(LOCATION, MEAN), data=([text, "Utah", text, text], [1.0, 2.0, None, 4.0]))
    monkeypatch.setattr(document, "_DECODED_BYTES", 1)
    assert document.decode(document.encode(of(rows))).table == rows
    indented = json.dumps(json.loads(document.encode(of(rows))), indent=1).encode()
    assert document.decode(indented).table == rows


def test_rows_with_lists_of_a_later_version_are_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_DECODED_BYTES", 1)
    rows = Table(columns=(LOCATION,), data=(["Ohio", "Utah"],))
    body = document.encode(of(rows)).replace(b'"Ohio"', b'"Ohio","parts":[{"location":"North"},{"location":"South"}]')
    assert document.decode(body).table == rows


@given(result_documents.numbers)
def test_numbers_come_back_as_the_same_doubles_to_any_reader_of_json(number: float) -> None:
    [row] = json.loads(document.encode(of_numbers(number)))["rows"]
    assert row["mean"] == number
    assert math.copysign(1, row["mean"]) == math.copysign(1, number)


def test_a_whole_number_in_a_column_of_doubles_comes_back_as_a_double() -> None:
    [cell] = document.decode(document.encode(of_numbers(3))).table.column("mean")
    assert repr(cell) == "3.0"


def test_a_long_table_comes_in_pieces_and_whole() -> None:
    table = Table(columns=(MEAN,), data=([float(n) for n in range(3 * ROWS_A_PIECE + 1)],))
    pieces = list(document.pieces(of(table)))
    assert len(pieces) == 6
    assert max(map(len, pieces)) < 100_000
    assert document.decode(b"".join(pieces)).table == table


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (Kind.NUMBER, math.nan),
        (Kind.NUMBER, math.inf),
        (Kind.NUMBER, -math.inf),
        (Kind.NUMBER, "1"),
        (Kind.INTEGER, 2**63),
        (Kind.INTEGER, -(2**63) - 1),
        (Kind.INTEGER, 1.0),
        (Kind.TEXT, 1),
    ],
)
def test_a_cell_that_no_form_could_hold_is_refused_rather_than_turned_into_nothing(kind: Kind, cell: Cell) -> None:
    with pytest.raises(ValueError, match="mean has"):
        of(Table(columns=(Column(name="mean", kind=kind, meaning=""),), data=([None, cell],)))


def test_doubles_are_held_whose_sum_would_be_none() -> None:
    table = of_numbers(1.7e308, None, 1.7e308).table
    assert table.column("mean") == [1.7e308, None, 1.7e308]


def test_a_result_has_columns_and_each_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="no columns"):
        of(Table(columns=(), data=()))
    other_case = Column(name="MEAN", kind=Kind.NUMBER, meaning="")
    with pytest.raises(ValueError, match="one name"):
        of(Table(columns=(MEAN, other_case), data=([], [])))


def test_unknown_keys_of_a_later_version_are_ignored() -> None:
    kept = result_documents.of_names("Utah")
    values = json.loads(document.encode(kept))
    values["thoughts"] = [{"code": "x"}]
    values["columns"][0]["role"] = "location"
    values["rows"][0]["more"] = 1
    assert document.decode(json.dumps(values).encode()) == kept


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [{"location": "Utah"}]},
        {"rows": [{"location": "Utah", "mean": "1"}]},
        {"rows": [["Utah", 1.0]]},
        {"rows": {}},
        {"rows": [], "columns": []},
        {"columns": [{"name": "location", "kind": "colour", "unit": None, "meaning": ""}]},
        {"citation": None},
    ],
)
def test_what_is_no_document_is_refused(change: dict[str, object]) -> None:
    values = json.loads(document.encode(result_documents.of_names("Utah"))) | change
    with pytest.raises(NotMeantime):
        document.decode(json.dumps(values).encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"{", b"\xff", b'{"statistic":"\xff"}'])
def test_what_is_not_even_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotMeantime):
        document.decode(body)
