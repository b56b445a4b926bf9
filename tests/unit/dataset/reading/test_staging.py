from __future__ import annotations

import csv
import gzip
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meantime.dataset.reading import staging
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.sniff import sniff_text
from meantime.dataset.reading.staging import OpenedFile, StagedFile, open_file, sql_path, stage_file
from meantime.errors import SourceUnreadable
from tests.support.table_files import write

Record = tuple[str, ...]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("staging")


def _raw(folder: Path, data: bytes) -> Path:
    path = folder / "table.csv.gz"
    path.write_bytes(data)
    return path


def opened(path: Path) -> OpenedFile:
    return open_file(path, path.parent, Description(), {}, on_bytes=lambda _: None)


def staged(database: duckdb.DuckDBPyConnection, file: OpenedFile, into: Path) -> StagedFile:
    return stage_file(database, file, into, rejected_limit=1.0, on_bytes=lambda _: None)


def rows(database: duckdb.DuckDBPyConnection, parquet: Path) -> list[Record]:
    """The rows without their lines."""
    cursor = database.execute(f"SELECT * FROM read_parquet({sql_path(parquet)}, file_row_number = true)")
    names = [column[0] for column in cursor.description]
    order = names.index("file_row_number")
    keep = [index for index, name in enumerate(names) if name.startswith("c")]
    return [tuple(row[index] for index in keep) for row in sorted(cursor.fetchall(), key=lambda row: row[order])]


def numbered(database: duckdb.DuckDBPyConnection, file: StagedFile) -> list[tuple[int, Record]]:
    line = "line" if file.has_line else "file_row_number + 2"
    cursor = database.execute(
        f"SELECT {line} FROM read_parquet({sql_path(file.parquet)}, file_row_number = true) ORDER BY file_row_number"
    )
    return [(line, row) for (line,), row in zip(cursor.fetchall(), rows(database, file.parquet), strict=True)]


def slow_reading(text: str, width: int) -> tuple[list[tuple[int, Record]], list[int]]:
    """The rule of the tolerant reader, said in the plainest way: what rows there are, and which lines are rejected."""
    lines = list(io.StringIO(text, newline=""))
    records: list[tuple[int, Record]] = []
    refused: list[int] = []
    at = 1
    while at < len(lines):
        if not lines[at].strip("\r\n"):
            at += 1
            continue
        reader = csv.reader(lines[at:], strict=True)
        try:
            record = tuple(next(reader))
        except csv.Error:
            record = ()
        if len(record) == width:
            records.append((at + 1, record))
            at += reader.line_num
        else:
            refused.append(at + 1)
            at += 1
    return records, refused


# Every short text of what matters to a parser of CSV, as one or more lines between a header and a good line.
SHORT = [
    "".join(each)
    for pieces, lengths in ((('"', ",", " ", "a", "\n"), (1, 2, 3)), (('"', ",", "\n"), (4,)))
    for length in lengths
    for each in itertools.product(pieces, repeat=length)
]


def test_every_short_text_is_read_by_the_rule_whichever_way_it_goes(
    database: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    results = set()
    for text in SHORT:
        content = f"h,i\n{text}\nz,z\n"
        path = write(folder, content)
        file = opened(path)
        if file.columns != ("h", "i"):
            continue  # another delimiter fits better; not what this is about
        result = staged(database, file, folder / "rows.parquet")
        expected, refused = slow_reading(content, 2)
        assert numbered(database, result) == expected, content
        assert [each.line for each in result.rejections.first] == refused, content
        results.add((file.text is not None and file.text.is_plain, result.has_line))
    assert {(True, False), (True, True), (False, True)} <= results


FIELDS = st.text(
    st.sampled_from(['"', ",", ";", "\t", " ", "\n", "\r", "a", "é", "€", "0", ".", "\u200b", "ß", "'", "\\", "-"]),
    max_size=6,
)


@st.composite
def tables(draw: st.DrawFn) -> list[Record]:
    width = draw(st.integers(2, 5))
    records = draw(st.lists(st.tuples(*[FIELDS] * width), min_size=1, max_size=8))
    return [*records]


def encodable(table: list[Record], encoding: str) -> bool:
    try:
        "".join(itertools.chain(*table)).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ends_at_end=st.booleans(),
)
@example([("a", "")], ",", "\n", "utf-8", csv.QUOTE_MINIMAL, True)
@example([("", "a\r\nb")], ",", "\n", "utf-8", csv.QUOTE_MINIMAL, False)
def test_a_table_is_read_as_it_was_written_in_any_dialect(
    database: duckdb.DuckDBPyConnection,
    folder: Path,
    table: list[Record],
    delimiter: str,
    ends: str,
    encoding: str,
    quoting: int,
    ends_at_end: bool,
) -> None:
    if not encodable(table, encoding):
        return
    out = io.StringIO(newline="")
    header = ["Question", "LocationDesc", "Data_Value", "Topic", "Class"][: len(table[0])]
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    minimal = csv.writer(out, delimiter=delimiter, lineterminator=ends, quoting=quoting)  # type: ignore[arg-type] # of any
    for record in table:
        # The csv module of Python 3.11 does not quote a line end that is not its own, which cuts the record.
        (writer if any(end in field for field in record for end in "\r\n") else minimal).writerow(record)
    text = out.getvalue() if ends_at_end else out.getvalue().removesuffix(ends)
    # In a single-byte encoding one line cannot tell it from a broken UTF-8; the reading is asked for what it says.
    path = write(folder, text, encoding=encoding)
    description = Description(encoding="cp1252" if encoding == "cp1252" else None)
    file = open_file(path, folder, description, {}, on_bytes=lambda _: None)
    result = staged(database, file, folder / "rows.parquet")
    assert not result.rejections.total
    assert rows(database, result.parquet) == table


