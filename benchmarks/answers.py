"""How fast a statistic is answered at once: beside the same server's bare /livez, and beside ROAPI asked as SQL.

Run as ``make bench BENCH=answers``, with roapi in the same environment and wrk on the path. Both servers answer the
same question, the mean of a question's rows by state, over the same synthetic sample, at 32 connections. ROAPI groups
the rows anew for each request, which is what it is for; Meantime has grouped them when the file was read.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.harness import QUESTION, Ratio, meantime, middle, print_ratios, require, require_wrk, serving, wrk

_PATH = "/v1/statistics/states_mean?" + urlencode({"question": QUESTION})
# Withheld rows have no value; avg() passes over them as Meantime does.
_SQL = (
    'SELECT "LocationDesc", avg("Data_Value") AS mean FROM sample '
    f'WHERE "Question" = \'{QUESTION}\' GROUP BY "LocationDesc" ORDER BY mean'
)
_CELLS_OF_STATES = 180_180
# Rows of the sample, and how many times ROAPI's answers a second ours should be at least.
SIZES = {20_000: 5, 1_000_000: 50, 5_000_000: 300}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most-rows", type=int, default=max(SIZES), help="Leave out larger samples.")
    given = parser.parse_args(arguments)
    require_wrk()
    print_ratios("Answers at once, beside /livez", [_beside_livez(given.seconds, given.rounds)])
    roapi = shutil.which("roapi", path=str(Path(sys.executable).parent)) or shutil.which("roapi")
    if roapi is None:
        require("roapi", "it is what is compared with; pip install roapi.")
        return 2
    ratios = [
        _beside_roapi(roapi, rows, target, given.seconds, given.rounds)
        for rows, target in SIZES.items()
        if rows <= given.most_rows
    ]
    print_ratios("Answers at once, beside ROAPI", ratios)
    return 0


def _beside_livez(seconds: int, rounds: int) -> Ratio:
    ours, bare = [], []
    with serving(meantime()) as server:
        wrk(server.url + _PATH, seconds=1)  # warm
        for _ in range(rounds):
            ours.append(wrk(server.url + _PATH, seconds=seconds))
            bare.append(wrk(server.url + "/livez", seconds=seconds))
    mine, peer = middle(ours), middle(bare)
    _require_no_errors(mine.errors + peer.errors)
    return Ratio(
        "GET /v1/statistics/states_mean, 20,000 rows",
        f"{mine.per_s:,.0f}/s, p99 {mine.p99_ms:.1f} ms",
        f"/livez {peer.per_s:,.0f}/s, p99 {peer.p99_ms:.1f} ms",
        mine.per_s / peer.per_s,
        0.5,
    )


def _beside_roapi(roapi: str, rows: int, target: float, seconds: int, rounds: int) -> Ratio:
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.csv"
        # Of states, with several rows of each cell: the answer is then as long whatever the number of rows.
        size = ("--level", "state", "--rows", str(rows), "--rows-per-cell", str(-(-rows // _CELLS_OF_STATES)))
        subprocess.run(
            [sys.executable, "-m", "meantime", "sample", *size, "--seed", "3", "--out", str(sample)], check=True
        )
        command = [roapi, "--addr-http", "127.0.0.1:{port}", "--addr-postgres", "127.0.0.1:0"]
        command += ["--addr-flight-sql", "127.0.0.1:0", "--table", f"sample={sample}"]
        ours, theirs = [], []
        with serving(meantime(str(sample))) as server, serving(command, ready="/health") as peer:
            for _ in range(rounds):
                ours.append(wrk(server.url + _PATH, seconds=seconds))
                theirs.append(wrk(peer.url + "/api/sql", seconds=seconds, method="POST", body=_SQL))
    mine, other = middle(ours), middle(theirs)
    _require_no_errors(mine.errors + other.errors)
    return Ratio(
        f"states_mean over {rows:,} rows",
        f"{mine.per_s:,.0f}/s, p50 {mine.p50_ms:.1f} ms",
        f"ROAPI {other.per_s:,.1f}/s, p50 {other.p50_ms:.1f} ms",
        mine.per_s / other.per_s,
        target,
    )


def _require_no_errors(errors: int) -> None:
    # An error is answered quickly, and would count as speed.
    if errors:
        raise SystemExit(f"{errors} requests were not answered as they should be; the figures mean nothing.")


if __name__ == "__main__":
    sys.exit(main())
