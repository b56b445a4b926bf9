"""The means of a question by state, as other systems compute them in their jobs: grouped once, when the work begins."""

from __future__ import annotations

import csv
import math
import os
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

# Where the file is, for workers that are processes of their own.
SAMPLE = "BENCHMARK_SAMPLE"


def states_mean(question: str) -> dict[str, float]:
    """Return the mean of each state, lowest first."""
    means = {state: total / rows for state, (total, rows) in _grouped()[question].items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))


@cache
def _grouped() -> Mapping[str, Mapping[str, tuple[float, int]]]:
    values: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with open(os.environ[SAMPLE], newline="", encoding="utf-8") as file:  # noqa: PTH123 - a worker's own path
        for row in csv.DictReader(file):
            if row["Data_Value"]:
                values[row["Question"]][row["LocationDesc"]].append(float(row["Data_Value"]))
    return {
        question: {state: (math.fsum(each), len(each)) for state, each in states.items()}
        for question, states in values.items()
    }
