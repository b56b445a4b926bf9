"""What the documents tell to type prints what they show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from meantime import text
from meantime.model import Unwatched
from meantime.settings import SETTINGS
from meantime.statistics.check import check
from tests.support.document_commands import steps, walk
from tests.support.real_data import BY_SEX, real_file
from tests.support.server_process import serving
from tests.support.table_files import read

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "guide.md"
GUIDE_RANKING = ROOT / "docs" / "guide-ranking.md"
GUIDE_TABLE = ROOT / "docs" / "tables" / "obesity-and-activity.csv"
OWN_TABLE = ROOT / "docs" / "your-own-table.md"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed; the walk-through is made of curl commands")
def test_the_walk_through_prints_what_the_readme_says(tmp_path: Path) -> None:
    assert len(steps(README)) > 8
    with serving(state_dir=tmp_path / "state") as server:
        server.ready()
        walk(README, url=server.url, folder=tmp_path)
        assert server.end() == 0


def test_the_answer_that_the_readme_opens_with_is_what_comes_out_of_the_cdcs_file() -> None:
    raw = {
        "question": "Percent of adults aged 18 years and older who have obesity",
        "category": "Sex",
        "stratum": "Female",
        "since": "2011",
        "years": "2023",
        "reference": "National",
        "locations": ["Colorado", "West Virginia"],
    }
    table = check("change", raw, read(real_file(BY_SEX))).compute(Unwatched())
    names = [column.name for column in table.columns]
    rows: dict[str, dict[str, Any]] = {str(row[0]): dict(zip(names, row, strict=True)) for row in table.rows()}
    opening = " ".join(README.read_text(encoding="utf-8").partition("## Start")[0].split())
    for location in ("Colorado", "West Virginia", "National"):
        row = rows[location]
        sentences = [
            f"from {text.amount(row['before'], 'percent')} to {text.amount(row['after'], 'percent')}",
            f"by {text.number(row['change'], 1)} ",
            f"({text.interval(row['change_low'], row['change_high'], 'percentage points')})",
        ]
        assert [part for part in sentences if part not in opening] == []
    row = rows["West Virginia"]
    beyond = (row["beyond_reference"], row["beyond_reference_low"], row["beyond_reference_high"])
    assert f"The difference is {text.with_interval(*beyond, 'percentage points')}" in opening


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed; the guide begins with it")
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    assert {step.language for step in steps(GUIDE)} == {"console", "pycon"}
    with serving(str(GUIDE_TABLE), state_dir=tmp_path / "state") as server:
        server.ready()
        walk(GUIDE, url=server.url, folder=tmp_path)
        assert server.end() == 0


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed; the guide begins with it")
def test_the_guide_to_rankings_prints_what_it_says(tmp_path: Path) -> None:
    assert {step.language for step in steps(GUIDE_RANKING)} == {"console", "pycon"}
    (tmp_path / "docs").symlink_to(ROOT / "docs", target_is_directory=True)
    with serving(str(GUIDE_TABLE), state_dir=tmp_path / "state") as server:
        server.ready()
        walk(GUIDE_RANKING, url=server.url, folder=tmp_path)
        assert server.end() == 0


def test_a_table_of_ones_own_becomes_what_its_page_says(tmp_path: Path) -> None:
    assert len(steps(OWN_TABLE)) > 6
    walk(OWN_TABLE, folder=tmp_path)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for row in SETTINGS:
        default = f"`{row.default}`" if row.default else "none"
        assert f"| `{row.name}` | `{row.variable}` | {default} | {row.help} |" in documented, row.name


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"
