"""How long the honest statistics take over all locations, beside a notebook that computes the same plainly.

Run as ``make bench BENCH=statistics``. In this process, without the web: the synthetic sample, and the CDC's table by
sex where it is beside the project (``../shared/data``). The notebook's numbers are those of pandas and statsmodels as
most would write them, row by row where that reads best; it starts from a table that is in memory already, and leaves
out what is hard (intervals of MOVER, ranks that hold for all locations at once).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmarks.harness import QUESTION
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table

_REAL = Path(__file__).parents[2] / "shared" / "data" / "cdc-npao-brfss-by-sex-2011-2023.csv"
_YEAR = "2023"
_Z = 1.959964
_NOTEBOOK_ROUNDS = 5

# What a person waits for at most, at the median: a page of 55 locations is to be there at once.
_MOST_MS = {"estimate": 2.0, "comparison": 2.0, "trend": 2.0, "ranking": 20.0}


class _Source(NamedTuple):
    name: str
    path: Path
    stratum: Mapping[str, str]  # the parameters of the basis


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="Of each statistic; the notebook gets a few.")
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.csv"
        with sample.open("wb") as out:
            write_sample(out, rows=20_000, seed=3)
        sources = [_Source("synthetic sample", sample, {})]
        if _REAL.exists():
            sources.append(_Source("CDC, by sex", _REAL, {"category": "Sex", "stratum": "Female"}))
        for number, source in enumerate(sources):
            _print(source, _read(source.path, Path(folder) / str(number)), rounds)
    return 0


def _print(source: _Source, snapshot: Snapshot, rounds: int) -> None:
    print(f"\n## {source.name}, {snapshot.about.rows:,} rows\n")
    print("| statistic, all locations | median | 95 of 100 within | at most | | its check | notebook | times as fast |")
    print("|---|---:|---:|---:|---|---:|---:|---:|")
    table = _table(source)
    for name, notebook in _NOTEBOOK.items():
        raw = {"question": QUESTION, "years": "all" if name == "trend" else _YEAR, **source.stratum}
        ours = _times_ms(partial(_answer, name, raw, snapshot), rounds)
        checks = _times_ms(partial(check, name, raw, snapshot), rounds)
        theirs = _times_ms(partial(notebook, table), _NOTEBOOK_ROUNDS)
        middle, peer, most = statistics.median(ours), statistics.median(theirs), _MOST_MS[name]
        print(
            f"| {name} | {middle:.2f} ms | {np.quantile(ours, 0.95):.2f} ms | {most:g} ms | "
            f"{'met' if middle <= most else 'MISSED'} | {statistics.median(checks):.2f} ms | {peer:.1f} ms | "
            f"{peer / middle:.0f} |"
        )


def _answer(name: str, raw: Mapping[str, object], snapshot: Snapshot) -> Table:
    return check(name, raw, snapshot).compute(Unwatched())


def _times_ms(run: Callable[[], object], rounds: int) -> list[float]:
    run()  # what is made once is made
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - began))
    return times


def _read(path: Path, folder: Path) -> Snapshot:
    into, work = folder / "snapshots", folder / "work"
    into.mkdir(parents=True)
    work.mkdir()
    source = Source(name="benchmark", path=str(path), columns={})
    job = ReadingTask(source=source, into=str(into), work=str(work), memory_mb=512, rejected_limit=0.0)
    return open_snapshot(read_source(job, lambda _: None))


def _table(source: _Source) -> Any:
    """Return the rows of the question and stratum, as a notebook would have them after reading."""
    rows = pd.read_csv(source.path, low_memory=False).rename(columns=str.strip)
    stratum = source.stratum.get("stratum", "Total")
    return rows[(rows["Question"] == QUESTION) & (rows["Stratification1"] == stratum)]


def _estimate(table: Any) -> Any:
    year = table[table["YearStart"] == int(_YEAR)].dropna(subset=["Data_Value"]).copy()
    year["se"] = (year["High_Confidence_Limit"] - year["Low_Confidence_Limit"]) / (2 * _Z)
    return year[["LocationDesc", "Data_Value", "se", "Low_Confidence_Limit", "High_Confidence_Limit", "Sample_Size"]]


def _comparison(table: Any) -> Any:
    estimates = _estimate(table).set_index("LocationDesc")
    reference, others = estimates.loc["National"], estimates.drop(index="National").copy()
    others["difference"] = others["Data_Value"] - reference["Data_Value"]
    error = np.hypot(others["se"], reference["se"])
    others["low"], others["high"] = others["difference"] - _Z * error, others["difference"] + _Z * error
    others["p"] = 2 * stats.norm.sf((others["difference"] / error).abs())
    others["p_adjusted"] = multipletests(others["p"], method="holm")[1]
    return others


def _trend(table: Any) -> Any:
    known = table.dropna(subset=["Data_Value"])
    found = {}
    for location, years in known.groupby("LocationDesc"):
        error = (years["High_Confidence_Limit"] - years["Low_Confidence_Limit"]) / (2 * _Z)
        line = sm.WLS(years["Data_Value"], sm.add_constant(years["YearStart"]), weights=1 / error**2).fit()
        found[location] = (line.params["YearStart"], *line.conf_int().loc["YearStart"], line.pvalues["YearStart"])
    slopes = pd.DataFrame.from_dict(found, orient="index", columns=["slope", "low", "high", "p"])
    slopes["p_adjusted"] = multipletests(slopes["p"], method="holm")[1]
    return slopes


def _ranking(table: Any) -> Any:
    estimates = _estimate(table).set_index("LocationDesc").drop(index="National")
    value, error = estimates["Data_Value"], estimates["se"]
    v, se = value.to_numpy(), error.to_numpy()
    z = np.abs(np.subtract.outer(v, v)) / np.hypot.outer(se, se)
    p = pd.DataFrame(2 * stats.norm.sf(z), index=value.index, columns=value.index)
    rank_low, rank_high = {}, {}
    for location in value.index:
        others = p.loc[location].drop(location)
        differs = others.index[multipletests(others, method="holm")[0]]
        rank_low[location] = 1 + int((value[differs] < value[location]).sum())
        rank_high[location] = len(value) - int((value[differs] > value[location]).sum())
    drawn = pd.DataFrame(np.random.default_rng(1).normal(value, error, (4_000, len(value))), columns=value.index)
    drawn_ranks = drawn.rank(axis=1)
    found = {"rank": value.rank(method="min"), "low": pd.Series(rank_low), "high": pd.Series(rank_high)}
    return estimates.assign(**found, expected=drawn_ranks.mean(), p_best=(drawn_ranks <= 5).mean())


_NOTEBOOK: Mapping[str, Callable[[Any], Any]] = {
    "estimate": _estimate,
    "comparison": _comparison,
    "trend": _trend,
    "ranking": _ranking,
}


if __name__ == "__main__":
    sys.exit(main())
