from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.cube import (
    ABSENT,
    AXES,
    Cells,
    Cube,
    Labels,
    Marginal,
    Moments,
    Period,
    ValueType,
    exact,
)
from meantime.dataset.rolling_up import cube_of, roll_up
from tests.support import factories
from tests.support.factories import cube, row
from tests.support.tables import Row, tables
from tests.support.whole import whole


def _label(one: Mapping[str, Any], axis: str) -> object:
    match axis:
        case "value_type":
            return ValueType(one.get("value_type", ""), one.get("unit", ""))
        case "period":
            return Period._make(one["period"]) if "period" in one else None
        case _:
            return one.get(axis)


def _named(rolled: Cube, axes: Iterable[str], codes: Sequence[int]) -> tuple[object, ...]:
    return tuple(
        None if code == ABSENT else getattr(rolled.labels, AXES[axis])[code]
        for axis, code in zip(axes, codes, strict=True)
    )


def _groups(rows: Iterable[Row], axes: Iterable[str]) -> dict[tuple[object, ...], list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for one in rows:
        groups[tuple(_label(one, axis) for axis in axes)].append(one)
    return groups


def _assert_moments(moments: Moments, index: int, rows: Sequence[Row], scale: int) -> None:
    values = [Fraction(Decimal(one["value"])) * 10**scale for one in rows if one["value"] is not None]
    assert moments.count[index] == len(values)
    assert moments.total[index] == sum(values)
    assert moments.squares[index] == sum(value * value for value in values)
    assert moments.minimum[index] == min(values, default=0)
    assert moments.maximum[index] == max(values, default=0)
    assert moments.withheld[index] == len(rows) - len(values)


def _assert_same(one: Cube, other: Cube) -> None:
    """Array by array and type by type; equal bytes also tell minus zero from zero, and one NaN from another."""
    assert (one.labels, one.scale) == (other.labels, other.scale)
    for name in ("cells", "by_question", "by_location", "by_stratum"):
        left, right = (
            each.by_question if name == "by_question" else getattr(whole(each), name) for each in (one, other)
        )
        for ours, theirs in ((left, right), (left.moments, right.moments)):
            for field in fields(ours):
                a, b = getattr(ours, field.name), getattr(theirs, field.name)
                if isinstance(a, np.ndarray):
                    assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
                    assert a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes(), field.name


@given(rows=tables)
def test_every_cell_equals_a_computation_in_fractions(rows: list[Row]) -> None:
    rolled = cube(rows)
    cells = whole(rolled).cells
    groups = _groups(rows, AXES)
    assert {_named(rolled, AXES, key) for key in cells.keys.tolist()} == groups.keys()
    assert len(cells) == len(groups)
    assert rolled.rows == len(rows)
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    for index, reason, count in zip(
        cells.withheld_cell.tolist(), cells.withheld_reason.tolist(), cells.withheld_count.tolist(), strict=True
    ):
        assert rolled.labels.reasons[reason] not in reasons[index]
        reasons[index][rolled.labels.reasons[reason]] = count
    for index, key in enumerate(cells.keys.tolist()):
        group = groups[_named(rolled, AXES, key)]
        _assert_moments(cells.moments, index, group, rolled.scale)
        assert cells.rows[index] == len(group)
        assert reasons[index] == Counter(one.get("reason", "empty") for one in group if one["value"] is None)


@given(rows=tables)
def test_every_marginal_equals_a_computation_in_fractions_and_its_mean_is_rounded_once(rows: list[Row]) -> None:
    rolled = cube(rows)
    for marginal in (rolled.by_question, whole(rolled).by_location, whole(rolled).by_stratum):
        groups = _groups(rows, marginal.axes)
        assert len(marginal.keys) == len(groups)
        for index, key in enumerate(marginal.keys.tolist()):
            group = groups[_named(rolled, marginal.axes, key)]
            _assert_moments(marginal.moments, index, group, rolled.scale)
            values = [Fraction(Decimal(one["value"])) for one in group if one["value"] is not None]
            mean = marginal.mean[index]
            assert (mean == float(sum(values) / len(values))) if values else np.isnan(mean)


@given(rows=tables)
def test_keys_ascend_and_a_question_finds_its_entries(rows: list[Row]) -> None:
    rolled = cube(rows)
    every = whole(rolled)
    for keys in (every.cells.keys, rolled.by_question.keys, every.by_location.keys, every.by_stratum.keys):
        assert keys.tolist() == sorted(map(list, {tuple(key) for key in keys.tolist()}))
    for name, code in rolled.question_codes.items():
        assert rolled.labels.questions[code] == name
        block = rolled.block(code)
        for part in (block.cells, block.by_location, block.by_stratum):
            assert set(part.keys[:, 0].tolist()) == {code}
        assert every.cells.keys[rolled.cells_of(code)].tolist() == block.cells.keys.tolist()
    assert [rolled.labels.locations[code] for code in rolled.location_codes.values()] == list(rolled.location_codes)


@given(rows=tables)
def test_an_outline_tells_what_the_cells_are(rows: list[Row]) -> None:
    rolled = cube(rows)
    every = whole(rolled).cells
    for code in rolled.question_codes.values():
        outline, cells = rolled.outline(code), rolled.block(code).cells
        assert outline.periods == tuple(sorted(set(cells.keys[:, 5].tolist())))
        assert outline.value_types == tuple(sorted(set(cells.keys[:, 4].tolist())))
        pairs = list(zip(cells.keys[:, 2:4].tolist(), cells.moments.count.tolist(), strict=True))
        assert [group[:2] for group in outline.groups] == sorted({tuple(pair) for pair, _ in pairs})
        for category, stratum, number, with_value in outline.groups:
            counts = [count for pair, count in pairs if pair == [category, stratum]]
            assert (number, with_value) == (len(counts), sum(count > 0 for count in counts))
        reasons: Counter[int] = Counter()
        for reason, number in zip(cells.withheld_reason.tolist(), cells.withheld_count.tolist(), strict=True):
            reasons[reason] += number
        assert dict(outline.reasons) == dict(reasons)
    assert rolled.location_cells.tolist() == [
        every.keys[:, 1].tolist().count(code) for code in range(len(rolled.labels.locations))
    ]


@given(rows=tables, data=st.data())
def test_cells_are_picked_by_their_indices_of_any_questions(rows: list[Row], data: st.DataObject) -> None:
    rolled = cube(rows)
    every = whole(rolled).cells
    chosen = data.draw(st.lists(st.integers(0, rolled.cell_count - 1), max_size=10)) if rows else []
    cells = np.array(chosen, dtype=np.int64)
    picked = rolled.pick(cells)
    assert picked.keys.tolist() == every.keys[cells].tolist()
    for field in fields(Moments):
        assert getattr(picked.moments, field.name).tolist() == getattr(every.moments, field.name)[cells].tolist()
    assert picked.count.tolist() == every.moments.count[cells].tolist()
    assert picked.rows.tolist() == every.rows[cells].tolist()
    for name in ("low", "high", "sample_size"):
        np.testing.assert_array_equal(getattr(picked, name), getattr(every, name)[cells])


@given(rows=tables)
def test_labels_are_sorted_and_each_is_used(rows: list[Row]) -> None:
    rolled = cube(rows)
    for index, name in enumerate(AXES.values()):
        labels = getattr(rolled.labels, name)
        assert list(labels) == sorted(set(labels))
        assert set(whole(rolled).cells.keys[:, index].tolist()) - {ABSENT} == set(range(len(labels)))
    assert set(whole(rolled).cells.footnote.tolist()) - {ABSENT} == set(range(len(rolled.labels.footnotes)))
    assert set(whole(rolled).cells.withheld_reason.tolist()) == set(range(len(rolled.labels.reasons)))


@given(rows=tables, data=st.data())
def test_any_order_gives_the_same_cube(rows: list[Row], data: st.DataObject) -> None:
    _assert_same(cube(data.draw(st.permutations(rows))), cube(rows))


@given(rows=tables)
def test_canonical_cells_give_their_cube_again(rows: list[Row]) -> None:
    rolled = cube(rows)
    _assert_same(cube_of(rolled.labels, whole(rolled).cells, scale=rolled.scale), rolled)
    _assert_same(roll_up(rolled.labels, whole(rolled).cells, scale=rolled.scale), rolled)


def test_a_cell_of_one_row_keeps_what_it_was_published_with() -> None:
    rolled = cube([row(value="28.8", low=28.1, high=29.5, sample_size=62562, footnote="small")])
    cells = whole(rolled).cells
    assert (cells.low[0], cells.high[0], cells.sample_size[0]) == (28.1, 29.5, 62562)
    assert rolled.labels.footnotes[cells.footnote[0]] == "small"


def test_a_withheld_row_keeps_its_footnote_and_counts_nowhere_else() -> None:
    rolled = cube([row(value=None, reason="~", footnote="suppressed")])
    assert rolled.labels.footnotes == ("suppressed",)
    assert rolled.withheld_by_reason() == {"~": 1}
    assert rolled.by_question.moments.count.tolist() == [0]
    assert np.isnan(rolled.by_question.mean).all()


def test_a_mixed_cell_has_no_limits_no_sample_size_and_no_footnote() -> None:
    one = row(value="1", low=0.5, high=1.5, sample_size=10, footnote="small")
    for other in (one, row(value=None, footnote="other")):
        rolled = cube([one, other])
        assert len(whole(rolled).cells) == 1
        assert np.isnan(
            [whole(rolled).cells.low[0], whole(rolled).cells.high[0], whole(rolled).cells.sample_size[0]]
        ).all()
        assert whole(rolled).cells.footnote.tolist() == [ABSENT]
        assert rolled.labels.footnotes == ()


def test_a_cube_of_no_rows_is_empty() -> None:
    empty = cube([])
    assert (empty.rows, len(whole(empty).cells), empty.scale) == (0, 0, 0)
    assert empty.withheld_by_reason() == {}
    assert empty.starts.tolist() == [0]
    for marginal in (empty.by_question, whole(empty).by_location, whole(empty).by_stratum):
        assert (len(marginal.keys), len(marginal.moments)) == (0, 0)


def test_empty_columns_of_python_integers_come_out_as_int64() -> None:
    empty = whole(cube([])).cells
    wide = np.array([], dtype=object)
    moments = Moments(
        count=empty.moments.count,
        total=wide,
        squares=wide,
        minimum=wide,
        maximum=wide,
        withheld=empty.moments.withheld,
    )
    cells = Cells(**{field.name: getattr(empty, field.name) for field in fields(Cells)} | {"moments": moments})
    _assert_same(roll_up(cube([]).labels, cells, scale=0), cube([]))


def test_sums_beyond_int64_are_exact() -> None:
    #            value        squares of the two rows
    # 3 * 10^9                9 * 10^18 each: fit in int64, their sum does not
    big = cube([row(value="3000000000"), row(value="3000000000")])
    assert big.by_question.moments.squares.tolist() == [18 * 10**18]
    assert big.by_question.moments.total.dtype == np.int64


@pytest.mark.parametrize("value", [2**62 - 1, 2**62, -(2**62), 2**63 - 1, -(2**63), 2**63, 2**64 + 1])
def test_values_around_the_ends_of_int64_are_added_exactly(value: int) -> None:
    rolled = cube([row("Q", "Utah", str(value)), row("Q", "Utah", str(value)), row("Q", "Ohio", str(-value))])
    assert rolled.by_question.moments.total.tolist() == [value]
    assert whole(rolled).by_location.moments.total.tolist() == [-value, 2 * value]
    assert whole(rolled).by_location.moments.squares.tolist() == [value**2, 2 * value**2]
    assert whole(rolled).by_location.moments.minimum.tolist() == [-value, value]
    assert whole(rolled).by_location.moments.maximum.tolist() == [-value, value]


@pytest.mark.parametrize("value", [2**62 - 1, 2**62, -(2**62) + 1, -(2**62), 2**63 - 1, -(2**63)])
def test_the_same_numbers_have_the_same_type_in_whichever_they_came(value: int) -> None:
    narrow = _cells_of(np.array([value], dtype=np.int64))
    wide = _cells_of(np.array([value], dtype=object))
    labels = cube([row()]).labels
    _assert_same(roll_up(labels, narrow, scale=0), roll_up(labels, wide, scale=0))


def _cells_of(total: Any) -> Cells:
    """One cell whose numbers are all ``total``; its squares are wrong, which nothing here looks at."""
    one = whole(cube([row()])).cells
    moments = Moments(
        count=one.moments.count,
        total=total,
        squares=total,
        minimum=total,
        maximum=total,
        withheld=one.moments.withheld,
    )
    return Cells(**{field.name: getattr(one, field.name) for field in fields(Cells)} | {"moments": moments})


def test_sums_that_cancel_come_back_to_int64() -> None:
    # Each is beyond 2**62, so they are added in Python; 5 is not, and must look like any other 5.
    rolled = cube([row(value=str(2**63 - 1)), row(value=str(-(2**63) + 6))])
    assert rolled.by_question.moments.total.dtype == np.int64
    assert rolled.by_question.moments.total.tolist() == [5]


def test_a_mean_that_doubles_would_round_twice_is_rounded_once() -> None:
    # 0.1 + 0.2 in doubles is 0.30000000000000004; and 2**53 + 1 is no double at all.
    assert cube([row(value="0.1"), row(value="0.2"), row(value="0.0")]).by_question.mean.tolist() == [0.1]
    assert cube([row(value=str(2**53 + 1)), row(value="0")]).by_question.mean.tolist() == [float(2**52 + 0.5)]
    assert cube([row(value="1e-400")]).by_question.mean.tolist() == [0.0]


def test_a_mean_beyond_all_doubles_is_refused() -> None:
    with pytest.raises(OverflowError):
        cube([row(value="1e400")])


def test_withheld_values_are_counted_by_reason_the_most_frequent_first() -> None:
    reasons = ["~", "*", "*", "<5", "N/A"]
    rolled = cube([row(value=None, reason=reason) for reason in reasons])
    assert list(rolled.withheld_by_reason().items()) == [("*", 2), ("<5", 1), ("N/A", 1), ("~", 1)]


def test_groups_with_repeated_labels_are_merged() -> None:
    one = cube([row("Q", value="1"), row("R", value="2")])
    labels = Labels(
        **{field.name: getattr(one.labels, field.name) for field in fields(Labels)} | {"questions": ("Q", "Q")}
    )
    rolled = roll_up(labels, whole(one).cells, scale=0)
    assert rolled.labels.questions == ("Q",)
    assert whole(rolled).cells.moments.total.tolist() == [3]


def test_nothing_can_write_into_a_cube() -> None:
    rolled = cube([row()])
    block = rolled.block(0)
    parts: list[Cells | Marginal] = [block.cells, rolled.by_question, block.by_location, block.by_stratum]
    for part in parts:
        with pytest.raises(ValueError, match="read-only"):
            part.keys[0, 0] = 7
        with pytest.raises(ValueError, match="read-only"):
            part.moments.total[0] = 7


def test_moments_can_be_taken_in_part() -> None:
    moments = cube([row("Q", value="1"), row("R", value="2")]).by_question.moments
    assert moments[1:].total.tolist() == [2]
    assert len(moments[:0]) == 0


def test_integers_become_the_narrowest_array_that_adds_up_safely() -> None:
    assert exact([]).dtype == np.int64
    assert exact([2**62 - 1, -(2**62) + 1]).dtype == np.int64
    assert exact([2**62]).dtype == object


def test_the_factory_counts_in_the_smallest_scale() -> None:
    assert factories.cube([row(value="1.50"), row(value="2e1")]).scale == 1


def test_the_rarest_kind_of_cell_says_in_how_many_locations_a_question_has_a_value_at_least() -> None:
    of = cube(
        [
            *(row("often", place, "1", period=(2019, 2019)) for place in ("Iowa", "Ohio", "Utah")),
            *(row("often", place, "2", period=(2020, 2020)) for place in ("Iowa", "Ohio")),
            row("often", "Utah", None, period=(2020, 2020)),
            row("seldom", "Ohio", None),
        ]
    )
    assert of.labels.questions == ("often", "seldom")
    assert [of.outline(code).fewest_locations for code in (0, 1)] == [2, 0]
