"""How soon a picture is drawn: the first one of a server, for which the drawing process starts, and the next ones.

Run as ``make bench BENCH=pictures``. A ranking of 55 places as SVG, over HTTP, of another year each time; the user's
home is an empty folder, as after an installation.
"""

from __future__ import annotations

import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlencode

from benchmarks.frame import Failed, at_most, options, show
from benchmarks.harness import QUESTION, Server, meantime, quantile, serving

_FIRST_S, _NEXT_MS = 1.5, 150
_YEARS = range(2012, 2023)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    given = options(__doc__).parse_args(arguments)
    first_s, next_ms = [], []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as home, serving(meantime(), settings={"HOME": home}) as server:
            first_s.append(_draw(server, 2023))
            next_ms.append(1000 * quantile([_draw(server, year) for year in _YEARS], 0.5))
    show(
        "A picture of a ranking",
        [
            at_most("the first of a server", first_s, _FIRST_S, "s"),
            at_most("the next ones, median", next_ms, _NEXT_MS, "ms"),
        ],
    )
    return 0


def _draw(server: Server, year: int) -> float:
    asked = urlencode({"question": QUESTION, "years": year})
    began_s = time.perf_counter()
    with urllib.request.urlopen(f"{server.url}/v1/statistics/ranking.svg?{asked}", timeout=60) as reply:  # noqa: S310 - our own server
        drawn = reply.read()
    took_s = time.perf_counter() - began_s
    if b"<svg" not in drawn[:1000]:
        raise Failed(f"the picture of {year} is no SVG: {drawn[:80]!r}")
    return took_s


if __name__ == "__main__":
    sys.exit(main())
