"""Tables as people and publishers write them, a few lines each: what is read of them without an option."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from meantime.dataset.cube import ABSENT
from meantime.dataset.snapshot import Snapshot
from meantime.errors import TooManyRejected
from tests.support.table_files import read, write


def understood(snapshot: Snapshot) -> set[tuple[object, ...]]:
    """Return place, category, stratum, last year, value, limits and footnote of each cell; None where there is none."""
    cube, labels = snapshot.cube, snapshot.cube.labels
    picked = cube.pick(np.arange(cube.cell_count))
    numbers = zip(picked.means.tolist(), picked.low.tolist(), picked.high.tolist(), strict=True)
    found: set[tuple[object, ...]] = set()
    for key, note, row in zip(picked.keys.tolist(), picked.footnote.tolist(), numbers, strict=True):
        _, place, category, stratum, _, period = key
        texts = (
            labels.locations[place],
            None if category == ABSENT else labels.categories[category],
            None if stratum == ABSENT else labels.strata[stratum],
            None if period == ABSENT else labels.periods[period].last,
            *(None if number != number else number for number in row),
            None if note == ABSENT else labels.footnotes[note],
        )
        found.add(texts)
    return found


NO_LIMITS = (None, None)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            "State,Question,Value,Lower,Upper\nA,Tea,1, .5 ,2\u00a0\nB,Tea,1,nan,inf\nC,Tea,3,+1,1_000\n",
            {
                ("A", None, None, None, 1.0, 0.5, 2.0, None),
                ("B", None, None, None, 1.0, *NO_LIMITS, None),
                ("C", None, None, None, 3.0, 1.0, None, None),
            },
            id="limits between spaces, and what is no number",
        ),
        pytest.param(
            "State,2019 Rate,2020 Rate\nAvalon,1,2\n",
            {("Avalon", None, None, 2019, 1.0, *NO_LIMITS, None), ("Avalon", None, None, 2020, 2.0, *NO_LIMITS, None)},
            id="the year before the name",
        ),
        pytest.param(
            "State,Rate 2019,Lower 2019,Upper 2019,Rate 2020,Lower 2020,Upper 2020\nAvalon,1,0.5,2,2,1,3\n",
            {("Avalon", None, None, 2019, 1.0, 0.5, 2.0, None), ("Avalon", None, None, 2020, 2.0, 1.0, 3.0, None)},
            id="limits of each year",
        ),
        pytest.param(
            "Indicator,State,Value 2019,Value 2020\nTea,Avalon,1,\nTea,Borduria,,2\n",
            {
                ("Avalon", None, None, 2019, 1.0, *NO_LIMITS, None),
                ("Borduria", None, None, 2020, 2.0, *NO_LIMITS, None),
            },
            id="years of a value beside a question",
        ),
        pytest.param(
            "Area,Tea 2019,Tea 2020,Tea 2021\nAvalon,1,,: c\n",
            {
                ("Avalon", None, None, 2019, 1.0, *NO_LIMITS, None),
                ("Avalon", None, None, 2021, None, *NO_LIMITS, None),
            },
            id="a year of a question without a number",
        ),
        pytest.param(
            "freq,unit,sex,geo\\TIME_PERIOD,2019,2020\nA,PC,F,AT,1.0 e,2.0\n",
            {("AT", None, "F", 2019, 1.0, *NO_LIMITS, "e"), ("AT", None, "F", 2020, 2.0, *NO_LIMITS, None)},
            id="Eurostat's table with commas",
        ),
        pytest.param(
            "State,Male (%),Female (%)\nAvalon,1,2\n",
            {
                ("Avalon", None, "Male", None, 1.0, *NO_LIMITS, None),
                ("Avalon", None, "Female", None, 2.0, *NO_LIMITS, None),
            },
            id="groups with the sign of percents",
        ),
        pytest.param(
            "Indicator,Place,Demographic Group,Demographic,Percent\nTea,Avalon,Sex,Female,1\nTea,Avalon,Age,18,2\n",
            {
                ("Avalon", "Sex", "Female", None, 1.0, *NO_LIMITS, None),
                ("Avalon", "Age", "18", None, 2.0, *NO_LIMITS, None),
            },
            id="a demographic and its group",
        ),
        pytest.param(
            "Indicator,Place,Breakdown,Breakdown Value,Percent\nTea,Avalon,Sex,Female,1\nTea,Avalon,Age,18,2\n",
            {
                ("Avalon", "Sex", "Female", None, 1.0, *NO_LIMITS, None),
                ("Avalon", "Age", "18", None, 2.0, *NO_LIMITS, None),
            },
            id="a breakdown and its values",
        ),
        pytest.param(
            "Indicator,Place,Value\nTea,A,p38.1\nTea,B,r37\nTea,C,*12.5\nTea,D,~69\nTea,E,>95\n",
            {
                ("A", None, None, None, 38.1, *NO_LIMITS, "p"),
                ("B", None, None, None, 37.0, *NO_LIMITS, "r"),
                ("C", None, None, None, 12.5, *NO_LIMITS, "*"),
                ("D", None, None, None, 69.0, *NO_LIMITS, "~"),
                ("E", None, None, None, None, *NO_LIMITS, None),
            },
            id="flags before numbers",
        ),
        pytest.param(
            'Indicator,Place,Value\nTea,A,"*2,288"\nTea,B,"*1,047"\nTea,C,194\n',
            {
                ("A", None, None, None, 2288.0, *NO_LIMITS, "*"),
                ("B", None, None, None, 1047.0, *NO_LIMITS, "*"),
                ("C", None, None, None, 194.0, *NO_LIMITS, None),
            },
            id="thousands behind a flag",
        ),
        pytest.param(
            "Indicator,Place,Value,Reliability flag\nTea,A,1,Unreliable\n",
            {("A", None, None, None, 1.0, *NO_LIMITS, "Unreliable")},
            id="a flag of reliability",
        ),
        pytest.param(
            "Indicator,Place,Value\nTea,New York,1\nTea,New  York,1\n",
            {("New York", None, None, None, 1.0, *NO_LIMITS, None)},
            id="of two spellings the one with single spaces",
        ),
    ],
)
def test_what_is_read(tmp_path: Path, table: str, expected: set[tuple[object, ...]]) -> None:
    assert understood(read(write(tmp_path, table))) == expected


def test_a_metric_is_a_type_of_value_and_else_the_question(tmp_path: Path) -> None:
    table = "Indicator,Place,Metric,Value\nTea,A,Count,100\nTea,A,Percent,5.5\n"
    kinds = read(write(tmp_path, table), into=tmp_path / "a").cube.labels.value_types
    assert [kind.name for kind in kinds] == ["Count", "Percent"]
    alone = "Metric,Place,Value\nDeaths,A,100\nCases,A,5.5\n"
    assert read(write(tmp_path, alone), into=tmp_path / "b").cube.labels.questions == ("Cases", "Deaths")


def test_all_codes_that_may_stand_for_missing_values_are_named(tmp_path: Path) -> None:
    lines = [f"Tea,P{number},{number + 10}.5" for number in range(20)] + ["Tea,Q,-9999", "Tea,R,999999"]
    about = read(write(tmp_path, "Indicator,Place,Value\n" + "\n".join(lines) + "\n")).about
    assert "missing = [-9999, 999999]" in about.warnings[0]


def test_rows_that_say_nothing_of_what_they_are_about_are_the_cause(tmp_path: Path) -> None:
    with pytest.raises(TooManyRejected, match="do not say what they are about") as refused:
        read(write(tmp_path, "Indicator,Place,Value\nTea,A,1\nTea,B,2\nTotal,,3\n"), rejected_limit=0.05)
    assert "delimiter" not in refused.value.reason
