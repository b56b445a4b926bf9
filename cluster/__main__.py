"""Run the acceptance test: ``python -m cluster``, or ``--rows 5000000 --files 8`` for figures of a larger table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cluster import acceptance
from cluster.services import Services


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, ask everything, and stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=8)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Services(Path(folder)) as services:
        acceptance.run(services, rows=given.rows, files=given.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
