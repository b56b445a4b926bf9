"""The honest statistics over 55 locations: beside a notebook that computes the same plainly, and over HTTP.

Run as ``make bench BENCH=statistics``, with wrk on the path. First in this process, without the web: the synthetic
sample, and the CDC's table by sex where it is beside the project (``../shared/data``). The notebook's numbers are those
of pandas and statsmodels as most would write them, row by row where that reads best. Both begin with the whole table in
memory and the names of question, group and year, and end with the figures of every location: flags, intervals of
differences and ratios (MOVER) with the p that belongs to them, ranks by Holm and for all locations at once
(Tukey-Kramer). The notebook leaves out sentences, notes, and checks of the data. Where it takes a simpler way (a
trend's interval by the standard errors alone, ranks by symmetrical tests, draws without shrinkage) its figures are
others; what both compute in the same way is compared first. Then a server is asked, each time with another design
effect, so that no answer was kept; told is the rate for each second of processor time, so of one core.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import statsmodels.api as sm
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests

from benchmarks.frame import Contestant, Quantity, Ratio, Running, at_least, at_most, compare, options, show, version_of
from benchmarks.harness import QUESTION, meantime, quantile, require_no_errors, require_wrk, serving, wrk
from benchmarks.snapshot_of import snapshot_of
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table

_REAL = Path(__file__).parents[2] / "shared" / "data" / "cdc-npao-brfss-by-sex-2011-2023.csv"
_YEAR = "2023"
_Z = 1.959963984540054
# Points between a value and a limit, of which rounding to one decimal is too large a part.
_NEAR = 0.5 - 1e-9
# From which an estimate is flagged: fewer respondents, half the interval's width in points, the standard error's share.
_FEW, _WIDE, _UNRELIABLE = 50, 10.0, 0.3

# What a person waits for at most, at the median: a page of 55 locations is to be there at once.
_MOST_MS = {"estimate": 2.0, "comparison": 2.0, "trend": 2.0, "ranking": 20.0}
# Ahead of the notebook by so much, of which the hard parts are not in the notebook.
_TIMES_AS_FAST = 10.0


class _Source(NamedTuple):
    name: str
    path: Path
    stratum: Mapping[str, str]  # the parameters of the basis


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = options(__doc__, seconds=2)
    parser.add_argument("--times", type=int, default=100, help="Each statistic in a round; the notebook once.")
    given = parser.parse_args(arguments)
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.csv"
        with sample.open("wb") as out:
            write_sample(out, rows=20_000, seed=3)
        sources = [_Source("synthetic sample", sample, {})]
        if _REAL.exists():
            sources.append(_Source("CDC, by sex", _REAL, {"category": "Sex", "stratum": "Female"}))
        for place, source in enumerate(sources):
            snapshot = snapshot_of(source.path, Path(folder) / str(place))
            show(
                f"In process, {source.name}, {snapshot.about.rows:,} rows, all locations",
                _in_process(source, snapshot, given.times, given.rounds),
            )
        show(
            "Over HTTP, uncached, 55 places: answers for each second of processor time",
            _over_http(sample, given.seconds, given.rounds),
        )
    return 0


def _in_process(source: _Source, snapshot: Snapshot, times: int, rounds: int) -> list[Ratio]:
    table, stratum, ratios = _table(source), source.stratum.get("stratum", "Total"), []
    for name, row in _STATISTICS.items():
        raw = {"question": QUESTION, "years": "all" if name == "trend" else _YEAR, **source.stratum}
        told: list[Mapping[str, float]] = []
        ratios += compare(
            f"{name} of {source.name}",
            Contestant("Meantime", partial(_meantime, name, raw, snapshot, times, told)),
            [Contestant("notebook", partial(_notebook, row, table, stratum), {"median": _TIMES_AS_FAST})],
            [Quantity("median", "ms")],
            rounds,
        )
        ratios.append(at_most(f"{name} of {source.name}", [each["median"] for each in told], _MOST_MS[name], "ms"))
    return ratios


@contextmanager
def _meantime(
    name: str, raw: Mapping[str, object], snapshot: Snapshot, times: int, told: list[Mapping[str, float]]
) -> Iterator[Running]:
    def run() -> Table:
        return check(name, raw, snapshot).compute(Unwatched())

    def answer() -> dict[str, dict[str, Any]]:
        found = run()
        columns: dict[str, Any] = dict(zip((column.name for column in found.columns), found.data, strict=True))
        return {column: dict(zip(columns["location"], columns[column], strict=True)) for column in _STATISTICS[name][1]}

    def measure() -> Mapping[str, float]:
        told.append({"median": _median_ms(run, times)})
        return told[-1]

    yield Running("", answer, measure)


@contextmanager
def _notebook(row: _Statistic, table: Any, stratum: str) -> Iterator[Running]:
    # statsmodels collects garbage in each of its corrections: not that of what this process has for Meantime.
    gc.freeze()
    about = f"notebook: {version_of('pandas')}, {version_of('statsmodels')}, {version_of('scipy')}; one thread"
    yield Running(
        about,
        lambda: _as_dicts(row.notebook(table, stratum), row.columns),
        lambda: {"median": _median_ms(lambda: row.notebook(table, stratum), 1)},
    )


def _over_http(sample: Path, seconds: int, rounds: int) -> list[Ratio]:
    rates: dict[str, list[float]] = {name: [] for name in _STATISTICS}
    with serving(meantime(str(sample))) as server:
        for number in range(rounds + 1):
            for name in _STATISTICS:
                years = "all" if name == "trend" else _YEAR
                path = f"/v1/statistics/{name}?{urlencode({'question': QUESTION, 'years': years})}"
                # Of each round its own, and so of each request: no answer is one that was kept.
                lines = (
                    f"local asked = {number}000000",
                    "request = function()",
                    "  asked = asked + 1",
                    f'  return wrk.format("GET", "{path}&design_effect=1." .. string.format("%09d", asked))',
                    "end",
                )
                before_s = server.cpu_s
                found = require_no_errors(wrk(server.url, seconds=seconds, connections=4, script_lines=lines))
                if number:  # the first is to warm up
                    rates[name].append(found.per_s * found.took_s / (server.cpu_s - before_s))
    return [at_least(name, rates[name], row.least_per_s) for name, row in _STATISTICS.items()]


def _median_ms(run: Callable[[], object], times: int) -> float:
    took_ms = []
    for _ in range(times):
        began_s = time.perf_counter()
        run()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return quantile(took_ms, 0.5)


def _table(source: _Source) -> Any:
    """Return all rows, as a notebook would have them after reading."""
    return pd.read_csv(source.path, low_memory=False).rename(columns=str.strip)


def _asked(table: Any, stratum: str) -> Any:
    return table[(table["Question"] == QUESTION) & (table["Stratification1"] == stratum)]


def _estimate(table: Any, stratum: str) -> Any:
    rows = _asked(table, stratum)
    year = rows[rows["YearStart"] == int(_YEAR)].dropna(subset=["Data_Value"]).copy()
    year["se"] = _errors(year)
    v, low, high = year["Data_Value"], year["Low_Confidence_Limit"], year["High_Confidence_Limit"]
    reasons = {
        "fewer than 50 respondents": year["Sample_Size"] < _FEW,
        "interval wider than 20 points": (high - low) / 2 > _WIDE,
        "large relative error": year["se"] >= _UNRELIABLE * np.minimum(v, 100 - v),
    }
    flags = pd.DataFrame(reasons)
    year["flags"] = flags.apply(lambda row: "; ".join(flags.columns[row]), axis=1)
    columns = ["LocationDesc", "Data_Value", "se", "Low_Confidence_Limit", "High_Confidence_Limit", "Sample_Size"]
    return year[[*columns, "flags"]]


def _errors(rows: Any) -> Any:
    """Return the standard errors that published limits tell on the logit scale, and what rounding to 0.1 adds."""
    value = rows["Data_Value"] / 100
    width = special.logit(rows["High_Confidence_Limit"] / 100) - special.logit(rows["Low_Confidence_Limit"] / 100)
    return 100 * np.hypot(width / (2 * _Z) * value * (1 - value), 0.001 / np.sqrt(12))


def _comparison(table: Any, stratum: str) -> Any:
    estimates = _estimate(table, stratum).set_index("LocationDesc")
    estimates["used_low"], estimates["used_high"] = _limits_for_differences(estimates)
    reference, others = estimates.loc["National"], estimates.drop(index="National").copy()
    v, low, high = others["Data_Value"], others["used_low"], others["used_high"]
    v2, low2, high2 = (reference[each] for each in ("Data_Value", "used_low", "used_high"))
    others["difference"] = v - v2
    others["low"] = others["difference"] - np.hypot(v - low, high2 - v2)
    others["high"] = others["difference"] + np.hypot(high - v, v2 - low2)
    others["ratio"] = v / v2
    others["ratio_low"] = others["ratio"] * np.exp(-np.hypot(np.log(v / low), np.log(high2 / v2)))
    others["ratio_high"] = others["ratio"] * np.exp(np.hypot(np.log(high / v), np.log(v2 / low2)))
    others["p"] = [
        _touching_p((row["used_low"], row["Data_Value"], row["used_high"]), (low2, v2, high2))
        for _, row in others.iterrows()
    ]
    others["p_adjusted"] = multipletests(others["p"], method="holm")[1]
    return others


def _limits_for_differences(estimates: Any) -> tuple[Any, Any]:
    """Return the published limits; where they are so near that rounding moves them, those of the standard error."""
    v, low, high = (estimates[each] for each in ("Data_Value", "Low_Confidence_Limit", "High_Confidence_Limit"))
    is_near = np.minimum(v - low, high - v) < _NEAR
    centre, half = special.logit(v / 100), _Z * estimates["se"] / (v * (1 - v / 100))
    made_low, made_high = (100 * special.expit(centre + sign * half) for sign in (-1, 1))
    return low.where(~is_near, made_low), high.where(~is_near, made_high)


def _touching_p(own: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Return the p-value of no difference: one less the level of the interval that touches 0."""
    (low, v, high), (low2, v2, high2) = ([each / 100 for each in limits] for limits in (own, other))
    if v < v2:
        (low, v, high), (low2, v2, high2) = (low2, v2, high2), (low, v, high)

    def still_apart(z: float) -> float:
        below = special.expit(special.logit(v) - z * (special.logit(v) - special.logit(low)) / _Z)
        above = special.expit(special.logit(v2) + z * (special.logit(high2) - special.logit(v2)) / _Z)
        return float((v - v2) - np.hypot(v - below, above - v2))

    return float(2 * stats.norm.sf(optimize.brentq(still_apart, 0, 38))) if v > v2 else 1.0


