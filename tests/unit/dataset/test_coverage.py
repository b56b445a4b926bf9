from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.coverage import Axes, Coverage, Mark, Presence, axes_of, coverage
from meantime.dataset.cube import ABSENT, Cube
from tests.support import factories


def row(
    question: str = "Q", location: str = "Utah", value: str | None = "1", *, year: int | None = None, **more: Any
) -> dict[str, Any]:
    made = factories.row(question, location, value, **more)
    return made if year is None else {**made, "period": (year, year)}


def whole(cube: Cube, **narrowed: Any) -> Coverage:
    return coverage(cube, axes_of(cube, cube.question_codes["Q"], **narrowed))


def test_a_location_without_rows_is_absent_and_a_year_without_rows_is_left_out() -> None:
    cube = factories.cube(
        [row("Q", "Utah", "1", year=2020), row("Q", "Utah", "2", year=2022), row("R", "Ohio", "1", year=2021)]
    )
    covered = whole(cube)
    assert [cube.labels.locations[code] for code in covered.axes.locations] == ["Ohio", "Utah"]
    assert [cube.labels.periods[code].first for code in covered.axes.periods] == [2020, 2022]
    assert covered.legend == (Mark(Presence.ABSENT), Mark(Presence.PUBLISHED))
    assert covered.marks.tolist() == [[[0, 1], [0, 1]]]
    assert covered.counts() == (2, 2)


def test_withheld_values_differ_from_absent_ones_and_have_reasons() -> None:
    cube = factories.cube(
        [
            row("Q", "Guam", None, reason="~"),
            row("Q", "Guam", None, reason="*"),
            row("Q", "Ohio", None, reason="~"),
            row("Q", "Utah", "1"),
            row("Q", "Utah", None, reason="~"),
        ]
    )
    covered = whole(cube)
    assert covered.legend == (
        Mark(Presence.ABSENT),
        Mark(Presence.WITHHELD, ("*", "~")),
        Mark(Presence.WITHHELD, ("~",)),
        Mark(Presence.MIXED, ("~",)),
    )
    assert covered.marks.tolist() == [[[1, 2, 3]]]


def test_each_side_is_narrowed_to_what_is_named() -> None:
    cube = factories.cube(
        [
            row("Q", location, "1", category=category, stratum=stratum, year=year)
            for location in ("Ohio", "Utah")
            for category, stratum in (("Age", "Old"), ("Sex", "Female"), ("Sex", "Male"))
            for year in (2020, 2021)
        ]
    )
    assert whole(cube).axes.size == 12
    sides: Sequence[Mapping[str, set[int]]] = [
        {"locations": {1}},
        {"categories": {1}},
        {"strata": {0}},
        {"periods": {0}},
    ]
    assert [whole(cube, **side).axes.size for side in sides] == [6, 8, 4, 6]
    one = whole(cube, locations={1}, categories={1}, strata={0}, periods={0})
    assert one.marks.tolist() == [[[1]]]


def test_what_is_not_there_leaves_an_empty_matrix() -> None:
    cube = factories.cube([row("Q", "Utah", "1")])
    for narrowed in ({"locations": {9}}, {"strata": set[int]()}, {"periods": {7}}):
        covered = whole(cube, **narrowed)
        assert covered.axes.size == 0
        assert covered.legend == (Mark(Presence.ABSENT),)
        assert covered.counts() == (0,)


def test_rows_without_category_or_period_have_entries_of_their_own() -> None:
    cube = factories.cube(
        [
            row("Q", "Utah", "1", category=None, stratum=None),
            row("Q", "Utah", "1", year=2020, category="Sex", stratum="Male"),
        ]
    )
    axes = axes_of(cube, 0)
    assert axes.strata[0] == (ABSENT, ABSENT)
    assert axes.periods[0] == ABSENT
    assert coverage(cube, axes).marks.tolist() == [[[1], [0]], [[0], [1]]]


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "question": st.sampled_from("QR"),
            "location": st.sampled_from("ABC"),
            "category": st.sampled_from(["X", "Y", None]),
            "stratum": st.sampled_from(["m", "n"]),
            "year": st.sampled_from([2020, 2021, None]),
            "value": st.sampled_from(["1", None]),
            "reason": st.sampled_from(["~", "*"]),
            "value_type": st.sampled_from(["crude", "adjusted"]),
        }
    ).map(lambda made: {**made, "stratum": made["stratum"] if made["category"] else None}),
    min_size=1,
    max_size=40,
)


@given(_ROWS, st.sets(st.integers(0, 2)))
def test_every_entry_is_what_a_look_through_the_rows_gives(rows: list[dict[str, Any]], locations: set[int]) -> None:
    cube = factories.cube([row(**each) for each in rows])
    labels = cube.labels

    def looked_up(axes: Axes) -> list[Mark]:
        marks = []
        for category, stratum in axes.strata:
            for period in axes.periods:
                for location in axes.locations:
                    here = [
                        each
                        for each in rows
                        if each["question"] == labels.questions[axes.question]
                        and each["location"] == labels.locations[location]
                        and each["category"] == (None if category == ABSENT else labels.categories[category])
                        and each["stratum"] == (None if stratum == ABSENT else labels.strata[stratum])
                        and each["year"] == (None if period == ABSENT else labels.periods[period].first)
                    ]
                    why = tuple(sorted({each["reason"] for each in here if each["value"] is None}))
                    has_value = any(each["value"] for each in here)
                    presence = (
                        (Presence.MIXED if has_value else Presence.WITHHELD)
                        if why
                        else (Presence.PUBLISHED if has_value else Presence.ABSENT)
                    )
                    marks.append(Mark(presence, why))
        return marks

    for question in range(len(labels.questions)):
        for narrowed in (None, locations):
            axes = axes_of(cube, question, locations=narrowed)
            covered = coverage(cube, axes)
            assert [covered.legend[code] for code in covered.marks.ravel().tolist()] == looked_up(axes)
            assert sum(covered.counts()) == axes.size
            assert len(set(covered.legend)) == len(covered.legend)
            assert set(np.unique(covered.marks).tolist()) | {0} == set(range(len(covered.legend)))
