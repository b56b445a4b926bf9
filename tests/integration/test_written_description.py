"""The TOML that `meantime inspect --write` writes names every role, and gives the same content."""

from __future__ import annotations

import json
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]  # it ships no types

from meantime.cli.table_description import describe
from tests.support.examples import one_case_in
from tests.support.table_files import read, write

PUBLISHED = tomllib.loads((Path(__file__).parent.parent / "fixtures" / "published_tables.toml").read_text("utf-8"))
LONG = "Indicator,Place,Year,Percent,Lower,Upper,N\n" + "".join(
    f"Tea,{place},{year},{value},{value - 2},{value + 2},900\n"
    for place, value in (("Avalon", 40.5), ("Borduria", 30.5))
    for year in (2020, 2021)
)
FORMS: Mapping[str, str] = {
    "plain": LONG,
    "years": "Indicator,Place,2020,2021\nTea,Avalon,40.5,41\nTea,Borduria,30.5,31\n",
    "groups": "Indicator,Place,Year,Female,Male\nTea,Avalon,2020,40.5,41\nTea,Borduria,2020,30.5,31\n",
    "measures and years": "Place,Tea 2020,Tea 2021,Naps 2020,Naps 2021\nAvalon,1,2,3,4\nBorduria,5,6,7,8\n",
    "one question": "Place,Year,Adults who drink tea\nAvalon,2020,40.5\nBorduria,2020,30.5\n",
    "lines around": f"Tea in two countries\n\n{LONG}\nSource: Survey of tea\n",
    "thousands": "Indicator;Place;Wert;N\nTea;Avalon;1.234,5;2.141\nTea;Borduria;234,25;1.210\n",
    "flags": "Indicator,Place,Value\nTea,Avalon,38.1 e\nTea,Borduria,37\nTea,Cockaigne,:\n",
    "percents": "Indicator,Place,Value\nTea,Avalon,38.1%\nTea,Borduria,37%\n",
    "intervals": "Indicator,Place,Value,CI\nTea,Avalon,38.1,30.1-46\nTea,Borduria,37,36 - 38\n",
    "margins": "Indicator,Place,Value,Margin of error (90%)\nTea,Avalon,38.1,2\nTea,Borduria,37,1\n",
    "years as written": "Indicator,Place,Period,Value\nTea,Avalon,2011/12,38.1\nTea,Borduria,2013 - 15,37\n",
    "names with spaces": 'Indicator,Place,"Value ","Note, ""x"""\nTea,Avalon ,38.1,\nTea,Avalon,37,y\n',
    "counties": "Indicator,State,County,Value\nTea,Utah,Kent,1\nTea,Ohio,Kent,2\n",
    "ids": "Indicator,Location,LocationID,Value\nTea,Kent,1,1\nTea,Kent,2,2\n",
    "topic or category": "Question,Location,Category,Value\nTea,Avalon,Women,1\nTea,Avalon,Men,2\n",
    "copies": LONG + LONG.partition("\n")[2],
}


def assert_described(path: Path, folder: Path, **how: dict[str, str]) -> None:
    before = read(path, into=folder / "before", **how)  # type: ignore[arg-type]
    toml = describe(before.about, how.get("settings", {}))
    (path.parent / f"{path.name}.toml").write_text(toml, encoding="utf-8")
    after = read(path, into=folder / "after")
    assert after.fingerprint == before.fingerprint, toml
    assert after.about.roles == before.about.roles
    named = tomllib.loads(toml)
    assert named["columns"].keys() | (named.keys() & {"question", "location"}) == before.about.roles.keys()
    assert {why for role, why in after.about.why.items() if role in named["columns"]} == {f"named in {path.name}.toml"}


@pytest.mark.parametrize("name", one_case_in(3, PUBLISHED))
def test_a_publishers_table(name: str, tmp_path: Path) -> None:
    published = PUBLISHED[name]
    how = {key: published[key] for key in ("columns", "settings") if key in published}
    assert_described(
        write(tmp_path, published["table"].lstrip("\n"), name=published.get("file", "table.csv")), tmp_path, **how
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_table_of_each_form(form: str, tmp_path: Path) -> None:
    values = {"thousands": "Wert", "one question": "Adults who drink tea"}
    how = {"columns": {"value": values[form]}} if form in values else {}
    assert_described(write(tmp_path, FORMS[form]), tmp_path, **how)


def test_what_was_set_and_named_for_this_run(tmp_path: Path) -> None:
    path = write(tmp_path, "who,n,v\nAvalon,2,1.5\nBorduria,1,-99\n")
    settings = {"question": 'Tea "green"', "missing": "-99", "source": "Survey of tea", "level": "90"}
    assert_described(path, tmp_path, columns={"location": "who", "value": "v", "row_count": "n"}, settings=settings)


def test_a_spreadsheet_an_archive_and_rows_in_json(tmp_path: Path) -> None:
    rows = [line.split(",") for line in LONG.splitlines()]
    book = Workbook()
    book.active.append(rows[0])
    for question, place, *numbers in rows[1:]:
        book.active.append([question, place, *map(float, numbers)])
    book.save(tmp_path / "table.xlsx")
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        archive.writestr("inner.csv", LONG)
    (tmp_path / "table.json").write_text(json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]))
    for name in ("table.xlsx", "table.zip", "table.json"):
        assert_described(tmp_path / name, tmp_path / f"of {name}")