def _trend(table: Any, stratum: str) -> Any:
    known = _asked(table, stratum).dropna(subset=["Data_Value"])
    found = {}
    for location, years in known.groupby("LocationDesc"):
        value, mean = years["Data_Value"], years["Data_Value"].mean()
        # As at the mean of the years: errors that follow the value would give years that are low by chance more weight.
        error = _errors(years) * np.sqrt(mean * (100 - mean) / (value * (100 - value)))
        line = sm.WLS(years["Data_Value"], sm.add_constant(years["YearStart"]), weights=1 / error**2).fit()
        found[location] = (line.params["YearStart"], *line.conf_int().loc["YearStart"], line.pvalues["YearStart"])
    slopes = pd.DataFrame.from_dict(found, orient="index", columns=["slope", "low", "high", "p"])
    slopes["p_adjusted"] = multipletests(slopes["p"], method="holm")[1]
    return slopes


def _ranking(table: Any, stratum: str) -> Any:
    estimates = _estimate(table, stratum).set_index("LocationDesc").drop(index="National")
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
    all_at_once = z > stats.studentized_range.ppf(0.95, len(value), np.inf) / np.sqrt(2)
    lower, higher = (all_at_once & (sign * np.subtract.outer(v, v) > 0) for sign in (1, -1))
    together = {"low_all": 1 + lower.sum(axis=1), "high_all": len(value) - higher.sum(axis=1)}
    alike = [
        "; ".join(value.index[~row & (value.index != name)]) for name, row in zip(value.index, all_at_once, strict=True)
    ]
    drawn = pd.DataFrame(np.random.default_rng(1).normal(value, error, (4_000, len(value))), columns=value.index)
    drawn_ranks = drawn.rank(axis=1)
    found = {"rank": value.rank(method="min"), "low": pd.Series(rank_low), "high": pd.Series(rank_high)}
    return estimates.assign(
        **found, **together, alike=alike, expected=drawn_ranks.mean(), p_best=(drawn_ranks <= 5).mean()
    )


