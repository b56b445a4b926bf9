"""What a server takes that nobody asks: processor time and memory, with the built-in sample.

Run as ``make bench BENCH=idle``. It first answers one question of each kind, so that all that is imported at need is
there, and is then left alone.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.frame import at_most, options, show
from benchmarks.harness import QUESTION, Server, meantime, serving

_PERCENT, _MEMORY_MB = 0.1, 120
_ASKED = ("states_mean", "estimate", "comparison", "trend", "ranking")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    given = options(__doc__, seconds=10, rounds=2).parse_args(arguments)
    percents, memory_mb = [], []
    with serving(meantime()) as server:
        for name in _ASKED:
            asked = f"{server.url}/v1/statistics/{name}?{urlencode({'question': QUESTION})}"
            with urllib.request.urlopen(asked, timeout=60):  # noqa: S310 - our own server
                pass
        time.sleep(min(given.seconds, 3))  # what is left to do after an answer is done
        for _ in range(given.rounds):
            before_s = _cpu_s(server)
            time.sleep(given.seconds)
            percents.append(100 * (_cpu_s(server) - before_s) / given.seconds)
            memory_mb.append(server.memory_mb)
    show(
        "A server that nobody asks",
        [
            at_most("processor time, of one core", percents, _PERCENT, "%"),
            at_most("memory", memory_mb, _MEMORY_MB, "MB"),
        ],
    )
    return 0


def _cpu_s(server: Server) -> float:
    """Return the processor seconds of all threads, in nanoseconds: ticks are too coarse for a server that sleeps."""
    times = Path(f"/proc/{server.pid}/task").glob("*/schedstat")
    return sum(int(each.read_text(encoding="ascii").split()[0]) for each in times) / 1e9


if __name__ == "__main__":
    sys.exit(main())
