"""summary against a second computation: from the rows, with fractions, by no code of the project; and against numpy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.dataset.snapshot import Snapshot
from meantime.errors import JobCancelled, SnapshotDamaged
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.families.summary import Summary, columns_for
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.answers import refused
from tests.support.examples import one_in
from tests.support.factories import row, snapshot
from tests.support.real_data import SUBSET, real_file
from tests.support.table_files import read, write

Row = Mapping[str, Any]


def ask(of: Snapshot, **asked: Any) -> Table:
    return check("summary", {"question": "Q", **asked}, of, refuse_unknown=True).compute(Unwatched())


def told(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, each, strict=True)) for each in table.rows()]


# A second computation


def expected(rows: Iterable[Row], *, by: Sequence[str] = (), quantiles: Sequence[str] = ("0.5",)) -> list[Any]:
    """Groups in the order of their names, each with count, mean, sd, min, max, quantiles and withheld."""
    groups: dict[tuple[Any, ...], list[Fraction | None]] = {}
    for each in rows:
        value = None if each["value"] is None else Fraction(each["value"])
        groups.setdefault(tuple(each.get(axis) for axis in by), []).append(value)
    ordered = sorted(groups, key=lambda key: tuple((name is None, name or "") for name in key))
    return [(*(_period_text(name) for name in key), *_described(groups[key], quantiles)) for key in ordered]


def _period_text(name: Any) -> Any:
    return str(name[0]) if isinstance(name, tuple) else name


def _described(values: Sequence[Fraction | None], quantiles: Sequence[str]) -> tuple[Any, ...]:
    known = sorted(value for value in values if value is not None)
    withheld = len(values) - len(known)
    if not known:
        return (0, None, None, None, None, *[None] * len(quantiles), withheld)
    mean = sum(known, Fraction(0)) / len(known)
    squares = sum(((value - mean) ** 2 for value in known), Fraction(0))
    sd = _root(squares / (len(known) - 1)) if len(known) > 1 else None
    shares = (Fraction(share) * (len(known) - 1) for share in quantiles)
    found = (known[int(h)] + (h - int(h)) * (known[min(int(h) + 1, len(known) - 1)] - known[int(h)]) for h in shares)
    return (len(known), float(mean), sd, float(known[0]), float(known[-1]), *map(float, found), withheld)


def _root(square: Fraction) -> float:
    with localcontext() as context:
        context.prec = 900
        return float((Decimal(square.numerator) / Decimal(square.denominator)).sqrt())


VALUES = ["1", "2", "2.0", "3.5", "-1", "0", "28.8", "0.1", "0.2", "1e2", "12345.678901234", "0.30000000000000004"]
AXES = ("location", "category", "stratum", "period")


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    def one() -> dict[str, Any]:
        more: dict[str, Any] = {}
        if category := draw(st.sampled_from([None, "Sex", "Total"])):
            more = {"category": category, "stratum": draw(st.sampled_from([None, "Male", "Female"]))}
        if year := draw(st.sampled_from([None, 2019, 2020])):
            more["period"] = (year, year)
        return row(
            location=draw(st.sampled_from(["Ohio", "Utah", "Åland"])),
            value=draw(st.sampled_from([None, *VALUES])),
            **more,
        )

    return [one() for _ in range(draw(st.integers(1, 40)))]


def as_csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["Question", "LocationDesc", "StratificationCategory1", "Stratification1", "YearStart", "YearEnd", "Data_Value"]
    )
    for each in rows:
        years = each.get("period") or ("", "")
        value = "~" if each["value"] is None else each["value"]
        writer.writerow(["Q", each["location"], each.get("category") or "", each.get("stratum") or "", *years, value])
    return out.getvalue()


@given(rows=tables(), by=st.lists(st.sampled_from(AXES), unique=True, max_size=4))
def test_cells_that_tell_their_values_give_what_the_rows_give(rows: list[dict[str, Any]], by: list[str]) -> None:
    quantiles = ["0", "0.05", "0.5", "0.975", "1"]
    few = [each for place, each in enumerate(rows) if _earlier_alike(rows, place) < 3]
    if all(each["value"] is None for each in few):
        return
    table = ask(snapshot(few), by=by, quantiles=[float(share) for share in quantiles])
    assert list(table.rows()) == expected(few, by=by, quantiles=quantiles)


def _earlier_alike(rows: Sequence[Row], place: int) -> int:
    def key(each: Row) -> tuple[Any, ...]:
        return tuple(each.get(axis) for axis in AXES)

    return sum(key(each) == key(rows[place]) for each in rows[:place])


@settings(max_examples=one_in(5))
@given(rows=tables(), by=st.lists(st.sampled_from(AXES), unique=True, max_size=4), year=st.booleans())
def test_cells_of_many_rows_are_answered_from_the_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], by: list[str], year: bool
) -> None:
    rows = [*rows, *[row(location="Utah", value=value, period=(2020, 2020)) for value in ("7", "8", "9.5", "-3")]]
    table = read(write(tmp_path_factory.mktemp("summary"), as_csv(rows)))
    filters: dict[str, Any] = {"period": ["2020"], "location": ["Utah"]} if year else {}
    kept = [each for each in rows if not year or (each.get("period"), each["location"]) == ((2020, 2020), "Utah")]
    quantiles = ["0.1", "0.5", "0.9"]
    found = ask(table, by=by, quantiles=[float(share) for share in quantiles], **filters)
    assert list(found.rows()) == expected(kept, by=by, quantiles=quantiles)


@pytest.mark.parametrize(
    "values", [["1e300", "-1e300", "3"], ["9007199254740993", "9007199254740992"], ["5e-324", "0"]]
)
def test_values_that_no_double_holds_are_still_exact(tmp_path: Path, values: list[str]) -> None:
    rows = [row(location=place, value=value) for value in values for place in "AABB"]
    quantiles = ["0.25", "0.5"]
    assert list(ask(read(write(tmp_path, as_csv(rows))), by=["location"], quantiles=[0.25, 0.5]).rows()) == expected(
        rows, by=["location"], quantiles=quantiles
    )


def test_the_file_of_the_cdc_gives_what_numpy_gives(tmp_path: Path) -> None:
    path = real_file(SUBSET)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    question = next(each["Question"] for each in rows if "obesity" in each["Question"])
    values: dict[str, list[float]] = {}
    for each in rows:
        if each["Question"] == question and each["Data_Value"]:
            values.setdefault(each["LocationDesc"], []).append(float(each["Data_Value"]))
    found = told(ask(read(path, into=tmp_path), question=question, by=["location"], quantiles=[0.05, 0.5, 0.9]))
    assert [each["location"] for each in found if each["count"]] == sorted(values)
    for each in found:
        known = values[each["location"]]
        assert each["count"] == len(known)
        assert each["sd"] == pytest.approx(np.std(known, ddof=1), rel=1e-12)
        assert [each["q05"], each["median"], each["q90"]] == pytest.approx(
            np.quantile(known, [0.05, 0.5, 0.9]), rel=1e-12
        )


# Order, filters, limit


TABLE = snapshot(
    [
        row(location="Utah", value="3", period=(2019, 2019), category="Sex", stratum="Male"),
        row(location="Utah", value="5", period=(2020, 2020), category="Total", stratum="Total"),
        row(location="Ohio", value="4", period=(2019, 2020), category="Total", stratum="Total"),
        row(location="Guam", value=None, period=(2020, 2020), category="Total", stratum="Total"),
        row(location="Iowa", value="1", period=(101, 101)),
        row("R", location="Iowa", value="1"),
    ]
)


def names(table: Table, of: str = "location") -> list[Any]:
    return list(table.column(of))


def test_groups_come_by_name_and_years_as_years() -> None:
    assert names(ask(TABLE, by=["location"])) == ["Guam", "Iowa", "Ohio", "Utah"]
    assert names(ask(TABLE, by=["period"]), "period") == ["101", "2019", "2019-2020", "2020"]
    assert names(ask(TABLE, by=["stratum", "location"]), "stratum") == ["Male", "Total", "Total", "Total", None]


def test_order_is_by_any_column_nulls_last_and_ties_by_name() -> None:
    assert names(ask(TABLE, by=["location"], order=["mean"])) == ["Iowa", "Ohio", "Utah", "Guam"]
    assert names(ask(TABLE, by=["location"], order=["-mean"])) == ["Ohio", "Utah", "Iowa", "Guam"]
    assert names(ask(TABLE, by=["location"], order=["-count", "-location"])) == ["Utah", "Ohio", "Iowa", "Guam"]
    assert names(ask(TABLE, by=["location"], order=["sd"])) == ["Utah", "Guam", "Iowa", "Ohio"]
    assert names(ask(TABLE, by=["period"], order=["-period"]), "period") == ["2020", "2019-2020", "2019", "101"]


def test_limit_takes_the_first_ones() -> None:
    assert names(ask(TABLE, by=["location"], order=["-mean"], limit=2)) == ["Ohio", "Utah"]


def test_filters_hold_all_at_once_and_a_span_takes_the_periods_within() -> None:
    assert names(ask(TABLE, by=["location"], period=["2019-2020"])) == ["Guam", "Ohio", "Utah"]
    assert names(ask(TABLE, by=["location"], period=[2019])) == ["Utah"]
    assert names(ask(TABLE, by=["location"], category=[""])) == ["Iowa"]
    assert names(ask(TABLE, by=["location"], category=["Total"], stratum=["Total"], location=["Utah", "Ohio"])) == [
        "Ohio",
        "Utah",
    ]
    assert len(ask(TABLE, location=["Iowa"], category=["Sex"])) == 0


def test_equal_questions_are_one() -> None:
    one = Summary(question="Q", by=("location", "location"), location=("b", "a", "b"), period=(2020, "2020-2020"))
    other = Summary(question="Q", by=("location",), location=("a", "b"), period=("2020",), quantiles=(0.5, 0.5))
    assert one == other
    assert Summary(question="Q", quantiles=(-0.0, 0.0)).quantiles == (0.0,)
    assert str(Summary(question="Q", quantiles=(-0.0,)).quantiles) == "(0.0,)"


def test_a_column_that_the_answer_will_not_have_cannot_be_sorted_by() -> None:
    found = refused("summary", {"question": "Q", "order": ["median", "-q05", "location"]}, TABLE)
    assert [(problem.pointer, problem.code) for problem in found] == [("/order/1", "unknown"), ("/order/2", "unknown")]


def test_without_quantiles_nothing_but_sums_is_read(tmp_path: Path) -> None:
    rows = [row(location="Utah", value=str(value)) for value in range(9)]
    many = read(write(tmp_path, as_csv(rows)))
    assert check("summary", {"question": "Q", "quantiles": []}, many).cost.rows == 0
    assert check("summary", {"question": "Q"}, many).cost.rows == 9
    assert check("summary", {"question": "Q"}, TABLE).cost.rows == 0
    for file in (tmp_path / "snapshots").rglob("*.parquet"):
        file.unlink()
    assert next(ask(many, quantiles=[]).rows()) == (9, 4.0, _root(Fraction(15, 2)), 0.0, 8.0, 0)
    with pytest.raises(SnapshotDamaged):
        ask(many)


def test_what_is_mixed_is_told_and_what_is_not_is_not() -> None:
    assert "several strata and of several periods" in ask(TABLE).warnings[0]
    assert "several periods" not in ask(TABLE, by=["period"]).warnings[0]
    one = ask(TABLE, by=["location"], category=["Total"], period=[2020])
    assert one.warnings == ("Withheld rows, which count nowhere: 1 of 2.",)
    kinds = snapshot([row(value_type="Crude", unit="%"), row(value="2", value_type="Adjusted", unit="%")])
    assert ask(kinds).warnings == ("Values of different kinds are averaged together: Adjusted in %, Crude in %.",)


def test_units_are_those_of_the_question() -> None:
    assert {column.name: column.unit for column in ask(TABLE, by=["location"]).columns} == {
        "location": None,
        "count": None,
        **dict.fromkeys(["mean", "sd", "min", "max", "median"], "percent"),
        "withheld": None,
    }


def test_each_quantile_has_a_column_of_its_own_name() -> None:
    shares = (1e-7, *(place / 1000 for place in range(0, 1001, 10)))
    columns = [column.name for column in columns_for(Summary(question="Q", quantiles=shares))]
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("name", ["Aa", "Utaj", "Zz"])
def test_a_name_that_is_not_there_is_no_other(name: str) -> None:
    with pytest.raises(KeyError):
        STATISTICS["summary"].prepared(TABLE, Summary(question="Q", location=(name,)))


def test_work_that_is_to_stop_stops() -> None:
    class Stopped(Unwatched):
        def check(self) -> None:
            raise JobCancelled("somebody asked for that")

    with pytest.raises(JobCancelled):
        check("summary", {"question": "Q"}, TABLE).compute(Stopped())
