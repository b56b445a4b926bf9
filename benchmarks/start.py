"""How soon a table is answered about: from the start of a server, again after a restart, and by ``meantime ask``.

Run as ``make bench BENCH=start``. Ready to answer: from the start of the server until the first right classic answer
(``states_mean``, a job), over a clean CSV, the same in eight files, and gzip; beside DuckDB's group-by of the same
file (``start_groups.sql``), by the same number of threads and with the same memory. Rows kept: until the server shows
the rows behind a number, beside DuckDB that also writes them as Parquet (``start_rows.sql``). DuckDB's groups are
checked against the answer. Then the server is started again over the unchanged file, and ``meantime ask --data`` asks
a file that it has been asked before.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.frame import (
    FULL,
    Contestant,
    Failed,
    Quantity,
    Ratio,
    Running,
    at_most,
    compare,
    options,
    show,
    version_of,
)
from benchmarks.harness import QUESTION, Connection, Server, make_sample, meantime, serving

_MEMORY_MB = 1024  # the default of load_memory_mb, and DuckDB's
_PATIENCE_S = 600
# What was written within two seconds may be written to again, and is not kept by `ask`.
_SETTLED_S = 10
_ROWS_BEHIND = "/v1/statistics/states_mean/rows?" + urlencode({"question": QUESTION})
# Of the same process, so that it starts as ours does: with an import.
_DUCKDB = """
import json, sys
import duckdb
files, memory_mb, folder, *programs = sys.argv[1:]
config = {"memory_limit": memory_mb + "MiB", "temp_directory": folder + "/spilled"}
with duckdb.connect(folder + "/groups.duckdb", config=config) as database:
    for program in programs:
        with open(program) as file:
            database.execute(file.read().replace("$FILES", files).replace("$FOLDER", folder))
