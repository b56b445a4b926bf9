"""A statistic that is one file more is in the explorer's menu, and is shown there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import OBESITY
from tests.support.added_statistic import MeantimeWithExcess
from tests.support.browser import Visitor


def test_a_statistic_that_is_one_file_more_is_in_the_menu(
    browser: Browser, new_state: Callable[[Path], Path], tmp_path: Path
) -> None:
    new_state(tmp_path / "state")
    with MeantimeWithExcess(tmp_path).serving() as server, Visitor(browser, server.url) as visitor:
        page = visitor.go(view="question", dataset="sample", question=OBESITY, tab="table")
        page.get_by_label("Statistic", exact=True).select_option("excess")
        visitor.address_has("of=excess")
        expect(page.locator("#tab")).to_contain_text("how far each location is above a value")
