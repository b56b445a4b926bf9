"""Accessibility: keyboard, widths, themes, screen readers, forced colors."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import IDLE, OBESITY
from tests.support.browser import Visitor
from tests.support.examples import one_case_in
from tests.support.server_process import RunningServer

WIDTHS = (360, 390, 1280, 1920, 2560)
# Of the pictures: a phone, a notebook, a desktop.
PICTURED = (390, 1280, 1920)
PLACES = ["Utah", "Ohio", "Guam", "Maine", "Texas"]
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUESTION = {"view": "question", "dataset": "sample", "question": OBESITY}
VIEWS: dict[str, dict[str, Any]] = {
    "home": {},
    "ranking": {**QUESTION, "highlight": "Utah"},
    "table": {**QUESTION, "tab": "table"},
    "map": {**QUESTION, "tab": "map", "colour": "verdict", "highlight": "Utah"},
    "trend": {**QUESTION, "tab": "trend", "locations": ["Utah", "Ohio"], "highlight": "Utah"},
    "groups": {**QUESTION, "tab": "groups", "locations": ["Utah"]},
    "gaps": {**QUESTION, "tab": "groups", "groups": "Gender"},
    "compare": {**QUESTION, "tab": "compare", "locations": ["Utah"]},
    "places": {**QUESTION, "tab": "compare", "locations": ["Utah", "Ohio", "Guam"]},
    "questions": {**QUESTION, "tab": "compare", "compare": "questions", "other": IDLE},
    "asked": {**QUESTION, "tab": "table", "of": "change"},
    "sensitivity": {**QUESTION, "tab": "sensitivity", "highlight": "Utah"},
    "data": {"view": "data", "dataset": "sample"},
    "place": {"view": "place", "dataset": "sample", "location": "Utah"},
    "jobs": {"view": "jobs"},
    "trouble": {"view": "job", "job": "job_id_999999"},
}
# A few rows are enough for axe, and take a tenth of the time.
SMALLER: dict[str, dict[str, Any]] = {
    "gaps": {"locations": PLACES, "grouping": "gaps"},
    "ranking": {"locations": PLACES},
    "table": {"locations": PLACES},
    "data": {"dataset": "hostile"},
}
# A folder for pictures of every view; set by .ci/run.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
FOCUSED = "getComputedStyle(document.activeElement)"
# WCAG 2.2 at level AA, and axe's best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", one_case_in(2, VIEWS))
def test_every_view_fits_any_width_in_both_themes(
    browser: Browser, server: RunningServer, name: str, theme: Literal["light", "dark"]
) -> None:
    with Visitor(browser, server.url, theme=theme) as visitor:
        visitor.refused = [404]
        page = visitor.go(**VIEWS[name])
        if name == "ranking":
            visitor.drawn()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            visitor.until(f"innerWidth === {width} && document.documentElement.scrollWidth <= innerWidth")
            if SCREENSHOTS and width in PICTURED:
                if page.locator(".figure").count():
                    visitor.drawn()
                Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
                page.screenshot(path=f"{SCREENSHOTS}/{name}-{width}-{theme}.png", full_page=True)


# Only the colors differ in the dark theme.
@pytest.mark.parametrize(("theme", "rules"), [("light", RULES), ("dark", ["cat.color"])], ids=THEMES)
@pytest.mark.parametrize("name", VIEWS)
def test_axe_finds_no_violation(
    browser: Browser, server: RunningServer, axe: str, name: str, theme: Literal["light", "dark"], rules: list[str]
) -> None:
    with Visitor(browser, server.url, theme=theme) as visitor:
        visitor.refused = [404]
        page = visitor.go(**{**VIEWS[name], **SMALLER.get(name, {})})
        if page.locator(".figure").count():
            visitor.drawn()
        if name == "table":
            page.get_by_role("button", name="Why this number").first.click()
            expect(page.get_by_role("dialog").locator("tbody tr").first).to_be_visible()
        elif page.locator("#where").count():
            page.locator("#where").click()
        for details in page.locator("details").all():
            details.evaluate("each => each.open = true")
        page.evaluate(axe)
        results = page.evaluate("rules => axe.run({ runOnly: rules })", rules)
    violations = [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"]][:3]) for each in results["violations"]
    ]
    assert not violations


def test_the_explorer_works_by_keyboard(visitor: Visitor) -> None:
    page = visitor.go()
    press = page.keyboard.press
    press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_label("Find a question").focus()
    page.keyboard.type("obesity")
    visitor.address_has("find=obesity")
    sample = page.get_by_label("sample", exact=True).get_by_role("link", name=OBESITY)
    for _ in range(20):
        press("Tab")
        if sample.evaluate("each => each === document.activeElement"):
            break
    expect(sample).to_be_focused()
    press("Enter")
    expect(page.locator("h1")).to_contain_text("Obesity among adults, 20")
    expect(page.locator("#main")).to_be_focused()
    for _ in range(20):
        press("Tab")
        if page.locator("#years").evaluate("each => each === document.activeElement"):
            break
    expect(page.locator("#years")).to_be_focused()
    press("ArrowDown")
    expect(page.locator(".notes")).not_to_contain_text("latest")
    visitor.address_has("years=")


def test_the_chart_can_be_read_by_keyboard_and_its_table_is_one_key_away(visitor: Visitor) -> None:
    page = visitor.go(**QUESTION, locations=PLACES)
    figure = visitor.drawn()
    expect(figure.locator(".chart")).to_have_attribute("aria-label", re.compile("Ranking"))
    figure.focus()
    page.keyboard.press("ArrowDown")
    lit = page.locator("#highlight")
    expect(lit).not_to_have_value("")
    first = lit.input_value()
    assert first in PLACES
    expect(page.locator(".description")).to_contain_text(f"{first}: ")
    expect(page.locator("#live")).to_contain_text(first)
    visitor.address_has(f"highlight={first}")
    page.keyboard.press("ArrowDown")
    expect(lit).not_to_have_value(first)
    expect(lit).not_to_have_value("")
    page.keyboard.press("Escape")
    expect(lit).to_have_value("")
    visitor.address_lacks("highlight=")
    page.keyboard.press("t")
    expect(page.locator("tbody tr")).to_have_count(5)


def test_the_focus_is_visible(visitor: Visitor) -> None:
    page = visitor.go(**VIEWS["table"])
    for _ in range(25):
        page.keyboard.press("Tab")
        style = page.evaluate(f"(({{ outlineStyle, outlineWidth }}) => [outlineStyle, outlineWidth])({FOCUSED})")
        assert style[0] != "none"
        assert float(style[1].removesuffix("px")) >= 2


def test_nothing_moves_with_reduced_motion(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url, reduced_motion="reduce") as visitor:
        page = visitor.go()
        moving = "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).animationName !== 'none').length"
        assert page.evaluate(moving) == 0  # at any moment, so also at this one


def test_in_forced_colors_only_the_current_tab_is_marked(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url, forced_colors="active") as visitor:
        visitor.go(**VIEWS["table"])
        border = "getComputedStyle(document.getElementById('tab-ranking')).borderBottomColor"
        visitor.until(f"{border} === getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("width", [360, 1024])
def test_an_explanation_fits_and_returns_the_focus(browser: Browser, server: RunningServer, width: int) -> None:
    with Visitor(browser, server.url, width=width) as visitor:
        page = visitor.go(**VIEWS["table"], locations=PLACES, why="0")
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("tbody tr").first).to_be_visible()
        expect(dialog.locator(".steps li").first).to_be_visible()
        opened = "document.querySelector('dialog[open]')"
        visitor.until(f"{opened}.scrollWidth <= {opened}.clientWidth")
        # Its label is on one line.
        close = dialog.get_by_role("button", name="Close").bounding_box()
        assert close is not None
        assert close["height"] < 60
        page.keyboard.press("Escape")
        expect(page.locator("#main")).to_be_focused()


def test_numbers_follow_the_reader_s_locale(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url, locale="de-DE") as visitor:
        page = visitor.go(view="data", dataset="sample")
        expect(page.locator(".facts").first).to_contain_text("20.000")
