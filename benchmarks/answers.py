"""How fast a statistic is answered at once: beside /livez of the same server, and beside what one would use instead.

Run as ``make bench BENCH=answers``, with wrk on the path. All answer the same question, the mean of a question's rows
by state, over the same synthetic sample. Over HTTP at 32 connections: ROAPI and Datasette, asked in SQL. In process,
asked by one thread: DuckDB and Polars, which may use all cores, over a table in memory. They group the rows anew for
each request, which is what they are for; Meantime has grouped them when the file was read.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import polars as pl

from benchmarks.frame import FULL, Contestant, Quantity, Ratio, Running, compare, options, program, show, version_of
from benchmarks.harness import QUESTION, make_sample, meantime, require_no_errors, require_wrk, serving, wrk
from benchmarks.snapshot_of import snapshot_of
from meantime.model import Unwatched
from meantime.statistics.check import check

_PATH = "/v1/statistics/states_mean?" + urlencode({"question": QUESTION})
# Withheld rows have no value; avg() passes over them as Meantime does.
_SQL = (
    'SELECT "LocationDesc" AS location, avg("Data_Value") AS mean FROM sample '
    f'WHERE "Question" = \'{QUESTION}\' GROUP BY "LocationDesc" ORDER BY mean'
)
_COLUMNS = ("Question", "LocationDesc", "Data_Value")
# All columns of the query, in an order that answers it from the index alone.
_INDEX = 'CREATE INDEX covering ON sample ("Question", "LocationDesc", "Data_Value")'
_CELLS_OF_STATES = 180_180
# Rows of the sample, and how many times ROAPI's answers a second ours should be at least.
SIZES = {20_000: 5, 1_000_000: 50, 5_000_000: 300}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__, seconds=1)
    parser.add_argument("--most-rows", type=int, default=5_000_000 if FULL else 1_000_000, help="No larger samples.")
    given = parser.parse_args(arguments)
    require_wrk()
    show("An answer at once, beside /livez of the same server", _beside_livez(given.seconds, given.rounds))
    for rows, target in SIZES.items():
        if rows > given.most_rows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            sample = _sample(Path(folder), rows)
            over_http = compare(
                f"{rows:,} rows over HTTP",
                Contestant("Meantime", partial(_meantime, sample, given.seconds)),
                [
                    Contestant("ROAPI", partial(_roapi, sample, given.seconds), {"answers": target}),
                    Contestant("Datasette", partial(_datasette, sample, given.seconds)),
                ],
                [Quantity("answers", "/s"), Quantity("p50", "ms"), Quantity("p99", "ms")],
                given.rounds,
            )
            show(f"An answer at once over HTTP, {rows:,} rows", over_http)
            in_process = compare(
                f"{rows:,} rows in process",
                Contestant("Meantime", partial(_meantime_in_process, sample, given.seconds)),
                [
                    Contestant("DuckDB", partial(_duckdb, sample, given.seconds)),
                    Contestant("Polars", partial(_polars, sample, given.seconds)),
                ],
                [Quantity("answers", "/s")],
                given.rounds,
            )
            show(f"An answer in process, {rows:,} rows", in_process)
    return 0


def _sample(folder: Path, rows: int) -> Path:
    # Of states, with several rows of each cell: the answer is then as long whatever the number of rows.
    size = ("--level", "state", "--rows", str(rows), "--rows-per-cell", str(-(-rows // _CELLS_OF_STATES)))
    return make_sample(folder / "sample.csv", *size, "--seed", "3")


def _beside_livez(seconds: int, rounds: int) -> list[Ratio]:
    @contextmanager
    def asked(url: str, path: str) -> Iterator[Running]:
        # No answer is compared: this peer is the least that any request costs.
        yield Running("", lambda: None, lambda: _load(url + path, seconds))

    with serving(meantime()) as server:
        return compare(
            "GET /v1/statistics/states_mean",
            Contestant("Meantime", partial(asked, server.url, _PATH)),
            [Contestant("/livez", partial(asked, server.url, "/livez"), {"answers": 0.5})],
            [Quantity("answers", "/s"), Quantity("p99", "ms")],
            rounds,
        )


@contextmanager
def _meantime(sample: Path, seconds: int) -> Iterator[Running]:
    with serving(meantime(str(sample))) as server:

        def answer() -> Mapping[str, float]:
            return _by_location(_fetch(server.url + _PATH)["rows"])

        yield Running("", answer, lambda: _load(server.url + _PATH, seconds))


@contextmanager
def _roapi(sample: Path, seconds: int) -> Iterator[Running]:
    about = f"{version_of('roapi')}: all columns of the CSV in memory; default settings"
    command = [program("roapi", "pip install roapi"), "--addr-http", "127.0.0.1:{port}"]
    command += ["--addr-postgres", "127.0.0.1:0", "--addr-flight-sql", "127.0.0.1:0", "--table", f"sample={sample}"]
    with serving(command, ready="/health") as server:
        url = server.url + "/api/sql"
        yield Running(
            about,
            lambda: _by_location(_fetch(url, _SQL.encode())),
            lambda: _load(url, seconds, method="POST", body=_SQL),
        )


@contextmanager
def _datasette(sample: Path, seconds: int) -> Iterator[Running]:
    about = (
        f"{version_of('datasette')}, SQLite {sqlite3.sqlite_version}: three columns with a covering index "
        "(Question, LocationDesc, Data_Value), file opened immutable, no time limit; otherwise default settings"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.db"
        _write_sqlite(sample, path)
        command = [program("datasette", "pip install datasette"), "serve", "--immutable", str(path)]
        command += ["--port", "{port}", "--setting", "sql_time_limit_ms", "60000"]
        with serving(command, ready="/-/versions.json") as server:
            url = f"{server.url}/sample.json?{urlencode({'sql': _SQL, '_shape': 'array'})}"
            yield Running(about, lambda: _by_location(_fetch(url)), lambda: _load(url, seconds))


def _write_sqlite(sample: Path, path: Path) -> None:
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    rows = _with_duckdb(f"SELECT {columns} FROM {_csv(sample)}")
    database = sqlite3.connect(path)
    database.execute(f"CREATE TABLE sample ({columns})")
    while piece := rows.fetchmany(100_000):
        database.executemany("INSERT INTO sample VALUES (?, ?, ?)", piece)
    database.execute(_INDEX)
    database.execute("ANALYZE")
    database.commit()
    database.close()


@contextmanager
def _meantime_in_process(sample: Path, seconds: int) -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = snapshot_of(sample, Path(folder))

        def answer() -> Mapping[str, float]:
            table = check("states_mean", {"question": QUESTION}, snapshot).compute(Unwatched())
            return dict(zip(*table.data[:2], strict=True))

        yield Running("", answer, lambda: _repeat(answer, seconds))


@contextmanager
def _duckdb(sample: Path, seconds: int) -> Iterator[Running]:
    about = f"{version_of('duckdb')}: a table of the three columns in memory, all cores; default settings"
    database = _with_duckdb(f"CREATE TABLE sample AS SELECT {', '.join(map(_quoted, _COLUMNS))} FROM {_csv(sample)}")
    with database:

        def answer() -> Mapping[str, float]:
            return dict(database.execute(_SQL).fetchall())

        yield Running(about, answer, lambda: _repeat(answer, seconds))


@contextmanager
def _polars(sample: Path, seconds: int) -> Iterator[Running]:
    about = f"{version_of('polars')}: the three columns in memory, names as categories, lazy, all cores"
    table = (
        pl.read_csv(sample, columns=list(_COLUMNS), schema_overrides={"Data_Value": pl.Float64})
        .with_columns(pl.col("Question", "LocationDesc").cast(pl.Categorical))
        .lazy()
    )

    def answer() -> Mapping[str, float]:
        found = (
            table.filter(pl.col("Question") == QUESTION)
            .group_by("LocationDesc")
            .agg(pl.col("Data_Value").mean())
            .sort("Data_Value")
            .collect()
        )
        return dict(found.iter_rows())

    yield Running(about, answer, lambda: _repeat(answer, seconds))


def _with_duckdb(sql: str) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute(sql)
    return database


def _csv(sample: Path) -> str:
    return f"read_csv('{sample}', header = true, types = {{'Data_Value': 'DOUBLE'}})"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _by_location(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {row["location"]: row["mean"] for row in rows if row["mean"] is not None}


def _fetch(url: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=120) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def _load(url: str, seconds: int, *, method: str = "GET", body: str | None = None) -> Mapping[str, float]:
    found = require_no_errors(wrk(url, seconds=seconds, method=method, body=body))
    return {"answers": found.per_s, "p50": found.p50_ms, "p99": found.p99_ms}


def _repeat(answer: Callable[[], object], seconds: int) -> Mapping[str, float]:
    answer()  # warm
    answers, began_s = 0, time.perf_counter()
    while (took_s := time.perf_counter() - began_s) < seconds:
        answer()
        answers += 1
    return {"answers": answers / took_s}


if __name__ == "__main__":
    sys.exit(main())
