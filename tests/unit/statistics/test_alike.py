"""Which others a location cannot be distinguished from: listed where they are few, and for chosen ones of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from meantime.model import Unwatched
from meantime.statistics.alike import MOST_LISTED
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.answers import refused
from tests.support.factories import row, snapshot
from tests.support.many_places import NATION, QUESTIONS, places

GAPS = {"category": "Sex", "stratum": "Female", "reference_stratum": "Male"}
RANKINGS = [("ranking", {}), ("gap_ranking", GAPS)]
FEW, MANY = places(MOST_LISTED), places(MOST_LISTED + 1)


def answer(name: str, raw: Mapping[str, Any], *, few: bool = False) -> Table:
    return check(name, {"question": QUESTIONS[0], **raw}, FEW if few else MANY).compute(Unwatched())


def lists(table: Table) -> dict[str, list[str] | None]:
    """The others of each location; None where they are not listed."""
    return {
        str(name): None if text is None else str(text).split("; ") if text else []
        for name, text in zip(table.column("location"), table.column("cannot_be_told_apart_from"), strict=True)
    }


def counts(table: Table) -> dict[str, Any]:
    return dict(zip(map(str, table.column("location")), table.column("alike"), strict=True))


@pytest.mark.parametrize(("name", "raw"), RANKINGS)
def test_up_to_so_many_all_others_are_listed(name: str, raw: Mapping[str, Any]) -> None:
    table = answer(name, raw, few=True)
    assert len(table) == MOST_LISTED
    assert {each: len(others or ()) for each, others in lists(table).items()} == counts(table)
    assert not any("alike_of" in note for note in table.notes)


@pytest.mark.parametrize(("name", "raw"), RANKINGS)
def test_of_more_they_are_counted_and_a_note_says_how_to_ask_for_them(name: str, raw: Mapping[str, Any]) -> None:
    table = answer(name, raw)
    assert set(lists(table).values()) == {None}
    assert max(counts(table).values()) > 0
    assert table.notes[-1] == (
        "With 201 locations, those that each cannot be distinguished from are counted (alike), not listed. To list "
        "them for some, name these in alike_of."
    )


@pytest.mark.parametrize(("name", "raw"), RANKINGS)
def test_those_of_chosen_ones_are_listed_and_nothing_else_changes(name: str, raw: Mapping[str, Any]) -> None:
    every = list(lists(answer(name, raw)))
    table = answer(name, {**raw, "alike_of": [every[100], every[0], every[100]]})
    chosen = {each: others for each, others in lists(table).items() if others is not None}
    assert chosen.keys() == {every[0], every[100]}
    assert {each: len(others) for each, others in chosen.items()} == {each: counts(table)[each] for each in chosen}
    # Best first, and it is not among its own others.
    for each, others in chosen.items():
        assert others == sorted(others, key=every.index)
        assert each not in others
    assert (every[0] in chosen[every[100]]) is (every[100] in chosen[every[0]])
    changed = {"cannot_be_told_apart_from"}
    plain = answer(name, raw)
    for column in plain.columns:
        if column.name not in changed:
            assert table.column(column.name) == plain.column(column.name), column.name
    assert table.notes[-1].endswith("not listed, except for the locations in alike_of.")


def test_equal_requests_are_written_in_one_way() -> None:
    first, second = "County 00001", "County 00002"
    one, other = (
        check("ranking", {"question": QUESTIONS[0], "alike_of": names}, MANY).parameters
        for names in ([second, first, second], [first, second])
    )
    assert one == other


def test_a_location_that_is_not_ranked_has_no_others() -> None:
    rows = [row("Q", name, "30", low=28.0, high=32.0) for name in ("Utah", "Ohio")]
    of = snapshot([*rows, row("Q", "Guam", None, reason="~"), row("R", "Iowa")], polarity={"Q": "lower"})
    [problem] = refused("ranking", {"question": "Q", "alike_of": ["Ohio", "Guam"]}, of)
    assert (problem.pointer, problem.code) == ("/alike_of/0", "absent")
    assert problem.detail == ('Guam is not ranked: it is suppressed or missing ("~"). Remove it from alike_of.')
    [unknown] = refused("ranking", {"question": "Q", "alike_of": ["Oiho"]}, of)
    assert (unknown.pointer, unknown.closest) == ("/alike_of/0", ("Ohio", "Iowa"))
    assert unknown.detail == 'The data set has no location "Oiho". Did you mean "Ohio" or "Iowa"?'
    [problem] = refused("gap_ranking", {"question": QUESTIONS[0], **GAPS, "alike_of": [NATION]}, _with_one_group_less())
    assert problem.pointer == "/alike_of/0"


def _with_one_group_less() -> Any:
    rows = [
        row(QUESTIONS[0], name, "30", category="Sex", stratum=stratum, low=28.0, high=32.0)
        for name in ("Utah", "Ohio", NATION)
        for stratum in ("Female", "Male")
    ]
    return snapshot(rows)
