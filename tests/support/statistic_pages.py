"""Whether a statistic is documented: its file in ``families`` has a page of the same name in docs/statistics."""

from __future__ import annotations

import re
from pathlib import Path

from meantime.statistics.statistic import AnyStatistic

PAGES = Path(__file__).parents[2] / "docs" / "statistics"
# What statistics of published estimates have in common is described once.
_COMMON = PAGES / "common-ground.md"


def page_of(row: AnyStatistic) -> str:
    """Return the name of the page that documents a statistic."""
    return f"{row.compute.__module__.rpartition('.')[2]}.md"


def assert_documented(row: AnyStatistic, pages: Path = PAGES) -> None:
    """Fail unless the page of a statistic is there and names it and all its parameters."""
    path = pages / page_of(row)
    assert path.exists(), f"{row.name} is not documented: there is no docs/statistics/{path.name}"
    page = path.read_text(encoding="utf-8")
    assert row.name in page, f"docs/statistics/{path.name} does not name {row.name}"
    described = page + _COMMON.read_text(encoding="utf-8")
    missing = [name for name in row.parameters.__struct_fields__ if not re.search(rf"`{name}\b", described)]
    assert not missing, f"docs/statistics/{path.name} does not describe the parameters {missing} of {row.name}"
