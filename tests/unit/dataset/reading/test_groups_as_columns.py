"""Groups and parts of a year as columns: turned where they are known, else offered with the line to paste."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.errors import RolesMissing, SourceUnreadable
from tests.support.table_files import read, write


@pytest.mark.parametrize(
    "groups",
    [
        ("Total", "White", "Black or African American", "Hispanic"),
        ("Under 18", "18-24", "25 to 64 years", "65+"),
        ("Men (%)", "Women (%)", "Total (%)"),
    ],
)
def test_columns_of_known_groups_are_turned(groups: tuple[str, ...], tmp_path: Path) -> None:
    numbers = ",".join(f"{10 + at}.5" for at in range(len(groups)))
    snapshot = read(write(tmp_path, f"State,Year,{','.join(groups)}\nUtah,2020,{numbers}\n"))
    assert set(snapshot.cube.labels.strata) == {name.removesuffix(" (%)") for name in groups}
    assert snapshot.cube.labels.locations == ("Utah",)


def refused(table: str, folder: Path) -> str:
    with pytest.raises(RolesMissing) as error:
        read(write(folder, table))
    return error.value.reason


def test_groups_of_two_divisions_may_be_questions(tmp_path: Path) -> None:
    reason = refused("State,Men,Women,White,Black\nUtah,1,2,3,4\n", tmp_path)
    assert 'question = ["Men", "Women", "White", "Black"]. If each is a group of people, write stratum' in reason


@pytest.mark.parametrize(
    "names", ["Jan,Feb,Mar", "Jan 2020,Feb 2020,Mar 2020", "Q1 2020,Q2 2020", "January,June,Annual"]
)
def test_parts_of_a_year_are_offered_as_groups(names: str, tmp_path: Path) -> None:
    table = f"State,{names}\nUtah,{','.join('1.5' for _ in names.split(','))}\n"
    listing = ", ".join(f'"{name}"' for name in names.split(","))
    reason = refused(table, tmp_path)
    assert f"the lines [wide] and stratum = [{listing}]. They become groups" in reason
    assert "a question of its own" not in reason


def test_what_is_offered_can_be_pasted(tmp_path: Path) -> None:
    write(tmp_path, '[wide]\nstratum = ["Jan", "Feb"]\n', "table.csv.toml")
    snapshot = read(write(tmp_path, "State,Year,Jan,Feb\nUtah,2020,1.5,2.5\n"))
    assert snapshot.cube.labels.strata == ("Feb", "Jan")


def test_numbers_in_any_form_are_offered_as_values(tmp_path: Path) -> None:
    table = "Région;Année;Taux (%);Effectif\nBretagne;2021;22,5 %;1 234\nCorse;2021;23,5 %;2\u202f345\n"
    assert 'The columns of numbers without a role are "Taux (%)" and "Effectif".' in refused(table, tmp_path)


@pytest.mark.parametrize("values", [("10.5 (0.5)", "12.5 (0.7)"), ("10.5 ± 0.5", "12.5 ±0.7")])
def test_two_numbers_that_nobody_explains_are_refused_with_what_to_do(values: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="Write two numbers into two columns, such as Percent and SE"):
        read(write(tmp_path, f"State,Indicator,Percent\nUtah,Tea,{values[0]}\nOhio,Tea,{values[1]}\n"))


@pytest.mark.parametrize("page", ["<!DOCTYPE html><p>Sign in</p>", "\ufeff\n <html>\n<body>1,2</body>\n</html>\n"])
def test_a_web_page_is_no_table_whatever_its_name_says(page: str, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="is a web page, not a table"):
        read(write(tmp_path, page))
