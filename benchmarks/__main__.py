"""Run all benchmarks, and write docs/performance.md: ``python -m benchmarks``; ``--page`` writes the page anew only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.page import page_of
from benchmarks.picture import picture_of
from benchmarks.run import Run, run_all

_DOCS = Path(__file__).parent.parent / "docs"
KEPT, PAGE, PICTURE = _DOCS / "performance.json", _DOCS / "performance.md", _DOCS / "pictures" / "performance.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, keep what came out, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="Only write the page, out of what was kept.")
    if not parser.parse_args(arguments).page:
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(run_all()), indent=1) + b"\n")
    run = msgspec.json.decode(KEPT.read_bytes(), type=Run)
    PAGE.write_text(page_of(run), encoding="utf-8")
    if run.benchmarks:
        PICTURE.write_bytes(picture_of(run))
    failed = [each.name for each in run.benchmarks if each.failed]
    print(f"\n{PAGE.name} is written." + (f" Failed: {', '.join(failed)}." if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
