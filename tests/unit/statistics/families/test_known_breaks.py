"""Where the years of a result span a known break, a warning says so; elsewhere none does."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.registry import STATISTICS
from tests.support import factories

FRUIT = "Percent of adults who report consuming fruit less than one time daily"
OBESITY = "Obesity among adults"
YEARS = (2009, 2010, 2011, 2013, 2015, 2017, 2019, 2021)
LOCATIONS = ("Alaska", "Iowa", "Kansas", "Maine", "Nevada", "Ohio", "Oregon", "Texas", "Utah", "Vermont")


def made(*questions: str) -> Snapshot:
    return factories.snapshot(
        factories.row(
            question=question,
            location=location,
            category="Sex",
            stratum=stratum,
            value=f"{20 + 3 * index + number % 3 + extra}.4",
            low=19.0 + 3 * index + number % 3 + extra,
            high=21.8 + 3 * index + number % 3 + extra,
            sample_size=1500,
            period=(year, year),
        )
        for number, question in enumerate(questions)
        for index, location in enumerate(LOCATIONS)
        for extra, stratum in enumerate(("Female", "Male"))
        for year in YEARS
    )


SNAPSHOT = made(FRUIT, OBESITY, "Naps a week")


def broken(name: str, **parameters: Any) -> list[int]:
    """The years of the breaks that an answer warns of, in its order."""
    statistic = STATISTICS[name]
    values = {"question": FRUIT, "category": "Sex", "stratum": "Female", **parameters}
    table = statistic.answer(SNAPSHOT, statistic.parameters(**values))
    return [year for warning in table.warnings for year in (2006, 2011, 2017) if f" a break in {year}: " in warning]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("estimate", {}),
        ("comparison", {"reference": "Ohio"}),
        ("ranking", {"better": "lower"}),
        ("target", {"target": 25.0}),
        ("distribution", {}),
        ("gap_ranking", {"reference_stratum": "Male"}),
        ("association", {"other": "Naps a week"}),
    ],
)
def test_pooled_years_on_both_sides_of_a_break_have_a_warning(name: str, parameters: dict[str, Any]) -> None:
    assert broken(name, years="2015..2017", **parameters) == [2017]
    assert broken(name, years="2010..2011", **parameters) == [2011]
    assert broken(name, years="2017..2021", **parameters) == []
    assert broken(name, years="2017", **parameters) == []
    assert (
        broken(name, question="Naps a week" if name != "association" else OBESITY, years="2015..2017", **parameters)
        == []
    )


def test_a_break_of_the_other_question_has_a_warning_and_one_of_both_has_it_once() -> None:
    assert broken("association", question="Naps a week", other=FRUIT, years="2015..2017") == [2017]
    assert broken("association", question=OBESITY, other=FRUIT, years="2010..2011") == [2011]


def test_a_change_across_a_break_has_a_warning() -> None:
    assert broken("change", since="2015", years="2017") == [2017]
    assert broken("change", since="2009", years="2021") == [2011, 2017]
    assert broken("change", since="2017", years="2019..2021") == []
    assert broken("change", question=OBESITY, since="2011", years="2021") == []


def test_a_gap_that_is_compared_across_a_break_has_a_warning() -> None:
    assert broken("gap_ranking", reference_stratum="Male", since="2015", years="2017") == [2017]
    assert broken("gap_ranking", reference_stratum="Male", since="2017", years="2021") == []


def test_a_trend_line_across_a_break_has_a_warning_until_it_is_split_there() -> None:
    assert broken("trend") == [2011, 2017]
    assert broken("trend", breaks=(2017,)) == [2011]
    assert broken("trend", breaks=(2011, 2017)) == []
    assert broken("trend", question=OBESITY, years="2011..2021") == []


def test_a_break_that_only_some_methods_of_sensitivity_cross_has_a_warning() -> None:
    assert broken("sensitivity", years="2021", better="lower") == [2017]
    assert broken("sensitivity", years="2017..2021", better="lower") == []


def test_a_warning_names_the_source_and_what_to_do() -> None:
    statistic = STATISTICS["trend"]
    table = statistic.answer(
        SNAPSHOT, statistic.parameters(question=FRUIT, category="Sex", stratum="Female", years="2013..2021")
    )
    assert table.warnings == (
        "The line crosses a break in 2017: the questions on fruit and vegetables were redesigned, so earlier and later "
        "values are not comparable (CDC, Data User's Guide to the BRFSS Fruit and Vegetable Module). breaks=2017 fits "
        "a line to each side.",
    )
