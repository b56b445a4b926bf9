"""Hundreds of places in the explorer: parts of charts, pages of tables, searches instead of long lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visitor
from tests.support.command_line import meantime
from tests.support.server_process import RunningServer, serving

OBESITY = "Percent of adults aged 18 years and older who have obesity"
QUESTION: dict[str, Any] = {"view": "question", "dataset": "counties", "question": OBESITY}
# One of 908 counties, in the middle of those with a value.
MIDDLE = "Birchview County, Kentucky"


@pytest.fixture(scope="module")
def counties(new_state: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with 908 counties."""
    folder = tmp_path_factory.mktemp("counties")
    table = folder / "counties.csv"
    assert meantime("sample", "--level", "county", "--rows", "20000", "--out", str(table)).returncode == 0
    with serving(f"counties={table}", state_dir=new_state(folder / "state")) as running:
        running.wait_for(r"data set ready .*dataset=counties\b")
        yield running


@pytest.fixture
def visitor(browser: Browser, counties: RunningServer) -> Iterator[Visitor]:
    with Visitor(browser, counties.url) as somebody:
        yield somebody


def test_a_ranking_shows_its_ends_and_the_place_that_is_searched_for(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION)
    visitor.drawn()
    expect(page.locator(".shown")).to_contain_text("The 25 highest and 25 lowest of ")
    page.locator("#highlight").fill("birchview kentucky")
    page.locator("#highlight").press("Enter")
    expect(page.locator("#highlight")).to_have_value(MIDDLE)
    expect(page.locator(".shown")).to_contain_text(f"and {MIDDLE}.")
    expect(page.locator(".description strong")).to_have_text(MIDDLE)
    visitor.address_has("highlight=Birchview")
    page.goto(page.url)
    visitor.settled()
    expect(page.locator(".shown")).to_contain_text(f"and {MIDDLE}.")


def test_a_table_has_pages_and_is_searched_as_a_whole(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="table", of="estimate")
    expect(page.locator("tbody tr")).to_have_count(100)
    pages = page.get_by_role("group", name="Pages of")
    expect(pages).to_contain_text("1–100 of 8")
    first = page.locator("tbody th").first.inner_text()
    pages.get_by_role("button", name="Next").click()
    expect(pages).to_contain_text("101–200 of 8")
    expect(page.locator("tbody th").first).not_to_have_text(first)
    pages.get_by_label("Rows per page").select_option("300")
    expect(page.locator("tbody tr")).to_have_count(300)
    page.locator("#filter").fill("birchview kentucky")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody th")).to_have_text([MIDDLE])


def test_places_are_chosen_by_search_from_a_list_that_is_cut(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="table", of="estimate")
    page.locator("#where").click()
    options = page.locator("#where-options li")
    expect(options).to_have_count(51)
    page.locator("#where").fill("county")
    expect(options.last).to_contain_text("858 more: type part of the name")
    page.locator("#where").fill("birchview kentucky")
    expect(options).to_have_count(1)
    page.locator("#where").press("Enter")
    expect(page.locator("tbody th")).to_have_text([MIDDLE])


def test_a_map_has_a_point_for_each_place_that_has_coordinates(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="map", highlight=MIDDLE)
    visitor.drawn()
    expect(page.locator(".description")).to_contain_text("95% CI")
    expect(page.locator(".shown")).to_be_hidden()


def test_trends_are_listed_in_pages(visitor: Visitor) -> None:
    visitor.refused = [422]  # the chart of all years may be computed as a job
    page = visitor.go(**QUESTION, tab="trend")
    visitor.drawn()
    expect(page.locator(".shown")).to_contain_text("The 25 highest and 25 lowest of ")
    page.locator("#trends summary").click()
    expect(page.locator("#trends tbody tr")).to_have_count(100)
    page.locator("#trends").get_by_label("Find in trends").fill("birchview kentucky")
    expect(page.locator("#trends tbody tr")).to_have_count(1)


def test_the_place_to_compare_with_is_searched_for(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="map", colour="verdict")
    page.locator("#reference").fill("birchview kentucky")
    page.locator("#reference").press("Enter")
    visitor.address_has("reference=Birchview")
