"""Reading a table: processor time and memory, against DuckDB's grouping of the same file in the same run.

Run as ``make bench BENCH=reading``; with ``BENCH="reading --before FOLDER"`` the code in another checkout reads the
same tables in turns.

Samples of states, and a table like PLACES: 39 questions for each of 72,000 places, each row a cell of its own. The peer
does what cannot be left out: it writes the rows as Parquet and groups them by cell, with counts, sums and
extremes.
Each measurement is a process of its own, as reading is in a server.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.frame import FULL, Failed, Ratio, at_most, number, ratio_of_rounds, require_same, show

_LIMIT_MB = 1024  # the default of load_memory_mb
# At most four times as long as the peer.
_SHARE_OF_PEER = 0.25
_OURS = """
import json, os, resource, sys, time
sys.path.insert(0, sys.argv[1])
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
into, work = sys.argv[3] + "/into", sys.argv[3] + "/work"
os.mkdir(into), os.mkdir(work)
source = Source(name="table", path=sys.argv[2], columns={})
began = time.perf_counter()
folder = read_source(
    ReadingTask(source=source, into=into, work=work, memory_mb=int(sys.argv[4]), rejected_limit=0.5), lambda _: None
)

def rows():
    from meantime.dataset.snapshot_folder import open_snapshot
    return open_snapshot(folder).about.rows
"""
_PEER = """
import json, os, resource, sys, time
import duckdb
began = time.perf_counter()
rows_file = sys.argv[3] + "/rows.parquet"
keys = '''"Question", "LocationDesc", "StratificationCategory1", "Stratification1", "Data_Value_Type",
          "Data_Value_Unit", "YearStart", "YearEnd"'''
config = {"memory_limit": sys.argv[4] + "MiB", "temp_directory": sys.argv[3] + "/spilled"}
with duckdb.connect(config=config) as database:
    table = f"read_csv('{sys.argv[2]}', header = true, all_varchar = true)"
    database.execute(f"COPY (FROM {table}) TO '{rows_file}' (FORMAT parquet, COMPRESSION zstd)")
    database.execute(
        f"CREATE TABLE cells AS SELECT {keys}, count(x), count(*), sum(x), sum(x * x), min(x), max(x), "
        'any_value("Low_Confidence_Limit"), any_value("High_Confidence_Limit"), any_value("Sample_Size") '
        f'FROM (SELECT *, TRY_CAST("Data_Value" AS DECIMAL(12, 4)) AS x FROM read_parquet([{rows_file!r}])) '
        f"GROUP BY {keys}"
    )

def rows():
    return duckdb.sql(f"SELECT count(*) FROM read_parquet([{rows_file!r}])").fetchall()[0][0]
"""
_TELL = """
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - began, peak, rows()]))
"""


class Measured(NamedTuple):
    """What a process used."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    rows: float  # that it has found


class Used(NamedTuple):
    """The same of each round."""

    cpu_s: Sequence[float]
    wall_s: Sequence[float]
    peak_mb: Sequence[float]
    rows: Sequence[float]


class Case(NamedTuple):
    """A table, and the options of the sample that it is; without any, it is one like PLACES."""

    name: str
    sample: tuple[str, ...] = ()


_SMALL = (Case("20 thousand rows", ("--rows", "20000")),)
_USUAL = (*_SMALL, Case("1 million rows", ("--rows", "1000000")))
_ALL = (
    *_USUAL,
    # As many cells as of 1 million rows: memory is to be that of those.
    Case("5 million rows, 5 a cell", ("--rows", "5000000", "--rows-per-cell", "5")),
    Case("20 million rows, 20 a cell", ("--rows", "20000000", "--rows-per-cell", "20")),
    Case("72,000 places x 39 questions, a cell each"),
)
_PLACES, _QUESTIONS = 72_000, 39


