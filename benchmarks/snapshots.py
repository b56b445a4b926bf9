"""A snapshot of many cells: bytes on disk, how long a question takes to open, and memory when all are served.

Run as ``make bench BENCH=snapshots``. Questions about 70,000 places with a cell each, as in a table of census tracts,
are written directly, without a file that is read: 714 of them are 50 million cells. Then a process opens the snapshot,
asks for a statistic of every question, and is looked at. Each figure is told against its limit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.frame import FULL, Ratio, show
from meantime.dataset.cube import Cells, Labels, Period, ValueType
from meantime.dataset.moments import Moments
from meantime.dataset.rolling_up import cube_of
from meantime.dataset.snapshot import About, QuestionMetadata
from meantime.dataset.snapshot_writer import SnapshotWriter

_PLACES = 70_000
_BYTES_A_CELL, _OPEN_MS, _RESIDENT_MB = 40, 100, 1024
_SERVED = """
import json, resource, statistics, sys, time
from pathlib import Path
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.statistics.families.classic import STATES_MEAN, OfQuestion
began = time.perf_counter()
snapshot = open_snapshot(Path(sys.argv[1]))
opened_ms = (time.perf_counter() - began) * 1e3
blocks_ms = []
for code, question in enumerate(snapshot.cube.labels.questions):
    began = time.process_time()  # the machine may have other work
    snapshot.cube.block(code)
    blocks_ms.append((time.process_time() - began) * 1e3)
    STATES_MEAN.answer(snapshot, OfQuestion(question=question))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([opened_ms, statistics.median(blocks_ms), peak]))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the snapshot, serve it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=714 if FULL else 100, help="How many of 70,000 cells each.")
    parser.add_argument("--folder", type=Path, help="Where the snapshot is written; it takes 13 bytes a cell.")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as into:
        began = time.perf_counter()
        folder = write(Path(into), given.questions)
        wrote_s = time.perf_counter() - began
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        command = [sys.executable, "-c", _SERVED, str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    opened_ms, block_ms, peak_mb = json.loads(said)
    cells = given.questions * _PLACES
    print(f"{cells:,} cells, written in {wrote_s:.0f} s; the snapshot is opened in {opened_ms:.0f} ms")
    show(
        "A snapshot, against its limits",
        [
            _ratio("bytes a cell on disk", size / cells, _BYTES_A_CELL, "bytes"),
            _ratio("a question of 70,000 cells is opened: processor", block_ms, _OPEN_MS, "ms"),
            _ratio("most memory of a process that answers about every question", peak_mb, _RESIDENT_MB, "MB"),
        ],
    )
    return 0


def _ratio(what: str, figure: float, limit: float, unit: str) -> Ratio:
    return Ratio(what, f"{figure:,.1f} {unit}", f"{limit:,} {unit}", limit / figure, 1)


def write(into: Path, questions: int) -> Path:
    """Write a snapshot of so many questions."""
    texts = [f"Percent of adults in the question {number:05}" for number in range(questions)]
    rng = np.random.default_rng(1)
    nothing, one = np.empty(0, dtype=np.int64), np.ones(_PLACES, dtype=np.int64)
    keys = np.zeros((_PLACES, 6), dtype=np.int64)
    keys[:, 1], keys[:, 2:4] = np.arange(_PLACES), -1
    places = tuple(f"{10**10 + 137 * number}" for number in range(_PLACES))
    sizes = rng.integers(500, 9000, _PLACES).astype(np.float64)
    with SnapshotWriter(into) as writer:
        for text in texts:
            tenths = rng.integers(10, 600, _PLACES)
            cells = Cells(
                keys=keys,
                moments=Moments(
                    count=one, total=tenths, squares=tenths**2, minimum=tenths, maximum=tenths, withheld=one - 1
                ),
                low=(tenths - 11) / 10,
                high=(tenths + 13) / 10,
                sample_size=sizes,
                footnote=-one,
                copies=one - 1,
                withheld_cell=nothing,
                withheld_reason=nothing,
                withheld_count=nothing,
            )
            labels = Labels(
                questions=(text,),
                value_types=(ValueType("Crude prevalence", "percent"),),
                locations=places,
                categories=(),
                strata=(),
                periods=(Period(2022, 2022),),
                reasons=(),
                footnotes=(),
            )
            writer.add_question(cube_of(labels, cells, scale=1))
        about = About(
            title="Many places",
            synthetic=True,
            roles={},
            columns=(),
            questions=tuple(QuestionMetadata(text=text, unit="percent") for text in texts),
            rows=questions * _PLACES,
            rejected_total=0,
            rejected=(),
            files=(),
            encoding="utf-8",
            delimiter=",",
            decimal_mark=".",
        )
        return writer.finish(about, [])


if __name__ == "__main__":
    sys.exit(main())