def _as_dicts(rows: Any, columns: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return what both compute in the same way: by location, and by our names of the columns."""
    by_location = rows.set_index("LocationDesc") if "LocationDesc" in rows else rows
    return {name: dict(by_location[theirs].astype(float)) for name, theirs in columns.items()}


class _Statistic(NamedTuple):
    notebook: Callable[[Any, str], Any]
    columns: Mapping[str, str]  # that both compute in the same way: our name, and the notebook's
    least_per_s: float  # over HTTP, uncached


_LIMITS = {"low": "Low_Confidence_Limit", "high": "High_Confidence_Limit"}
_COMPARED = {
    "difference": "difference",
    "difference_low": "low",
    "difference_high": "high",
    "ratio": "ratio",
    "ratio_low": "ratio_low",
    "ratio_high": "ratio_high",
    "p_adjusted": "p_adjusted",
}
_STATISTICS: Mapping[str, _Statistic] = {
    "estimate": _Statistic(_estimate, {"estimate": "Data_Value", "se": "se", **_LIMITS}, 800),
    "comparison": _Statistic(_comparison, {"estimate": "Data_Value", **_COMPARED}, 400),
    "trend": _Statistic(_trend, {"slope": "slope"}, 400),
    "ranking": _Statistic(_ranking, {"rank": "rank", "estimate": "Data_Value", **_LIMITS}, 250),
}


if __name__ == "__main__":
    sys.exit(main())
