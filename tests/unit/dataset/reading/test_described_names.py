"""Names in TOML and options are those that people see: case, spaces and the composition of letters do not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.errors import RolesMissing
from tests.support.table_files import means, read, write

TABLE = (
    "A\u030area Name,Year,Tea drinkers,Deaths\n"
    "Avalon,2020,40,7\nAvalon,2021,42,8\nBorduria,2020,30,9\nBorduria,2021,33,9\n"
)


def test_columns_are_found_however_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE)
    write(
        tmp_path,
        'question = "Tea"\n[columns]\nlocation = " \u00e5REA  name "\nvalue = "tea Drinkers"\n',
        name="table.csv.toml",
    )
    snapshot = read(path)
    assert snapshot.about.roles["location"] == "A\u030area Name"
    assert means(snapshot) == {("Tea", "Avalon"): 41.0, ("Tea", "Borduria"): 31.5}


def test_questions_are_found_however_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, "Indicator,Location,Value\nTea  drunk,Avalon,1\nCaf\u00e9s,Avalon,2\n")
    toml = '[questions."tea drunk"]\nunit = "cups"\n[questions."CAFE\u0301S"]\npolarity = "lower"\n'
    write(tmp_path, toml + '[questions."Cafes"]\nunit = "doors"\n', name="table.csv.toml")
    about = read(path).about
    assert [(each.unit, each.polarity) for each in about.questions] == [(None, "lower"), ("cups", None)]
    [warning] = [each for each in about.warnings if "not in the data" in each]
    assert '"Cafes" (did you mean "Caf\u00e9s"?)' in warning
    assert "tea drunk" not in warning


def test_columns_to_turn_are_found_however_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE)
    write(tmp_path, '[wide]\nquestion = ["tea  drinkers", "DEATHS"]\n', name="table.csv.toml")
    assert read(path, columns={"location": "A\u030area Name"}).cube.labels.questions == ("Deaths", "Tea drinkers")


def test_a_name_that_fits_several_columns_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "Indicator,Place,RATE,Rate\nTea,Avalon,1,2\n")
    assert read(path, columns={"value": "Rate"}, into=tmp_path / "a").about.roles["value"] == "Rate"
    with pytest.raises(RolesMissing, match='There is no column "rate" for the role value'):
        read(path, columns={"value": "rate"}, into=tmp_path / "b")
