"""What publishers and people write beside the numbers: remarks without a meaning, weeks, words for everyone."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.dataset.cube import Period
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.cells.default_groups import question_groups
from meantime.statistics.check import check
from tests.support.table_files import read, write
from tests.support.whole import whole

SDMX = "DATAFLOW,MEASURE,Measure,REF_AREA,Reference area,SEX,Sex,TIME_PERIOD,OBS_VALUE,OBS_STATUS,Observation status\n"
PULSE = (
    "Indicator,Group,State,Subgroup,Phase,Time Period,Time Period Label,Time Period Start Date,Time Period End Date,"
    "Value,Low CI,High CI,Confidence Interval,Quartile Range\n"
)


def test_a_status_that_says_that_all_is_normal_is_no_footnote(tmp_path: Path) -> None:
    lines = [
        "D,TEA,Tea,AV,Avalon,F,Female,2020,40.5,A,Normal value",
        "D,TEA,Tea,BO,Borduria,F,Female,2020,30.5,B,Break",
        "D,TEA,Tea,CO,Cockaigne,F,Female,2020,,A,Normal value",
    ]
    snapshot = read(write(tmp_path, SDMX + "\n".join(lines) + "\n"))
    assert snapshot.cube.labels.footnotes == ("B (Break)",)
    assert snapshot.cube.withheld_by_reason() == {"empty": 1}


def test_a_letter_that_is_a_flag_elsewhere_stays_one(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, "Indicator,Place,Value,Flag\nTea,Avalon,40,A\n"))
    assert snapshot.cube.labels.footnotes == ("A",)


def test_weeks_of_the_household_pulse_survey_do_not_share_cells(tmp_path: Path) -> None:
    week = 'Nap,By Sex,United States,Female,1,{n},"{label}",{start},{end},{value},24.0,{high},"24.0 - {high}",\n'
    lines = [
        week.format(n=1, label="Apr 23 - May 5, 2020", start="04/23/2020", end="05/05/2020", value=26.1, high=28.2),
        week.format(n=2, label="May 7 - May 12, 2020", start="05/07/2020", end="05/12/2020", value=27.3, high=29.4),
        week.format(n=22, label="Dec 9, 2020 - Jan 4, 2021", start="12/09/2020", end="01/04/2021", value=29, high=31),
    ]
    snapshot = read(write(tmp_path, PULSE + "".join(lines)))
    assert whole(snapshot.cube).cells.rows.tolist() == [1, 1, 1]
    assert snapshot.cube.labels.periods == (Period(2020, 2020), Period(2020, 2021))
    asked = {"question": "Nap", "category": "By Sex", "stratum": "Female", "years": "2020"}
    with pytest.raises(RequestInvalid, match="May 7 - May 12, 2020"):
        check("estimate", asked, snapshot)
    answer = check("estimate", {**asked, "value_type": "May 7 - May 12, 2020"}, snapshot).compute(Unwatched())
    assert list(answer.column("estimate")) == [27.3]


def test_files_of_one_table_in_several_encodings_are_said(tmp_path: Path) -> None:
    header = "Indicator,Place,Value\n"
    (tmp_path / "set").mkdir()
    write(tmp_path / "set", header + "Tea,Åland,1\n", name="a.csv")
    write(tmp_path / "set", header + "Tea,Zürich,2\n", name="b.csv", encoding="cp1252")
    write(tmp_path / "set", header + "Tea,Utah,2\n", name="c.csv", encoding="utf-8-sig")
    about = read(tmp_path / "set").about
    [said] = [each for each in about.warnings if "several encodings" in each]
    assert said.startswith(
        'The files of this table were read in several encodings: "a.csv" and "c.csv" as utf-8 and "b.csv" as cp1252.'
    )


def test_files_with_and_without_a_byte_order_mark_have_one_encoding(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set", "Indicator,Place,Value\nTea,Åland,1\n", name="a.csv")
    write(tmp_path / "set", "Indicator,Place,Value\nTea,Utah,1\n", name="b.csv", encoding="utf-8-sig")
    assert not [each for each in read(tmp_path / "set").about.warnings if "encoding" in each]


def test_words_for_everyone_are_known_beside_groups(tmp_path: Path) -> None:
    words = ("All", "Both sexes", "Persons", "Total", "males and females")
    rows = [
        f"Of {everyone},Avalon,{sex},{value}\n"
        for everyone in words
        for sex, value in (("Female", 1), ("Male", 3), (everyone, 2))
    ]
    snapshot = read(write(tmp_path, "Indicator,Place,Sex,Value\n" + "".join(rows)))
    assert snapshot.cube.labels.questions == tuple(f"Of {everyone}" for everyone in words)
    for at, everyone in enumerate(words):
        answer = check("estimate", {"question": f"Of {everyone}"}, snapshot).compute(Unwatched())
        assert list(answer.column("estimate")) == [2.0], everyone
        groups = question_groups(snapshot.cube, at)
        assert groups.has_total, everyone
        assert groups.reference == ("", "Female"), everyone


def test_everyone_of_all_columns_comes_before_everyone_of_one(tmp_path: Path) -> None:
    lines = ["Sex,Both sexes,5", "Total,Total,7", "Sex,Female,6"]
    table = "Indicator,Place,StratificationCategory1,Stratification1,Value\n" + "".join(
        f"Tea,Avalon,{line}\n" for line in lines
    )
    answer = check("estimate", {"question": "Tea"}, read(write(tmp_path, table))).compute(Unwatched())
    assert list(answer.column("estimate")) == [7.0]
