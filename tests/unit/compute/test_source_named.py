"""What people say of a table once (its source, publisher, license) is in every form of what is computed from it."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest

from meantime.compute.local import document_of
from meantime.dataset.reading.description import check_settings
from meantime.errors import DescriptionInvalid
from meantime.formats import document, registry
from meantime.model import Unwatched
from meantime.statistics.check import check
from tests.support.table_files import read, write

TABLE = "Place,Year,Percent,Low,High\nAvalon,2020,41.5,40,43\nBorduria,2020,35.2,34,37\n"
SAID = {
    "question": "Adults who drink tea",
    "source": "Health Survey 2019",
    "publisher": "Health Office of Ruritania",
    "url": "https://health.example/tea.csv",
    "license": "CC BY 4.0",
    "updated": "2020-03-01",
}
SOURCE = "Health Survey 2019, Health Office of Ruritania, updated 2020-03-01, https://health.example/tea.csv, CC BY 4.0"
COLUMNS = {"location": "Place"}


def result(folder: Path, settings: dict[str, str]) -> document.Document:
    snapshot = read(write(folder, TABLE), columns=COLUMNS, settings=settings)
    prepared = check("estimate", {"question": "Adults who drink tea"}, snapshot)
    return document_of(prepared, "tea", Unwatched())


def test_what_is_said_once_is_in_every_form(tmp_path: Path) -> None:
    made = result(tmp_path, SAID)
    assert made.source == SOURCE
    assert made.citation.endswith(f"Computed by Meantime. Source: {SOURCE}.")
    assert document.decode(document.encode(made)).source == SOURCE
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(registry.FORMATS["xlsx"].pieces(made))))["About"]
    assert ["Source", SOURCE] in [[cell.value for cell in row[:2]] for row in sheet.iter_rows()]
    chart = b"".join(registry.FORMATS["vl.json"].pieces(made)).decode()
    assert "Source: Health Survey 2019, Health Office of Ruritania" in chart


def test_the_file_next_to_the_data_says_the_same_and_comes_after_the_command(tmp_path: Path) -> None:
    lines = [f'{key} = "{text}"\n' for key, text in (SAID | {"publisher": "Somebody else"}).items()]
    (tmp_path / "table.csv.toml").write_text("".join(lines), encoding="utf-8")
    assert result(tmp_path, {"publisher": "Health Office of Ruritania"}).source == SOURCE


def test_where_nothing_is_said_nothing_changes(tmp_path: Path) -> None:
    plain = read(write(tmp_path, TABLE), columns=COLUMNS, settings={"question": "Q"}, into=tmp_path / "p")
    said = read(write(tmp_path, TABLE), columns=COLUMNS, settings={"question": "Q", "source": "S"}, into=tmp_path / "s")
    assert plain.fingerprint != said.fingerprint
    assert b'"source"' not in document.encode(result(tmp_path, {"question": "Adults who drink tea"}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"titel": "x"}, r'--set has no "titel" .did you mean "title"'),
        ({"level": "high"}, "level must be a number"),
        ({"decimal_mark": "x"}, "decimal_mark"),
    ],
)
def test_what_cannot_be_set_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(DescriptionInvalid, match=message):
        check_settings(settings)
