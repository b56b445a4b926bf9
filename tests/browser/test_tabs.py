"""The tabs of a question: each draws its chart, describes it in words, and is a link."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from meantime.statistics.registry import STATISTICS
from tests.browser.conftest import IDLE, MARKUP, OBESITY
from tests.support.browser import Visitor
from tests.support.examples import one_case_in
from tests.support.server_process import RunningServer

QUESTION: dict[str, Any] = {"view": "question", "dataset": "sample", "question": OBESITY}
# By name: the state of a tab, and text that it shows.
TABS: dict[str, tuple[dict[str, Any], str]] = {
    "map": ({"tab": "map", "highlight": "Utah"}, "95% CI"),
    "tiles": ({"tab": "map", "shape": "tiles", "highlight": "Utah"}, "95% CI"),
    "verdicts": ({"tab": "map", "colour": "verdict", "highlight": "Utah"}, "difference"),
    "trend": ({"tab": "trend", "locations": ["Utah", "Ohio"], "highlight": "Utah"}, "Test of fit"),
    "groups": ({"tab": "groups", "groups": "Gender", "locations": ["Utah"]}, "The highest and lowest group differ by"),
    "every group": ({"tab": "groups", "groups": "every", "locations": ["Utah"]}, "Pick a place"),
    "two questions": ({"tab": "compare", "compare": "questions", "other": IDLE, "highlight": "Utah"}, IDLE),
    "sensitivity": ({"tab": "sensitivity", "highlight": "Utah"}, "Largest shift"),
}


@pytest.mark.parametrize("name", one_case_in(2, TABS))
def test_a_tab_is_drawn_and_its_link_shows_it_again(visitor: Visitor, name: str) -> None:
    state, words = TABS[name]
    page = visitor.go(**QUESTION, **state)
    expect(visitor.drawn().locator(".chart")).to_have_attribute("aria-label", re.compile("obesity", re.IGNORECASE))
    expect(page.locator("#tab")).to_contain_text(words)
    text = page.locator("#tab .answer").inner_text()
    page.goto(page.url)
    visitor.settled()
    visitor.drawn()
    expect(page.locator("#tab .answer")).to_have_text(text, use_inner_text=True)


def test_a_chart_is_drawn_when_it_is_on_the_page_and_not_a_frame_later(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url, is_new=True) as visitor:
        visitor.page.add_init_script("window.requestAnimationFrame = () => 0;")  # no frame comes any more
        visitor.go(**QUESTION, tab="ranking")
        visitor.drawn()


def test_the_unit_of_trends_is_said_once(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="trend", locations="Utah")
    heading = page.locator(".trends th").filter(has_text="Change per year")
    expect(heading.locator(".unit")).to_have_text("percentage points")
    for cell in page.locator(".trends td.number:nth-child(3)").all_inner_texts():
        assert re.fullmatch(r"−?[\d.]+", cell)


def test_of_many_locations_the_others_are_counted_and_named_when_they_are_asked_for(visitor: Visitor) -> None:
    def as_of_many(route: Route) -> None:
        if "chart=" in route.request.url:
            route.continue_()
            return
        answer = route.fetch().json()
        for row in answer["rows"]:
            if f"alike_of={row['location']}" not in route.request.url:
                row["cannot_be_told_apart_from"] = None
        route.fulfill(json=answer)

    visitor.page.route("**/v1/statistics/ranking?*", as_of_many)
    page = visitor.go(**QUESTION, tab="ranking", highlight="Utah")
    visitor.drawn()
    description = page.locator("#tab .description")
    expect(description).to_contain_text(
        re.compile(r"Cannot be distinguished from \d+ others\. The chart does not mark them")
    )
    page.get_by_role("button", name="Which ones?").click()
    expect(description).to_contain_text(re.compile(r"Cannot be distinguished from \w.*, \w"))
    expect(page.get_by_role("button", name="Which ones?")).to_have_count(0)


def test_groups_that_nobody_has_chosen_are_those_that_the_api_takes(visitor: Visitor) -> None:
    questions = httpx.get(f"{visitor.url}/v1/datasets/sample").json()["questions"]
    [reference] = [each["default_reference"] for each in questions if each["text"] == OBESITY]
    answer = httpx.get(
        f"{visitor.url}/v1/statistics/disparity", params={"dataset": "sample", "question": OBESITY}
    ).json()
    assert {row["reference_stratum"] for row in answer["rows"]} == {reference["stratum"]}
    page = visitor.go(**QUESTION, tab="groups", locations="Utah")
    expect(page.locator("#groups")).to_have_value(reference["category"])
    expect(page.locator("#reference-stratum option:checked")).to_have_text(reference["stratum"])
    expect(page.locator("#tab")).to_contain_text(f"points from {reference['stratum']}")
    visitor.address_lacks("stratum")


def test_no_menu_of_groups_offers_the_one_that_is_compared_with(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="groups", groups="Age (years)", grouping="gaps")
    group, reference = page.locator("#stratum"), page.locator("#reference-stratum")
    for chosen in ("", "45 - 54"):
        group.select_option(chosen)
        expect(page.locator("h1")).to_contain_text("aged 45–54" if chosen else "aged 25–34")
        names = [each.locator("option").all_inner_texts() for each in (group, reference)]
        assert reference.locator("option:checked").inner_text() not in names[0]
        assert chosen not in names[1]
        assert all(len(set(each)) == len(each) for each in names)


def test_where_the_group_to_compare_with_has_no_value_others_are_offered(visitor: Visitor) -> None:
    visitor.refused = [400]
    problem = {"pointer": "/reference_stratum", "code": "absent", "detail": 'It has none. There are: "45 - 54".'}

    def refuse(route: Route) -> None:
        if "45+-+54" in route.request.url or "45%20-%2054" in route.request.url:
            route.continue_()
        else:
            body = {"code": "request-invalid", "title": "", "detail": problem["detail"], "problems": [problem]}
            route.fulfill(status=400, json=body)

    visitor.page.route("**/v1/statistics/disparity?*", refuse)
    page = visitor.go(**QUESTION, tab="groups", groups="Age (years)", locations="Utah")
    page.locator("#no-answer").locator("..").get_by_role("link", name="45 - 54").click()
    expect(page.locator("#reference-stratum option:checked")).to_have_text("45 - 54")
    expect(page.locator("#tab .answer")).to_contain_text("from 45 - 54")


@pytest.mark.parametrize(
    "state",
    [
        {"tab": "map", "colour": "verdict"},
        {"tab": "groups", "groups": "Age (years)"},
        {"tab": "groups", "grouping": "groups", "locations": "all", "groups": "Education"},
        {"tab": "compare", "compare": "questions", "other": IDLE},
        {"tab": "sensitivity"},
        {"tab": "table", "of": "ranking"},
    ],
    ids=lambda state: "-".join(state.values())[:30],
)
def test_the_controls_are_in_one_row(browser: Browser, server: RunningServer, state: dict[str, str]) -> None:
    with Visitor(browser, server.url, width=1280) as visitor:
        page = visitor.go(**QUESTION, **state)
        box = page.locator(".controls").bounding_box()
        assert box is not None
        assert box["height"] < 50


def test_no_statistic_of_the_table_is_an_error_and_what_one_needs_is_asked_for(visitor: Visitor) -> None:
    visitor.refused = [400]  # a statistic for which the data set has no groups says so, and keeps its menu
    page = visitor.go(**{**QUESTION, "dataset": "made"}, tab="table", category="Sex", stratum="Female")
    asked = {"change": "Since which year?", "target": "Which target?", "association": "Which other question?"}
    for name in STATISTICS:
        page.get_by_label("Statistic", exact=True).select_option(name)
        visitor.address_has(f"of={name}")
        expect(page.locator("#of")).to_have_value(name)
        if name in asked or name.startswith("state_"):
            expect(page.locator("#choice-needed")).to_have_text(asked.get(name, "Which place?"))
        else:
            expect(page.locator("#tab .result, #no-answer").first).to_be_visible()
        assert page.locator(".message-error").count() == 0, name
    page.get_by_label("Statistic", exact=True).select_option("change")
    page.locator("#ask-since").select_option("2011")
    expect(page.locator(".lead-findings")).to_contain_text("2011 and 2023")
    # Averages of rows have neither group nor year, and say so.
    page.get_by_label("Statistic", exact=True).select_option("states_mean")
    expect(page.locator("h1")).to_have_text("Obesity: averages of rows")
    expect(page.locator(".lead-findings")).to_contain_text("A poor estimate of the population")


def test_two_locations_are_compared_question_by_question(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.go(**QUESTION, tab="compare")
    expect(page.locator("#tab")).to_contain_text("Which places?")
    page.locator("#where").fill("utah")
    page.locator("#where").press("Enter")
    rows = page.get_by_label("Results by question").locator("tbody tr")
    expect(rows.first).to_contain_text("Obesity")
    expect(page.get_by_text("questions compared")).to_be_visible()
    expect(rows.nth(5)).to_be_visible()
    visitor.address_has("locations=Utah")
    # The file has what the table shows, and there is no picture of a single dot.
    expect(page.locator('a.file[href*=".png"]')).to_have_count(0)
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV a row for each question").click()
    assert started.value.suggested_filename == "utah-national-all-questions.csv"
    started.value.save_as(path := tmp_path / "questions.csv")
    with path.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert {row["location"] for row in told} == {"Utah"}
    assert len({row["question"] for row in told}) == len(told) > 5
    expect(rows.first).to_contain_text(f"{float(told[0]['estimate']):.1f}%")


def test_what_is_compared_can_be_downloaded(visitor: Visitor, tmp_path: Path) -> None:
    """Several places, or two questions: the picture and the rows are those of the view."""
    views: dict[str, dict[str, Any]] = {
        "comparison": {"locations": ["Utah", "Ohio", "Guam"]},
        "scatter": {"compare": "questions", "other": IDLE},
    }
    for chart, state in views.items():
        page = visitor.go(**QUESTION, tab="compare", **state)
        for suffix in ("svg", "png", "xlsx", "csv"):
            expect(page.locator(f'a.file[href*=".{suffix}?"]')).to_have_count(1)
        assert f"chart={chart}" in str(page.locator('a.file[href*=".svg?"]').get_attribute("href"))
        with page.expect_download() as started:
            page.locator('a.file[href*=".csv?"]').click()
        started.value.save_as(path := tmp_path / "compared.csv")
        with path.open(encoding="utf-8", newline="") as file:
            names = {row["location"] for row in csv.DictReader(file)}
        assert names == {"Ohio", "Guam"} if chart == "comparison" else len(names) > 40


def test_locations_can_be_chosen_by_keyboard(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, tab="trend")
    page.locator("#where").focus()
    page.keyboard.type("virginia")
    # The name itself comes before those that contain it.
    expect(page.locator("#where-options [aria-selected=true]")).to_have_text("Virginia")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#where")).to_have_attribute("aria-activedescendant", "where-option-1")
    page.keyboard.press("Escape")
    expect(page.locator("#where-options")).to_be_hidden()
    expect(page.locator("#where")).to_have_value("")
    page.keyboard.type("uta")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Remove Utah")).to_be_visible()
    expect(page.locator("#where")).to_be_focused()
    expect(page.get_by_label("Trend of each place").locator("tbody tr")).to_have_count(2)
    page.get_by_label("Remove Utah").click()
    expect(page.locator(".places .chip")).to_have_count(0)


def test_locations_on_no_grid_have_no_map_and_the_tab_says_so(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url) as visitor:
        page = visitor.go(view="question", dataset="hostile", question=MARKUP, tab="map")
        expect(page.locator("#tab")).to_contain_text("No map of these places")


@pytest.mark.parametrize("tab", one_case_in(2, ["trend", "groups", "compare", "sensitivity"]))
def test_no_text_of_a_file_is_markup_in_any_tab(browser: Browser, server: RunningServer, tab: str) -> None:
    with Visitor(browser, server.url) as visitor:
        visitor.refused = [400, 406]
        page = visitor.go(
            view="question", dataset="hostile", question=MARKUP, tab=tab, locations=MARKUP, better="lower"
        )
        expect(page.locator("#tab")).not_to_be_empty()
        assert page.locator("img, #tab script").count() == 0
