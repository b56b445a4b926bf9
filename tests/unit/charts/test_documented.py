"""Every chart is documented."""

from __future__ import annotations

import re
from pathlib import Path

from meantime.charts.registry import CHARTS

PAGE = (Path(__file__).parents[3] / "docs" / "charts.md").read_text(encoding="utf-8")


def test_the_table_of_the_page_has_every_chart_and_no_other() -> None:
    table = PAGE.partition("| chart |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == sorted(CHARTS)