def main(arguments: Sequence[str] | None = None) -> int:
    """Read each table in turns with its peers, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="The median is told.")
    parser.add_argument("--before", type=Path, help="A folder with other code, which reads the same tables in turns.")
    parser.add_argument("--only-small", action="store_true", help="Only 20 thousand rows.")
    given = parser.parse_args(arguments)
    ours = Path(__file__).resolve().parent.parent
    programs = {"ours": (_OURS, ours), "peer": (_PEER, ours)}
    if given.before:
        programs["before"] = (_OURS, given.before.resolve())
    against_peer, memory, against_before = [], [], []
    for case in _SMALL if given.only_small else _ALL if FULL else _USUAL:
        used = _used(case, programs, given.rounds)
        one, peer = used["ours"], used["peer"]
        target = None if case.sample else _SHARE_OF_PEER
        against_peer += [
            _ratio(f"{case.name}: processor", one.cpu_s, peer.cpu_s, "DuckDB", target),
            _ratio(f"{case.name}: time", one.wall_s, peer.wall_s, "DuckDB", target),
        ]
        memory.append(at_most(case.name, one.peak_mb, _LIMIT_MB, "MB"))
        if before := used.get("before"):
            against_before.append(_ratio(f"{case.name}: processor", one.cpu_s, before.cpu_s, "before", 1))
            memory.append(at_most(f"{case.name}, before", before.peak_mb, _LIMIT_MB, "MB"))
    show("Reading, against DuckDB writing the rows and grouping them", against_peer)
    show("Most memory of the reading process, against the default of load_memory_mb", memory)
    if against_before:
        show("Reading, against the other code", against_before)
    return 0


def _ratio(what: str, ours: Sequence[float], theirs: Sequence[float], name: str, target: float | None = None) -> Ratio:
    figure, peer = (f"{number(statistics.median(each))} s" for each in (ours, theirs))
    found = [other / one for one, other in zip(ours, theirs, strict=True)]
    return ratio_of_rounds(what, figure, f"{name} {peer}", found, target)


def _used(case: Case, programs: Mapping[str, tuple[str, Path]], rounds: int) -> dict[str, Used]:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        if case.sample:
            command = [sys.executable, "-m", "meantime", "sample", *case.sample, "--out", str(table)]
            subprocess.run(command, check=True)
        else:
            _write_places(table)
        found = {name: _measure(program, code, table).rows for name, (program, code) in programs.items()}
        require_same(list(found.values()), [found["ours"]] * len(found), "the number of rows")
        measured: dict[str, list[Measured]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, (program, code) in programs.items():
                measured[name].append(_measure(program, code, table))
    return {name: Used(*zip(*each, strict=True)) for name, each in measured.items()}


def _write_places(table: Path) -> None:
    """Write a table in the order and with the columns of PLACES, place by place; its numbers mean nothing."""
    rng = np.random.default_rng(1)
    with table.open("w", encoding="ascii") as file:
        file.write(
            "YearStart,YearEnd,LocationDesc,LocationID,Datasource,Topic,Question,Data_Value_Unit,Data_Value_Type,Data_Value,"
            "Low_Confidence_Limit,High_Confidence_Limit,Sample_Size,StratificationCategory1,Stratification1,GeoLocation\n"
        )
        for place in range(_PLACES):
            values = rng.integers(50, 600, _QUESTIONS).tolist()
            point = f'"({25 + place % 2400 / 100:.2f}, {-70 - place % 5000 / 100:.2f})"'
            file.writelines(
                f"2023,2023,Census tract {place:05},{10_000_000_000 + place},Benchmark,Topic {question % 5},"
                f"Made-up measure number {question} among adults aged 18 years or older,%,Crude prevalence,"
                f"{value / 10},{value / 10 - 2:.1f},{value / 10 + 2.2:.1f},{900 + place % 400},,,{point}\n"
                for question, value in enumerate(values)
            )


def _measure(program: str, code: Path, table: Path) -> Measured:
    with tempfile.TemporaryDirectory(dir=table.parent) as folder:
        command = [sys.executable, "-c", program + _TELL, str(code / "src"), str(table), folder, str(_LIMIT_MB)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise Failed(ended.stderr)
    return Measured(*json.loads(ended.stdout.splitlines()[-1]))  # DuckDB shows its progress before it


if __name__ == "__main__":
    sys.exit(main())
