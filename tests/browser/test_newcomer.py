"""What somebody who has read nothing can find out, and take away: the story that the explorer is for."""

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
    """Press a column's head, as one does who wants the highest first, and return the first row."""
    head = page.get_by_role("button", name=re.compile(f"^{column}"))
    head.click()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    head.click()
    expect(page.locator("th[aria-sort=descending]")).to_be_visible()
    return page.locator("tbody tr").first


def taken(page: Page, link: Locator, path: Path) -> bytes:
    with page.expect_download() as started:
        link.click()
    started.value.save_as(path)
    return path.read_bytes()


def test_which_states_have_most_obesity_among_women_whether_that_is_unlike_the_country_and_since_when(
    visitor: Visitor, tmp_path: Path
) -> None:
    published = {
        (row["LocationDesc"], row["YearStart"]): float(row["Data_Value"])
        for row in csv.DictReader(real_file(BY_SEX).read_text(encoding="utf-8-sig").splitlines())
        if row["Question"] == OBESITY and row["Stratification1"] == "Female" and row["Data_Value"]
    }
    latest = {place: value for (place, year), value in published.items() if year == "2023"}
    assert max(latest, key=lambda place: latest[place]) == WORST

    # From the first page to the question. The file has no figure for everybody: women are shown, and named.
    page = visitor.go()
    page.get_by_label("Find a question").fill("obesity")
    page.get_by_label("real").get_by_role("link", name=OBESITY).click()
    expect(page.locator(".chip[aria-current]")).to_have_text("Female")
    expect(page.locator(".findings")).to_contain_text("The locations really differ")

    # The picture says where it is from.
    visitor.drawn()
    picture = taken(page, page.locator('a.file[href*="/ranking.svg?"]'), tmp_path / "ranking.svg")
    assert picture.startswith(b"<svg")
    assert WORST in picture.decode().replace("\u00a0", " ")
    assert "Computed by Meantime" in picture.decode().replace("\u00a0", " ")

    # The highest, with how sure that is.
    page.get_by_role("link", name="Table", exact=True).click()
    first = sorted_by(page, "estimate")
    expect(first.locator("th")).to_have_text(WORST)
    expect(first).to_contain_text(f"{latest[WORST]:.1f}")

    # Whether it differs from the national figure, and how it has changed.
    page.get_by_label("Statistic", exact=True).select_option("comparison")
    expect(row_of(page, WORST)).to_contain_text("worse")
    expect(page.locator(".findings")).to_contain_text(f"{WORST} is above National by")
    page.get_by_label("Statistic", exact=True).select_option("trend")
    expect(row_of(page, WORST)).to_contain_text("rising")
    expect(row_of(page, WORST)).to_contain_text("2011")
    expect(page.locator(".findings")).to_contain_text("National (an aggregate) rises by")

    # Why, and the very rows of it.
    page.get_by_role("button", name=f"Why this number: {WORST}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".steps li").first).to_be_visible()
    rows = taken(page, dialog.locator('a.file[href*="rows.csv"]'), tmp_path / "rows.csv").decode("utf-8-sig")
    found = list(csv.DictReader(rows.splitlines()))
    assert len(found) >= 13
    for row in found:
        if row["LocationDesc"] == WORST:
            assert float(row["Data_Value"]) == published[WORST, row["YearStart"]]
    page.keyboard.press("Escape")

    # The numbers, as a table of one's own.
    numbers = taken(page, page.locator('a.file[href*="/trend.csv?"]'), tmp_path / "trend.csv").decode("utf-8-sig")
    slope = next(row for row in csv.DictReader(numbers.splitlines()) if row["location"] == WORST)
    assert float(slope["slope_low"]) > 0