def test_both_ways_give_the_same_rows(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The CDC's files go both ways in the integration tests; this has what those do not."""
    content = 'h,i\n1,"a, b"\n2,"say ""x"""\n3,it"s\n4,\n,5\n6,ünï\u200b\n'
    file = opened(write(folder, content))
    assert file.text is not None
    assert file.text.is_plain
    in_place = staged(database, file, folder / "in-place.parquet")
    tolerant = staging._stage_tolerantly(
        database,
        file,
        file.text,
        folder / "tolerant.parquet",
        staging.Rejections("x", 0),
        lambda _: None,
    )
    assert rows(database, in_place.parquet) == rows(database, tolerant.parquet)
    assert not tolerant.has_line


def test_a_path_is_never_a_pattern(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("a*.csv", "ab.csv", "a[b].csv", 'it\'s "quoted".csv', "q?.csv", "é {a}.csv", "back\\slash.csv"):
        write(tmp_path, f"h,i\n{name.replace(chr(34), '')},1\n", name)
    for path in sorted(tmp_path.glob("*.csv")):
        result = staged(database, opened(path), tmp_path / "rows.parquet")
        assert rows(database, result.parquet) == [(path.name.replace('"', ""), "1")]


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"h,i\n" + b"1,2\n" * 1000)
    with pytest.raises(SourceUnreadable, match=r"table\.csv\.gz is a damaged gzip file"):
        opened(_raw(tmp_path, whole[: len(whole) // 2]))
    with pytest.raises(SourceUnreadable, match="damaged gzip file"):
        opened(_raw(tmp_path, whole + b"and more"))
    with pytest.raises(SourceUnreadable, match="compressed twice"):
        opened(_raw(tmp_path, gzip.compress(whole)))


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="begins like a Parquet file but cannot be read as one"):
        opened(write(tmp_path, b"PAR1 and then something else, PAR1", "table.parquet"))


def test_parquet_is_read_as_exact_text(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "given.parquet"
    database.execute(
        "COPY (SELECT 28.8::DOUBLE AS d, 0.1::FLOAT AS f, 12.50::DECIMAL(9, 2) AS e, 2018 AS y, NULL::VARCHAR AS n, "
        f"'ü \"quoted\"' AS \"a name, with 'signs'\") TO '{path}' (FORMAT parquet)"
    )
    file = opened(path)
    assert file.columns == ("d", "f", "e", "y", "n", "a name, with 'signs'")
    result = staged(database, file, tmp_path / "rows.parquet")
    assert numbered(database, result) == [(1, ("28.8", "0.1", "12.50", "2018", "", 'ü "quoted"'))]


def test_a_look_at_every_chunk_size_is_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contents = [
        "h,i\r\n1,é\r\n\r\n2,€\r\n\r\n\r\n",
        'h,i\n"a" ,b\n',
        "h,i\n1,2\n\n\n",
        "h,i\r1,2\r3,4\r",
        "h,i\n1,2\0\n",
    ]
    for content in contents:
        path = write(tmp_path, content)
        whole = sniff_text(path, name="x")
        for size in range(9, 20):
            for name in ("_HEAD_BYTES", "_CHUNK_BYTES"):
                monkeypatch.setattr(f"meantime.dataset.reading.sniff.{name}", size)
            piecewise = sniff_text(path, name="x")
            assert (piecewise.encoding, piecewise.lines) == (whole.encoding, whole.lines), (content, size)
            assert piecewise.is_plain == whole.is_plain, (content, size)
        monkeypatch.undo()