"""
_HERE = Path(__file__).parent
_GROUPS, _ROWS = _HERE / "start_groups.sql", _HERE / "start_rows.sql"
_READ_GROUPS = (
    'SELECT "LocationDesc", sum(total) / sum(values_) AS mean FROM groups WHERE "Question" = ? '
    "GROUP BY ALL HAVING mean IS NOT NULL ORDER BY mean"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__, rounds=2)
    parser.add_argument("--rows", type=int, default=5_000_000 if FULL else 1_000_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = -(-given.rows // 1_000_000)
        sample = make_sample(folder / "sample.csv", "--rows", str(given.rows), "--rows-per-cell", str(max(1, cells)))
        cases = {"one file": sample, "eight files": _cut(sample, 8), "gzip": _packed(sample)}
        ratios = [
            ratio
            for case, path in cases.items()
            for ratio in _beside_duckdb(path, f"{given.rows:,} rows, {case}", given.rounds)
        ]
        show("From the start of a server until it answers, and until it has the rows", ratios)
        show("Again, over a file that has not changed", [*_restart(sample, given.rounds), *_ask(sample, given.rounds)])
    return 0


def _beside_duckdb(path: Path, what: str, rounds: int) -> list[Ratio]:
    limits = {"ready to answer": 1 / 2.5, "rows kept": 1 / 1.3}
    return compare(
        what,
        Contestant("Meantime", partial(_meantime, path)),
        [Contestant("DuckDB", partial(_duckdb, path), limits)],
        [Quantity(name, "s") for name in limits],
        rounds,
    )


@contextmanager
def _meantime(path: Path) -> Iterator[Running]:
    settings = {"MEANTIME_LOAD_MEMORY_MB": str(_MEMORY_MB)}

    def answer() -> Mapping[str, float]:
        with serving(meantime(str(path)), ready="/livez", settings=settings) as server:
            found, _ = _first_answer(server)
            return found

    def measure() -> Mapping[str, float]:
        with serving(meantime(str(path)), ready="/livez", settings=settings) as server:
            _, ready_s = _first_answer(server)
            _until_200(server, _ROWS_BEHIND)
            return {"ready to answer": ready_s, "rows kept": time.perf_counter() - server.began_s}

    yield Running("", answer, measure)


@contextmanager
def _duckdb(path: Path) -> Iterator[Running]:
    about = (
        f"{version_of('duckdb')}: {os.cpu_count()} threads, {_MEMORY_MB} MiB, a process of its own; "
        "benchmarks/start_groups.sql, and for the rows also benchmarks/start_rows.sql"
    )
    files = str(path / "*.csv") if path.is_dir() else str(path)

    def run(*programs: Path) -> tuple[float, list[Any]]:
        import duckdb

        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            began_s = time.perf_counter()
            command = [sys.executable, "-c", _DUCKDB, files, str(_MEMORY_MB), folder, *map(str, programs)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            took_s = time.perf_counter() - began_s
            if ended.returncode:
                raise Failed(ended.stderr.strip().splitlines()[-1])
            with duckdb.connect(f"{folder}/groups.duckdb") as database:
                return took_s, database.execute(_READ_GROUPS, [QUESTION]).fetchall()

    def answer() -> Mapping[str, float]:
        return {name: float(mean) for name, mean in run(_GROUPS)[1]}

    def measure() -> Mapping[str, float]:
        return {"ready to answer": run(_GROUPS)[0], "rows kept": run(_GROUPS, _ROWS)[0]}

    yield Running(about, answer, measure)


def _first_answer(server: Server) -> tuple[dict[str, float], float]:
    """Submit a job while the table is being read, and return its result and when it was there."""
    asked = json.dumps({"question": QUESTION}).encode()
    with Connection(server.url) as connection:
        job = json.loads(connection.ask("/api/states_mean", asked))["job_id"]
    _until_200(server, f"/v1/jobs/{job}/results", headers={"Prefer": "wait=60"})
    ready_s = time.perf_counter() - server.began_s
    with Connection(server.url) as connection:
        found = json.loads(connection.ask(f"/api/get_results/{job}"))
    if found["status"] != "done":
        raise Failed(f"the first job ended as {found}")
    return found["data"], ready_s


def _until_200(server: Server, path: str, headers: Mapping[str, str] | None = None) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            asked = urllib.request.Request(server.url + path, headers=dict(headers or {}))  # noqa: S310 - our own server
            with urllib.request.urlopen(asked, timeout=120):  # noqa: S310 - likewise
                return
        except urllib.error.HTTPError as error:
            # 503 while the table is read; 404 and 409 of a job's result would wait for ever.
            if error.code != 503 or time.monotonic() > until:
                raise Failed(
                    f"{path} was not answered with 200 within {_PATIENCE_S} s: {error.read()[:200]!r}"
                ) from None
        time.sleep(0.02)


def _restart(sample: Path, rounds: int) -> list[Ratio]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        alive_s, answered_s = [], []
        for number in range(rounds + 1):
            with serving(meantime(str(sample)), ready="/livez", state=state) as server:
                at_s = time.perf_counter() - server.began_s
                _, answer_s = _first_answer(server)
                _until_200(server, _ROWS_BEHIND)
            if number:  # the first one reads the file
                alive_s.append(at_s)
                answered_s.append(answer_s)
    return [
        at_most("restart: first 200 of /livez", alive_s, 0.5, "s"),
        at_most("restart: first right classic answer", answered_s, 0.6, "s"),
    ]


def _ask(sample: Path, rounds: int) -> list[Ratio]:
    os.utime(sample, (time.time() - _SETTLED_S, time.time() - _SETTLED_S))
    command = [sys.executable, "-m", "meantime", "ask", "states_mean", "--data", str(sample), "--question", QUESTION]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        took_s = []
        for _ in range(rounds + 1):
            began_s = time.perf_counter()
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            took_s.append(time.perf_counter() - began_s)
    return [at_most("meantime ask --data, of a file asked before", took_s[1:], 0.6, "s")]


def _cut(sample: Path, number: int) -> Path:
    """Write the rows of a file into as many files, each with the header; return their folder."""
    folder = sample.parent / "files"
    folder.mkdir()
    with sample.open("rb") as file:
        header = file.readline()
        begin, size = file.tell(), sample.stat().st_size
        for place in range(number):
            with (folder / f"{place}.csv").open("wb") as part:
                part.write(header)
                end = begin + (size - begin) * (place + 1) // number
                part.writelines(iter(partial(_line_before, file, end), b""))
    return folder


def _line_before(file: Any, end: int) -> bytes:
    return file.readline() if file.tell() < end else b""


def _packed(sample: Path) -> Path:
    path = sample.with_suffix(".csv.gz")
    with sample.open("rb") as file, gzip.open(path, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(file, packed, 2**20)
    return path


if __name__ == "__main__":
    sys.exit(main())
