"""The examples in docs/statistics: requests to the CDC's file by sex, with the first rows and findings of results.

``python -m tests.support.statistic_examples`` writes them again; a test fails where they are not current.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.registry import STATISTICS
from meantime.table import Table, cell_format
from tests.support.real_data import BY_SEX, real_file
from tests.support.statistic_pages import PAGES
from tests.support.table_files import read

# A block with the request, the table of its first rows, and the text before the next block or heading. A list in that
# text has the findings.
_EXAMPLE = re.compile(r"(```\n((?:\w+\n)?question=[^`]*)```\n\n)((?:\|.*\n)+)((?:(?!```|## ).*\n)*)")
_LIST = re.compile(r"(?:^\* .*\n)+", flags=re.MULTILINE)


def current(page: str, statistic: str, snapshot: Snapshot) -> str:
    """Return the page of a statistic with its examples as they come out now."""

    def example(match: re.Match[str]) -> str:
        head, request, rows, below = match.groups()
        first, _, others = request.partition("\n")
        name, fields = (statistic, request) if "=" in first else (first, others)
        table = check(name, _parameters(name, fields), snapshot).compute(Unwatched())
        findings = "".join(f"* {finding}\n" for finding in table.findings)
        return head + _rows(table, rows) + _LIST.sub(lambda _: findings, below, count=1)

    return _EXAMPLE.sub(example, page)


def _parameters(statistic: str, fields: str) -> Mapping[str, Any]:
    """Read a request as a command line would: a name that comes twice, or stands for a list, has a list."""
    raw: dict[str, Any] = {}
    for pair in re.split(r" {2,}|\n", fields.strip()):
        name, _, value = pair.partition("=")
        raw.setdefault(name, []).append(float(value) if name == "target" else value)
    lists = {"locations", "standard"} & set(STATISTICS[statistic].parameters.__struct_fields__)
    return {name: values if name in lists else values[0] for name, values in raw.items()}


def _rows(table: Table, shown: str) -> str:
    """Return as many rows, of the same columns, written as in every table for people."""
    head, rule, *rows = shown.splitlines()
    names = [name.strip() for name in head.strip("|").split("|")]
    columns = {column.name: (column, cells) for column, cells in zip(table.columns, table.data, strict=True)}
    written = []
    for name in names:
        column, cells = columns[name]
        form = cell_format(column, cells)
        written.append([form(cell) for cell in cells[: len(rows)]])
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*written, strict=True)]
    return "\n".join([head, rule, *lines, ""])


def main() -> None:
    """Write all of them."""
    snapshot = read(real_file(BY_SEX))
    for path in PAGES.glob("*.md"):
        page = path.read_text(encoding="utf-8")
        path.write_text(current(page, path.stem, snapshot), encoding="utf-8")


if __name__ == "__main__":
    main()
