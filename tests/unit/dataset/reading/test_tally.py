"""A tally is read as the table whose rows it counts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.dataset.cube import ABSENT
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.value_counts import count_in_rows
from meantime.errors import SourceEmpty, SourceUnreadable
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.explain.source_rows import page, row_of
from tests.support.examples import one_in
from tests.support.table_files import means, read, rejected, write
from tests.support.whole import whole

HEADER = ("Question", "LocationDesc", "Data_Value", "Year", "StratificationCategory1", "Stratification1")
BY_HAND = {"row_count": "times"}
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Q", "R"]),
        st.sampled_from(["Utah", "Ohio"]),
        st.sampled_from(["1", "28.8", "-3.25", "", "~", "12345678901234.5"]),
        st.sampled_from(["2019", "2020"]),
        st.sampled_from(["", "Sex"]),
        st.sampled_from(["", "Female"]),
    ),
    min_size=1,
    max_size=40,
).filter(lambda rows: any(row[2] not in ("", "~") for row in rows))  # a table without a value is refused


def save(path: Path, records: Iterable[Sequence[object]], *more: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([(*HEADER, *more), *records])
    return path


def tally(folder: Path, lines: str, header: str = "Question,LocationDesc,Data_Value,times") -> Snapshot:
    return read(write(folder, f"{header}\n{lines}\n"), columns=BY_HAND, rejected_limit=1)


def test_a_tally_is_the_table_that_it_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Each reads two tables.
    @settings(max_examples=one_in(10), database=None)
    @given(ROWS)
    def check(records: list[tuple[str, ...]]) -> None:
        folder = tmp_path_factory.mktemp("tally")
        table = read(save(folder / "table.csv", records))
        counted = [(*record, times) for record, times in Counter(records).items()]
        other = read(save(folder / "tally.csv", counted, "times"), columns=BY_HAND, into=folder / "b")
        assert other.fingerprint == table.fingerprint
        assert other.about.rows == table.about.rows == len(records)

    check()


@pytest.mark.parametrize(
    "values", [("1.5", "-2"), ("1e20", "1.5"), ("1e300", "1e-300")], ids=["64 bits", "128 bits", "by value"]
)
def test_sums_with_counts_are_exact_however_wide_the_numbers(tmp_path: Path, values: tuple[str, str]) -> None:
    lines = "\n".join(f"Q,Utah,{value},{times}" for value, times in zip(values, (3_000_000_007, 2), strict=True))
    cells = whole(tally(tmp_path, lines).cube).cells
    exact = [Fraction(value) for value in values]
    scale = Fraction(10) ** tally(tmp_path, lines).cube.scale
    assert cells.moments.count.tolist() == [3_000_000_009]
    assert Fraction(cells.moments.total.tolist()[0]) == (exact[0] * 3_000_000_007 + exact[1] * 2) * scale
    assert Fraction(cells.moments.squares.tolist()[0]) == (exact[0] ** 2 * 3_000_000_007 + exact[1] ** 2 * 2) * scale**2


def test_what_is_no_number_of_rows_is_rejected_with_its_line(tmp_path: Path) -> None:
    counts = ["2", "0", "-1", "1.5", "", '"1,23"', "many", "3.0", "1.000", " 4 ", "9999999999999"]
    snapshot = tally(tmp_path, "\n".join(f"Q,Utah,{number},{text}" for number, text in enumerate(counts)))
    assert snapshot.about.rows == 2 + 3 + 4
    assert means(snapshot) == {("Q", "Utah"): (0 * 2 + 7 * 3 + 9 * 4) / 9}
    assert rejected(snapshot) == [
        (line, f"not a whole number of rows: {text}")
        for line, text in [(4, "-1"), (5, "1.5"), (6, ""), (7, "1,23"), (8, "many"), (10, "1.000")]
    ] + [(12, "not a whole number of rows: 9999999999999")]


@pytest.mark.parametrize("written", ['"1,234,567"', "1 234 567", "1\u202f234\u202f567", "1'234'567", "1234567.0"])
def test_counts_of_rows_may_have_separated_thousands(tmp_path: Path, written: str) -> None:
    assert tally(tmp_path, f"Q,Utah,1,{written}\nQ,Utah,2,3").about.rows == 1_234_570


def test_a_row_that_counts_nothing_leaves_no_trace_in_the_content(tmp_path: Path) -> None:
    one = tally(tmp_path, "Q,Utah,1,1\nR,Ohio,2.25,0\nQ,Utah,~,0")
    assert (one.cube.labels.questions, one.cube.labels.reasons, one.cube.scale) == (("Q",), (), 0)
    with pytest.raises(SourceEmpty, match='"times"'):
        tally(tmp_path, "Q,Utah,1,0")


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    lines = "\n".join(f"Q,Utah,{number},1000000000000" for number in range(9_008))
    with pytest.raises(SourceUnreadable, match="at most 9,007,199,254,740,992"):
        tally(tmp_path, lines)


def test_withheld_rows_are_counted_as_often(tmp_path: Path) -> None:
    snapshot = tally(tmp_path, "Q,Utah,~,5\nQ,Utah,*,7\nQ,Utah,,2\nQ,Ohio,1,1")
    assert snapshot.cube.withheld_by_reason() == {"*": 7, "~": 5, "empty": 2}


def test_what_a_row_was_published_with_is_kept_where_it_is_alone(tmp_path: Path) -> None:
    header = "Question,LocationDesc,Data_Value,Low_Confidence_Limit,Sample_Size,Data_Value_Footnote,times"
    lines = "Q,Utah,5,4,90,few,3\nQ,Ohio,5,4,90,few,1\nQ,Ohio,6,4,90,few,1"
    cells = whole(tally(tmp_path, lines, header).cube).cells
    assert np.isnan(cells.low).tolist() == [True, False]  # Ohio, Utah
    assert (cells.low[1], cells.sample_size[1]) == (4, 90)
    assert cells.footnote.tolist() == [ABSENT, 0]


def test_quantiles_count_every_row(tmp_path: Path) -> None:
    snapshot = tally(tmp_path, "Q,Utah,1,5\nQ,Utah,2,1\nQ,Utah,9,0")
    counted = count_in_rows(snapshot, "Q", ["location"], {}, Unwatched())
    assert (counted.values.tolist(), counted.counts.tolist()) == ([1, 2], [5, 1])


@pytest.mark.parametrize("name", ["state_mean", "state_diff_from_mean"])
def test_a_mean_leads_to_the_lines_and_its_program_counts_them(tmp_path: Path, name: str) -> None:
    snapshot = tally(tmp_path, "Q,Utah,1,5\nQ,Utah,2.5,1\nQ,Utah,9,0\nQ,Utah,~,4\nQ,Ohio,4,2")
    prepared = check(name, {"question": "Q", "state": "Utah"}, snapshot)
    answer = prepared.compute(Unwatched())
    row = row_of(answer, 0)
    explanation = prepared.explain(answer, row)
    scope: dict[str, Any] = {}
    path = f"PATH = {str(tmp_path / 'table.csv')!r}"
    exec(explanation.python.replace('PATH = "table.csv"', path), scope)  # noqa: S102 - it is ours
    assert scope["result"] == pytest.approx({column: row[column] for column in explanation.computes})
    provenance = prepared.rests_on(row)
    if name == "state_mean":
        lines = page(snapshot, provenance, after=None, limit=10).table
        assert lines.column("line") == [2, 3, 5]
        assert lines.column("weight") == [pytest.approx(5 / 6), pytest.approx(1 / 6), None]
        assert any('"times"' in note for note in lines.notes)


@pytest.mark.parametrize("name", ["Total", ""])
def test_a_stratum_that_repeats_all_others_is_refused(tmp_path: Path, name: str) -> None:
    header = "Question,LocationDesc,StratificationCategory1,Stratification1,Data_Value,times"
    groups = [("A", 2), ("B", 3), (name, 5)]
    lines = [f"Q,{place},Age,{stratum},1,{times}" for place in ("Utah", "Ohio") for stratum, times in groups]
    with pytest.raises(SourceUnreadable, match=f'stratum "{name}" count those of all other'):
        tally(tmp_path, "\n".join(lines), header)
    # In one place it is chance.
    assert tally(tmp_path, "\n".join([*lines[:-1], f"Q,Ohio,Age,{name},1,6"]), header).about.rows == 21


def sample_of(folder: Path) -> tuple[Path, Snapshot]:
    sample = folder / "sample.csv"
    with sample.open("wb") as out:
        write_sample(out, rows=20_000, seed=1)
    return sample, read(sample, into=folder / "table")


def query_of_the_guide(table: Snapshot, quote: str) -> str:
    query = re.search(r"<!-- query -->\n```sql\n(.*?)\n```", Path("docs/your-warehouse.md").read_text(), re.DOTALL)
    assert query
    columns = ", ".join(f"{quote}{column}{quote}" for column in dict.fromkeys(table.about.roles.values()))
    asked, times = re.subn("question, location, category, stratum, year, value", columns, query[1])
    assert times == 2
    return asked


def test_the_query_of_the_guide_counts_the_sample(tmp_path: Path) -> None:
    sample, table = sample_of(tmp_path)
    asked, names = query_of_the_guide(table, '"'), list(table.about.columns)
    fingerprints = set()
    with duckdb.connect() as database:
        database.execute(f"CREATE VIEW answers AS FROM read_csv('{sample}', all_varchar = true, names = {names})")
        for name in ("tally.csv", "tally.parquet"):
            database.execute(f"COPY ({asked}) TO '{tmp_path / name}'")
            path = tmp_path / name
            fingerprints.add(read(path, columns={"row_count": "row_count"}, into=tmp_path / path.suffix).fingerprint)
    assert fingerprints == {table.fingerprint}


def test_spark_counts_the_sample_by_the_query_of_the_guide(tmp_path: Path) -> None:
    spark_sql = pytest.importorskip("pyspark.sql", reason="run by hand: pip install pyspark, which needs Java")
    sample, table = sample_of(tmp_path)
    spark = spark_sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        spark.read.csv(str(sample), header=True, escape='"').createOrReplaceTempView("answers")
        spark.sql(query_of_the_guide(table, "`")).write.parquet(str(tmp_path / "tally"))
    finally:
        spark.stop()
    counted = read(tmp_path / "tally", columns={"row_count": "row_count"}, into=tmp_path / "counted")
    assert counted.fingerprint == table.fingerprint


def test_rows_that_differ_in_what_a_tally_leaves_out_are_no_copies(tmp_path: Path) -> None:
    by_hand = {"row_count": "times", "distinct_rows": "different"}
    header = "Question,LocationDesc,Data_Value,Sample_Size"
    rows = ["Q,Utah,1.5,50,a", "Q,Utah,1.5,50,b", "Q,Utah,1.5,50,b", "Q,Ohio,2.5,50,c", "Q,Ohio,2.5,50,c"]
    table = read(write(tmp_path, "\n".join([f"{header},person", *rows, ""])), into=tmp_path / "a")
    lines = ["Q,Utah,1.5,50,3,2", "Q,Ohio,2.5,50,2,1"]
    path = write(tmp_path, "\n".join([f"{header},times,different", *lines, ""]), "tally.csv")
    counted = read(path, columns=by_hand, into=tmp_path / "b")
    assert counted.fingerprint == table.fingerprint
    assert counted.about.copies == table.about.copies == 2
    # Without it, those of Utah would be taken for copies of one row.
    assert read(path, columns=BY_HAND, into=tmp_path / "c").fingerprint != table.fingerprint


NOT_DISTINCT = "not a number of different rows among these"


def test_what_is_no_number_of_different_rows_is_rejected(tmp_path: Path) -> None:
    pairs = ["3,2", "2,2", "2,3", "2,0", "0,0", "2,x", "x,1"]
    lines = "\n".join(f"Q,Utah,{number},{pair}" for number, pair in enumerate(pairs))
    snapshot = read(
        write(tmp_path, f"Question,LocationDesc,Data_Value,times,different\n{lines}\n"),
        columns={"row_count": "times", "distinct_rows": "different"},
        rejected_limit=1,
    )
    assert rejected(snapshot) == [
        *(
            (line, f"not a number of different rows among these: {text}")
            for line, text in [(4, "3"), (5, "0"), (7, "x")]
        ),
        (8, "not a whole number of rows: x"),
    ]
    assert snapshot.about.rows == 5
