"""Which breaks a table's questions have: by publisher, by their words, and by the TOML file next to the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from meantime.dataset.cube import Period
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.select import select
from meantime.statistics.families.trend import STATISTIC, Trend
from tests.support.table_files import read, write

OBESITY, HEALTH = "Obesity among adults", "Fair or poor health"
ONLINE = 'year = 2014\nreason = "interviews moved to the web"\nsource = "Report 7"\n'


def table(folder: Path, toml: str = "", *, source: str = "", years: range = range(2008, 2020)) -> Snapshot:
    """A table of both questions; it has a column for the source only where one is given."""
    folder.mkdir(exist_ok=True)
    more = ",DataSource" if source else ""
    lines = [f"Question,LocationDesc,Year,Data_Value,Data_Value_Unit,Low_Confidence_Limit,High_Confidence_Limit{more}"]
    lines += [
        f"{question},{place},{year},{value},%,{value - 2},{value + 2}{',' + source if source else ''}"
        for question in (OBESITY, HEALTH)
        for place, value in (("Ohio", 30), ("Utah", 24))
        for year in years
    ]
    path = write(folder, "\n".join(lines), "health.csv")
    if toml:
        write(folder, toml, "health.csv.toml")
    return read(path)


@pytest.fixture(scope="module")
def of_source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Snapshot]:
    """Tables without a TOML file, by their source. Each is read once."""

    @cache
    def made(source: str) -> Snapshot:
        return table(tmp_path_factory.mktemp("plain"), source=source)

    return made


def breaks(snapshot: Snapshot, question: str) -> list[int]:
    return [each.year for each in select(snapshot, CellParameters(question=question)).breaks]


def kept(snapshot: Snapshot) -> list[object]:
    """What the snapshot itself keeps of breaks, by question."""
    return [each.breaks for each in snapshot.about.questions]


def test_a_declared_break_belongs_to_its_questions_and_is_warned_of(tmp_path: Path) -> None:
    snapshot = table(tmp_path, f'[[breaks]]\n{ONLINE}questions = ["{HEALTH}"]\n')
    assert (breaks(snapshot, OBESITY), breaks(snapshot, HEALTH)) == ([2011], [2014])
    answer = STATISTIC.answer(snapshot, Trend(question=HEALTH))
    [warning] = [each for each in answer.warnings if "break in 2014" in each]
    assert "interviews moved to the web" in warning
    assert "(Report 7)" in warning
    assert snapshot.about.warnings == ()


def test_without_questions_the_whole_table_has_the_break(tmp_path: Path) -> None:
    snapshot = table(tmp_path, f"[[breaks]]\n{ONLINE}")
    assert (breaks(snapshot, OBESITY), breaks(snapshot, HEALTH)) == ([2011, 2014], [2014])


def test_a_declared_break_stands_in_place_of_a_known_one_of_the_same_year(tmp_path: Path) -> None:
    snapshot = table(tmp_path, '[[breaks]]\nyear = 2011\nreason = "a new sample"\nsource = "Report 8"\n')
    [of_obesity] = select(snapshot, CellParameters(question=OBESITY)).breaks
    assert (of_obesity.year, of_obesity.reason) == (2011, "a new sample")


def test_a_break_outside_the_years_of_the_data_has_no_effect_and_a_warning_says_so(
    tmp_path: Path, of_source: Callable[[str], Snapshot]
) -> None:
    outside = (2008, 2020, 1990)
    snapshot = table(tmp_path, "".join(f"[[breaks]]\n{ONLINE.replace('2014', str(year))}" for year in outside))
    for year in outside:
        [warning] = [each for each in snapshot.about.warnings if f"The break in {year}" in each]
        assert "has no effect" in warning
    assert len(snapshot.about.warnings) == len(outside)
    assert snapshot.fingerprint == of_source("").fingerprint


def test_a_break_of_a_question_that_is_not_there_is_named(tmp_path: Path) -> None:
    snapshot = table(tmp_path, f'[[breaks]]\n{ONLINE}questions = ["Obesity amng adults"]\n')
    assert any(
        '"Obesity amng adults" (did you mean "Obesity among adults"?)' in each for each in snapshot.about.warnings
    )


@pytest.mark.parametrize(
    ("source", "of_obesity", "of_health"),
    [
        ("", [2011], []),
        # Who publishes it is not known: the words of the question decide.
        ("Health Office of Ohio", [2011], []),
        ("BRFSS", [2011], [2011]),
        ("CDC Behavioral Risk Factor Surveillance System 2019", [2011], [2011]),
        ("NHIS", [], []),
        ("American Community Survey", [], []),
    ],
)
def test_the_publisher_decides_where_the_table_names_one(
    of_source: Callable[[str], Snapshot], source: str, of_obesity: list[int], of_health: list[int]
) -> None:
    snapshot = of_source(source)
    assert (breaks(snapshot, OBESITY), breaks(snapshot, HEALTH)) == (of_obesity, of_health)


def test_a_table_keeps_breaks_only_where_its_words_do_not_show_them(
    tmp_path: Path, of_source: Callable[[str], Snapshot]
) -> None:
    assert kept(of_source("")) == kept(of_source("Health Office of Ohio")) == [None, None]
    assert kept(table(tmp_path / "late", source="BRFSS", years=range(2012, 2020))) == [None, None]
    assert [each.text for each in of_source("BRFSS").about.questions if each.breaks is not None] == [HEALTH]


def test_a_table_without_years_has_no_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, f"Question,LocationDesc,Data_Value\n{OBESITY},Ohio,30\n", "health.csv")
    write(tmp_path, f"[[breaks]]\n{ONLINE}", "health.csv.toml")
    assert kept(read(path)) == [None]


def test_periods_of_several_years_span_a_break_within_them(tmp_path: Path) -> None:
    lines = ["Question,LocationDesc,YearStart,YearEnd,Data_Value"]
    lines += [f"{HEALTH},Ohio,{first},{first + 2},30" for first in (2010, 2013)]
    path = write(tmp_path, "\n".join(lines), "health.csv")
    write(tmp_path, f"[[breaks]]\n{ONLINE}", "health.csv.toml")
    snapshot = read(path)
    assert snapshot.cube.labels.periods == (Period(2010, 2012), Period(2013, 2015))
    assert [each.year for each in snapshot.about.questions[0].breaks or ()] == [2014]
