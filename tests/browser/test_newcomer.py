"""A first visit without any reading: find a question, its answer, the source rows, and download the numbers."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OBESITY
from tests.support.browser import Visitor
from tests.support.real_data import BY_SEX, real_file

WORST = "West Virginia"


def row_of(page: Page, location: str) -> Locator:
    return page.locator("tbody tr").filter(has=page.locator("th", has_text=location))


def sorted_by(page: Page, column: str) -> Locator:
    """Sort by a column, highest first, and return the first row."""
    head = page.get_by_role("button", name=re.compile(f"^{column}", re.IGNORECASE))
    head.click()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    head.click()
    expect(page.locator("th[aria-sort=descending]")).to_be_visible()
    return page.locator("tbody tr").first


def downloaded(page: Page, link: Locator, path: Path) -> bytes:
    with page.expect_download() as started:
        link.click()
    started.value.save_as(path)
    return path.read_bytes()


def test_a_newcomer_finds_the_state_with_most_obesity_its_difference_from_the_nation_and_its_trend(
    visitor: Visitor, tmp_path: Path
) -> None:
    published = {
        (row["LocationDesc"], row["YearStart"]): float(row["Data_Value"])
        for row in csv.DictReader(real_file(BY_SEX).read_text(encoding="utf-8-sig").splitlines())
        if row["Question"] == OBESITY and row["Stratification1"] == "Female" and row["Data_Value"]
    }
    latest = {location: value for (location, year), value in published.items() if year == "2023"}
    assert max(latest, key=lambda location: latest[location]) == WORST

    # From the first page to the question. The file has no totals: women are shown, and named.
    page = visitor.go()
    page.get_by_label("Find a question").fill("obesity")
    page.get_by_label("real").get_by_role("link", name=OBESITY).click()
    expect(page.locator("#who option:checked")).to_have_text("Female")
    expect(page.locator(".lead-findings")).to_contain_text(
        "Obesity among women ranges from 25.3% in Colorado and Hawaii"
    )

    # The picture names its source.
    visitor.drawn()
    picture = downloaded(page, page.locator('a.file[href*="/ranking.svg?"]'), tmp_path / "ranking.svg")
    assert picture.startswith(b"<svg")
    assert WORST in picture.decode().replace("\u00a0", " ")
    assert "Computed by Meantime" in picture.decode().replace("\u00a0", " ")

    # The highest value.
    page.get_by_role("link", name="Table", exact=True).click()
    first = sorted_by(page, "estimate")
    expect(first.locator("th")).to_have_text(WORST)
    expect(first).to_contain_text(f"{latest[WORST]:.1f}")

    # Whether it differs from the national figure, and how it has changed.
    page.get_by_label("Statistic", exact=True).select_option("comparison")
    expect(row_of(page, WORST)).to_contain_text("worse")
    expect(page.locator(".findings")).to_contain_text(f"{WORST} higher by ")
    page.get_by_label("Statistic", exact=True).select_option("trend")
    expect(row_of(page, WORST)).to_contain_text("rising")
    expect(row_of(page, WORST)).to_contain_text("2011")
    expect(page.locator(".findings")).to_contain_text("Obesity among women nationally rose by")

    # The explanation and its source rows.
    page.get_by_role("button", name=f"Why this number: {WORST}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".steps li").first).to_be_visible()
    rows = downloaded(page, dialog.locator('a.file[href*="rows.csv"]'), tmp_path / "rows.csv").decode("utf-8-sig")
    source_rows = list(csv.DictReader(rows.splitlines()))
    assert len(source_rows) >= 13
    for row in source_rows:
        if row["LocationDesc"] == WORST:
            assert float(row["Data_Value"]) == published[WORST, row["YearStart"]]
    page.keyboard.press("Escape")

    # The numbers, as a file.
    numbers = downloaded(page, page.locator('a.file[href*="/trend.csv?"]'), tmp_path / "trend.csv").decode("utf-8-sig")
    slope = next(row for row in csv.DictReader(numbers.splitlines()) if row["location"] == WORST)
    assert float(slope["slope_low"]) > 0
