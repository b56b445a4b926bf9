"""Rows that are exact copies count as every row does in means of rows, and once wherever a published value is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.dataset.cube import Cube
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.explain.source_rows import page
from meantime.table import Cell
from tests.support.examples import one_in
from tests.support.table_files import read, write
from tests.support.whole import whole

HEADER = "Indicator,Location,Year,Percent,Lower,Upper,N,Footnote,Note\n"
AVALON, BORDURIA = "Tea,Avalon,2020,40.0,38.0,42.0,900,,x\n", "Tea,Borduria,2020,30.5,28.5,32.5,800,~,x\n"
OTHER = "Tea,Borduria,2020,30.5,28.5,32.5,800,~,y\n"  # differs in a column that has no role
EACH_ONCE = HEADER + AVALON + BORDURIA


def answer(snapshot: Snapshot, name: str, **parameters: object) -> list[dict[str, Cell]]:
    table = check(name, {"question": "Tea", **parameters}, snapshot).compute(Unwatched())
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows()]


def shape(cube: Cube) -> list[tuple[int, int, float, float]]:
    cells = whole(cube).cells
    return list(
        zip(cells.rows.tolist(), cells.copies.tolist(), cells.low.tolist(), cells.sample_size.tolist(), strict=True)
    )


def test_estimates_take_copies_for_one_and_the_classic_means_count_every_row(tmp_path: Path) -> None:
    once = read(write(tmp_path, EACH_ONCE, name="once.csv"))
    twice = read(write(tmp_path, EACH_ONCE + AVALON + AVALON, name="twice.csv"), into=tmp_path / "twice")
    assert shape(twice.cube) == [(3, 2, 38.0, 900.0), (1, 0, 28.5, 800.0)]
    asked = [("estimate", {}), ("ranking", {"better": "lower"}), ("comparison", {"reference": "Avalon"})]
    for name, more in asked:
        assert answer(twice, name, **more) == answer(once, name, **more), name
    assert [row["count"] for row in answer(twice, "states_mean")] == [1, 3]
    [overall] = answer(twice, "global_mean")
    assert overall["mean"] == pytest.approx((3 * 40.0 + 30.5) / 4)
    notes = check("estimate", {"question": "Tea"}, twice).compute(Unwatched()).notes
    [note] = [each for each in notes if "cop" in each]
    assert note == "1 value is in the table several times, in rows that are exact copies; each counts once."
    [said] = [each for each in twice.about.warnings if "cop" in each]
    assert said.startswith("2 rows are exact copies of another. Statistics of published estimates count them once")
    assert twice.about.copies == 2
    assert twice.fingerprint != once.fingerprint


def test_rows_that_differ_in_any_column_are_no_copies(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, HEADER + BORDURIA + BORDURIA + OTHER))
    cells = whole(snapshot.cube).cells
    assert (cells.rows.tolist(), cells.copies.tolist(), cells.different.tolist()) == ([3], [1], [2])
    assert np.isnan([cells.low, cells.high, cells.sample_size]).all()
    with pytest.raises(RequestInvalid, match="2 rows"):
        check("estimate", {"question": "Tea"}, snapshot)
    [said] = [each for each in snapshot.about.warnings if "differ in" in each]
    assert said.startswith('1 cell has several rows, which differ in "Note".')


def test_copies_of_one_question_are_not_said_to_differ_because_rows_of_another_do(tmp_path: Path) -> None:
    coffee = (AVALON + BORDURIA).replace("Tea", "Coffee")
    snapshot = read(write(tmp_path, EACH_ONCE + AVALON + coffee + OTHER.replace("Tea", "Coffee")))
    assert snapshot.about.rows_differ_in == ("Note",)
    for question, differs in (("Tea", False), ("Coffee", True)):
        said = check("states_mean", {"question": question}, snapshot).compute(Unwatched()).warnings
        assert any("differ in" in warning for warning in said) is differs, question


def test_a_withheld_row_may_be_there_twice(tmp_path: Path) -> None:
    starred = "Tea,Cockaigne,2020,*,,,,,\n"
    snapshot = read(write(tmp_path, EACH_ONCE + starred + starred))
    assert whole(snapshot.cube).cells.copies.tolist() == [0, 0, 1]
    assert snapshot.cube.withheld_by_reason() == {"*": 2}
    assert len(answer(snapshot, "estimate")) == 2


@pytest.mark.parametrize("values", [("1.5", "-2"), ("1e20", "1.5"), ("1e300", "1e-300")], ids=["64", "128", "by value"])
def test_copies_are_found_however_wide_the_numbers(tmp_path: Path, values: tuple[str, str]) -> None:
    first, second = (f"Tea,{place},2020,{value},,,77,,\n" for place, value in zip("AB", values, strict=True))
    mixed = "Tea,B,2020,0,,,77,,\n"
    snapshot = read(write(tmp_path, HEADER + first + first + second + mixed + mixed))
    cells = whole(snapshot.cube).cells
    assert (cells.rows.tolist(), cells.copies.tolist()) == ([2, 3], [1, 1])
    assert cells.sample_size.tolist()[0] == 77
    assert snapshot.cube.pick(np.array([0])).means.tolist() == [float(values[0])]


def test_a_table_is_the_same_however_it_is_cut_into_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = st.lists(st.sampled_from([AVALON, BORDURIA, OTHER, "Tea,Avalon,2021,*,,,,,\n"]), min_size=2, max_size=9)

    # Each reads three files.
    @settings(max_examples=one_in(10), database=None)
    @given(rows.filter(lambda lines: any("*" not in line for line in lines)), st.data())
    def cut(lines: list[str], data: st.DataObject) -> None:
        folder = tmp_path_factory.mktemp("cut")
        whole_file = read(write(folder, HEADER + "".join(lines), name="whole.csv"))
        shuffled = data.draw(st.permutations(lines))
        at = data.draw(st.integers(1, len(lines) - 1))
        (folder / "parts").mkdir()
        write(folder / "parts", HEADER + "".join(shuffled[:at]), name="a.csv")
        write(folder / "parts", HEADER + "".join(shuffled[at:]), name="b.csv")
        parts = read(folder / "parts", into=folder / "into")
        assert parts.fingerprint == whole_file.fingerprint
        different = len(set(lines))
        assert whole(parts.cube).cells.different.sum() == different
        assert parts.about.copies == len(lines) - different

    cut()


def test_a_tally_counts_copies(tmp_path: Path) -> None:
    header = HEADER.replace("Note", "Times")
    lines = AVALON.replace(",x", ",3") + BORDURIA.replace(",x", ",1") + BORDURIA.replace(",x", ",4")
    snapshot = read(write(tmp_path, header + lines), columns={"row_count": "Times"})
    assert shape(snapshot.cube) == [(3, 2, 38.0, 900.0), (5, 4, 28.5, 800.0)]
    assert [row["estimate"] for row in answer(snapshot, "estimate")] == [40.0, 30.5]
    assert not [each for each in snapshot.about.warnings if "cop" in each]
    prepared = check("estimate", {"question": "Tea"}, snapshot)
    rows = page(snapshot, prepared.rests_on({"location": "Borduria", "period": "2020"}), after=None, limit=9).table
    assert rows.column("weight") == [1.0, 0.0]


def test_source_rows_show_copies_and_their_weights_add_up_to_the_number(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts", EACH_ONCE + AVALON, name="a.csv")
    write(tmp_path / "parts", HEADER + AVALON, name="b.csv")
    snapshot = read(tmp_path / "parts")
    rests_on = check("estimate", {"question": "Tea"}, snapshot).rests_on({"location": "Avalon"})
    table = page(snapshot, rests_on, after=None, limit=10).table
    assert table.column("copy_of") == [None, "a.csv, line 2", "a.csv, line 2"]
    assert table.column("weight") == [1.0, 0.0, 0.0]
    assert table.notes[1] == "2 of them are exact copies; equal rows count once, so a copy has the weight 0."
    first = page(snapshot, rests_on, after=None, limit=1)
    second = page(snapshot, rests_on, after=first.after, limit=1)
    assert second.table.column("copy_of") == ["a.csv, line 2"]
    of_mean = check("state_mean", {"question": "Tea", "state": "Avalon"}, snapshot).rests_on({"location": "Avalon"})
    table = page(snapshot, of_mean, after=None, limit=10).table
    assert table.column("weight") == [1 / 3] * 3
    assert table.notes[1] == "2 of them are exact copies; each counts."
    plain = check("estimate", {"question": "Tea"}, snapshot).rests_on({"location": "Borduria"})
    assert "copy_of" not in [each.name for each in page(snapshot, plain, after=None, limit=10).table.columns]
