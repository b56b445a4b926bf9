"""What readers come for, in as few actions as they may take; a log counts the actions.

Over a made table of the shape of the CDC's file by sex, and over that file where it is beside the project.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import OBESITY
from tests.support.browser import Log, Visitor
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.server_process import RunningServer


class Reader(NamedTuple):
    """Somebody on the first page, who has done nothing yet."""

    visitor: Visitor
    page: Page
    log: Log
    dataset: str

    def opens(self) -> None:
        """Choose the question about obesity; one action."""
        self.log.press(self.page.get_by_label(self.dataset, exact=True).get_by_role("link", name=OBESITY))
        self.visitor.settled()

    def goes_to(self, tab: str) -> None:
        """Choose a tab; one action."""
        self.log.press(self.page.locator(f"#tab-{tab}"))
        self.page.wait_for_selector(f"#tab-{tab}[aria-current]")
        self.visitor.settled()

    def took(self, actions: int) -> None:
        """Claim that no more actions were needed so far."""
        assert len(self.log.actions) <= actions, self.log.actions


# Each task over the CDC's own file too, in make check.
@pytest.fixture(params=["made", pytest.param("real", marks=pytest.mark.thorough)])
def dataset(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "real":
        real_file(BY_SEX)
    return name


@pytest.fixture(params=["sample", pytest.param("subset", marks=pytest.mark.thorough)])
def suppressed(request: pytest.FixtureRequest) -> str:
    """A data set with suppressed values."""
    name: str = request.param
    if name == "subset":
        real_file(SUBSET)
    return name


@pytest.fixture
def reader(browser: Browser, server: RunningServer, dataset: str) -> Iterator[Reader]:
    with Visitor(browser, server.url, width=1280, height=900) as visitor:
        page = visitor.go()
        yield Reader(visitor, page, Log(page), dataset)


@pytest.fixture
def phone(browser: Browser, server: RunningServer, dataset: str) -> Iterator[Reader]:
    with Visitor(browser, server.url, width=390, height=844, has_touch=True, is_mobile=True) as visitor:
        page = visitor.go()
        yield Reader(visitor, page, Log(page, by_touch=True), dataset)


def in_sight(page: Page, element: Locator) -> None:
    """Claim that an element is on the first screen, as a whole."""
    expect(element).to_be_visible()
    box, size = element.bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size["height"]
    assert page.evaluate("scrollY") == 0


def rows_in_sight(page: Page) -> int:
    """Return how many rows of the chart are on the first screen, with their names."""
    count: int = page.evaluate(
        """() => [...document.querySelectorAll(".role-axis-label text")].filter((each) => {
            const { bottom, height } = each.getBoundingClientRect();
            return height > 0 && bottom <= innerHeight && /[A-Z]/.test(each.textContent);
        }).length"""
    )
    return count


def sees_the_highest_and_who_is_alike(reader: Reader, rows: int) -> None:
    page = reader.page
    reader.opens()
    reader.took(1)
    expect(page.locator("h1")).to_have_text("Obesity among women, 2023")
    expect(page.locator(".chart-title")).to_have_text("Women, 2023")
    reader.visitor.drawn()
    highest = page.locator(".end").first
    expect(highest).to_contain_text(re.compile("^HighestWest Virginia .*Mississippi .*Louisiana"))
    expect(highest).to_contain_text(re.compile("[0-9]+ cannot be distinguished from West Virginia: .*Arkansas"))
    in_sight(page, highest)
    in_sight(page, page.locator(".lead-findings"))
    in_sight(page, page.locator(".role-axis-title").first)
    assert rows_in_sight(page) >= rows


def sees_ohio_beside_the_nation(reader: Reader) -> None:
    reader.opens()
    reader.visitor.drawn()
    reader.log.choose(reader.page.locator("#highlight"), "Ohio")
    reader.took(2)
    expect(reader.page.locator(".description")).to_contain_text(
        re.compile(r"^Ohio: .*points higher in Ohio \([0-9.]+%\) than nationally \(33.5%\) in 2023 \(95% CI [0-9.]+ to")
    )
    in_sight(reader.page, reader.page.locator(".description .beside"))


def sees_the_gap(reader: Reader) -> None:
    reader.opens()
    reader.goes_to("groups")
    reader.took(2)
    expect(reader.page.locator("h1")).to_contain_text("gap in obesity between")
    expect(reader.page.locator(".chart-title")).to_have_text(re.compile("^(Men minus women|Women minus men), 2023$"))
    expect(reader.page.locator(".end").first).to_contain_text("WidestVirgin Islands")
    direction = reader.page.locator(".end").last
    expect(direction).to_contain_text(re.compile("Direction(Certain in [0-9]+|Not certain)"))
    expect(direction).to_contain_text("cannot be distinguished from 0")
    in_sight(reader.page, direction)


def test_the_highest_and_who_cannot_be_distinguished_from_them(reader: Reader) -> None:
    """Task 1."""
    sees_the_highest_and_who_is_alike(reader, rows=25)
    page = reader.page
    expect(page.locator("#years option:checked")).to_have_text("Latest year (2023)")
    # One rule for the latest year, in all tabs.
    for tab in ("map", "groups", "table"):
        reader.goes_to(tab)
        expect(page.locator("h1")).to_contain_text(", 2023")
        expect(page.locator("#years option:checked")).to_have_text("Latest year (2023)")
    reader.goes_to("map")
    reader.visitor.drawn()
    in_sight(page, page.locator(".chart svg"))


def test_whether_ohio_is_above_the_nation_and_down_to_which_line(reader: Reader) -> None:
    """Tasks 2 and 12."""
    sees_ohio_beside_the_nation(reader)
    reader.log.press(reader.page.get_by_role("button", name="Why this number?"))
    reader.took(3)
    source = reader.page.get_by_role("dialog").locator("tbody tr").first
    expect(source).to_contain_text(".csv")
    expect(source).to_contain_text("Ohio")


def test_ohio_beside_its_neighbors_with_the_year_that_all_of_them_have(reader: Reader) -> None:
    """Task 3."""
    reader.opens()
    reader.goes_to("compare")
    page = reader.page
    for number, name in enumerate(("Ohio", "Michigan", "Indiana", "Kentucky", "west virginia", "pennsylv")):
        reader.log.choose(page.locator("#where"), name)
        expect(page.locator(".places .chip")).to_have_count(number + 1)
        expect(page.locator("#where")).to_be_focused()
    reader.took(8)
    expect(page.locator("h1")).to_have_text("Obesity among women, 2022")
    expect(page.locator(".chart-title")).to_have_text("Women, 2022")
    expect(page.get_by_label("Places compared").locator("tbody tr")).to_have_count(6)
    expect(page.get_by_label("Places compared").locator("tbody tr").first).to_contain_text("Ohio")
    moved = page.locator(".moved")
    expect(moved).to_contain_text("is 2022, because Kentucky and Pennsylvania have no 2023 value.")
    reader.log.press(moved.get_by_role("link", name="Show 2023 without them"))
    expect(page.locator("h1")).to_have_text("Obesity among women, 2023")
    expect(page.get_by_label("Places compared").locator("tbody tr")).to_have_count(4)
    expect(page.locator(".findings")).to_contain_text("Kentucky and Pennsylvania have no 2023 value")


def test_how_ohio_has_changed_and_whether_faster_than_the_nation(reader: Reader) -> None:
    """Task 4."""
    reader.opens()
    reader.goes_to("trend")
    reader.log.choose(reader.page.locator("#where"), "Ohio")
    reader.took(3)
    expect(reader.page.locator(".lead-findings")).to_contain_text(
        re.compile(
            r"rose by [0-9.]+ percentage points in Ohio and by 6\.\d nationally .*2011 and 2023: [0-9.]+ more \("
        )
    )
    expect(reader.page.locator("h1")).to_have_text("Obesity among women, 2011–2023")
    # Names at the ends of the colored line and of the reference, and of whichever is nearest to the pointer.
    chart = reader.visitor.drawn().locator(".chart svg")
    names = chart.locator("text[font-weight=bold]")
    expect(names.filter(has_text="Ohio")).to_have_count(1)
    expect(names.filter(has_text="National")).to_have_count(1)
    chart.hover(position={"x": 500, "y": 120})
    expect(reader.page.locator(".tooltip")).to_contain_text("95% CI")
    expect(names).to_have_count(3)


def test_where_the_gap_between_men_and_women_is_widest_and_where_its_direction_is_not_certain(reader: Reader) -> None:
    """Task 5."""
    sees_the_gap(reader)
    # No menu offers places as groups.
    options = reader.page.locator("#reference-stratum option").all_inner_texts()
    assert set(options) <= {"Female", "Male"}
    reader.page.get_by_role("link", name="Side by side").click()
    reader.page.get_by_role("link", name="All places").click()
    expect(reader.page.locator("h1")).to_have_text("Obesity by sex, 2023")
    expect(reader.page.locator(".role-axis-label text", has_text="Alabama")).to_be_visible()


def test_a_figure_for_a_newspaper(reader: Reader, tmp_path: Path) -> None:
    """Task 6."""
    page, log = reader.page, reader.log
    log.choose(page.get_by_label("Find a question"), "obesity women ohio")
    reader.visitor.address_has("highlight=Ohio")
    reader.visitor.settled()
    for field, words in (("title", "One in three"), ("source", "CDC, BRFSS 2023"), ("width", "1200")):
        log.choose(page.locator(f"#figure-{field}"), words)
    files = {}
    for suffix in ("png", "svg"):
        with page.expect_download() as started:
            log.press(page.locator(f'a.file[href*="/ranking.{suffix}?"]'))
        started.value.save_as(path := tmp_path / suffix)
        assert started.value.suggested_filename == f"obesity-women-2023-ranking.{suffix}"
        files[suffix] = path.read_bytes()
    reader.took(6)
    # Twice as many pixels as on a page, for screens and print.
    assert struct.unpack(">I", files["png"][16:20]) == (2400,)
    drawn = files["svg"].decode()
    assert 'width="1200"' in drawn
    for words in ("One in three", "Source: CDC, BRFSS 2023"):
        assert words in drawn.replace("\N{NO-BREAK SPACE}", " ")
    [ohio], [colorado] = (
        re.findall(rf'aria-label="{name}: [^>]*opacity="([0-9.]+)"', drawn) for name in ("Ohio", "Colorado")
    )
    assert (ohio, float(colorado) < 1) == ("1", True)


def test_a_map_of_states_on_a_real_geography(reader: Reader) -> None:
    """Task 7."""
    reader.opens()
    reader.goes_to("map")
    reader.took(2)
    expect(reader.page.locator("h1")).to_have_text("Obesity among women, 2023")
    chart = reader.visitor.drawn().locator(".chart svg")
    in_sight(reader.page, chart)
    expect(reader.page.locator("#shape-outlines")).to_have_attribute("aria-current", "true")
    # Ohio is an outline and no square; who has no value is hatched, and the legend says so.
    expect(chart.locator("path[aria-label^=Ohio]")).to_have_attribute("d", re.compile("^M[^L]*(L[^L]*){20}"))
    expect(chart.locator("path[aria-label='Kentucky: no value']")).to_have_attribute("fill", re.compile("^url"))
    expect(chart.get_by_text("No data")).to_be_visible()
    reader.page.locator("#shape-tiles").click()
    expect(chart.get_by_text("OH", exact=True)).to_be_visible()
    # A territory that the table has is drawn, another one is not.
    expect(chart.get_by_text("GU", exact=True)).to_be_visible()
    expect(chart.get_by_text("MP", exact=True)).to_have_count(0)


def test_everything_behind_a_chart_in_excel(reader: Reader, tmp_path: Path) -> None:
    """Task 8."""
    reader.opens()
    before = len(reader.log.actions)
    with reader.page.expect_download() as started:
        reader.log.press(reader.page.locator('a.file[href*="/ranking.xlsx?"]'))
    assert len(reader.log.actions) - before == 1
    assert started.value.suggested_filename == "obesity-women-2023-ranking.xlsx"
    started.value.save_as(path := tmp_path / "ranking.xlsx")
    sheet = openpyxl.load_workbook(path).worksheets[0]
    heading, *rows = sheet.iter_rows(values_only=True)
    assert len(rows) > 40
    assert sheet.auto_filter.ref
    said = [dict(zip((str(name).lower() for name in heading), row, strict=True)) for row in rows]
    assert {(row["question"], row["group"], str(row["data years"])) for row in said} == {(OBESITY, "women", "2023")}
    column = next(at for at, name in enumerate(heading, 1) if str(name).startswith("Estimate"))
    assert sheet.cell(row=2, column=column).number_format.endswith("0.0")


def test_which_question_has_most_suppressed_values_and_where(
    browser: Browser, server: RunningServer, suppressed: str
) -> None:
    """Task 11."""
    with Visitor(browser, server.url, width=1280, height=900) as visitor:
        page = visitor.go()
        log = Log(page)
        log.press(page.get_by_label(suppressed, exact=True).get_by_role("heading").first.get_by_role("link"))
        by_question = page.get_by_label("Suppressed or missing values by question").locator("tbody tr")
        expect(by_question.first).to_be_visible()
        numbers = [int(each) for each in by_question.locator("td:nth-child(2)").all_inner_texts()]
        assert numbers == sorted(numbers, reverse=True)
        most = by_question.first.get_by_role("link").inner_text()
        expect(page.locator("#by-place")).to_have_text(f"{most}: where")
        places = page.get_by_label("Suppressed or missing values by place").locator("tbody tr td:nth-child(2)")
        assert sum(map(int, places.all_inner_texts())) == numbers[0]
        log.press(by_question.nth(1).get_by_role("link"))
        assert len(log.actions) <= 3
        expect(page.locator("#by-place")).not_to_have_text(f"{most}: where")


def test_a_link_shows_the_same_view(reader: Reader, browser: Browser, server: RunningServer) -> None:
    """Task 9."""
    page = reader.page
    reader.opens()
    reader.log.choose(page.locator("#highlight"), "Ohio")
    reader.goes_to("table")
    reader.log.press(page.get_by_role("button", name="estimate", exact=False).first)
    expect(page.locator("th[aria-sort]")).to_be_visible()
    before = len(reader.log.actions)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.log.press(page.get_by_role("button", name="Copy link"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert len(reader.log.actions) - before == 1
    address: str = page.evaluate("navigator.clipboard.readText()")
    page.context.clear_permissions()
    assert "highlight=Ohio" in address
    assert "sort=estimate" in address
    with Visitor(browser, server.url) as colleague:
        colleague.page.goto(address)
        colleague.settled()
        expect(colleague.page.locator("th[aria-sort=ascending]")).to_contain_text("Estimate")
        expect(colleague.page.locator("h1")).to_have_text("Obesity among women, 2023")


def test_on_a_phone_the_highest_and_the_nation(phone: Reader) -> None:
    """Task 15, of 1, 2 and 9."""
    sees_the_highest_and_who_is_alike(phone, rows=12)
    phone.log.actions.clear()
    phone.log.choose(phone.page.locator("#highlight"), "Ohio")
    phone.took(1)
    expect(phone.page.locator(".description")).to_contain_text("points higher in Ohio")
    phone.visitor.address_has("highlight=Ohio")
    sizes = phone.page.evaluate(
        "[...document.querySelectorAll('.chart text')].map((each) => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert min(sizes) >= 12


def test_on_a_phone_the_gap_and_a_chosen_tab_that_is_in_sight(phone: Reader) -> None:
    """Task 15, of 5."""
    sees_the_gap(phone)
    phone.goes_to("table")
    current = phone.page.locator("#tab-table").bounding_box()
    assert current is not None
    assert current["x"] >= 0
    assert current["x"] + current["width"] <= 390


def test_10_all_about_ohio_is_on_one_page_that_is_printed(reader: Reader) -> None:
    _, page, log, _ = reader
    log.choose(page.get_by_label("By place"), "ohio")
    expect(page.locator("h1")).to_have_text("Ohio")
    page.evaluate("addEventListener('beforeprint', () => (window.isPrinted = true))")
    log.press(page.get_by_role("button", name="Print"))
    assert page.evaluate("window.isPrinted") is True
    reader.took(2)
    for text in page.locator(".profile tbody tr:not(.topic-row)").all_inner_texts():
        assert re.search(r"%\s+2023|No value", text)


def test_13_words_on_the_first_page_lead_to_the_view(reader: Reader) -> None:
    visitor, page, log, _ = reader
    log.choose(page.get_by_label("Find a question"), "obesity women ohio")
    visitor.settled()
    reader.took(1)
    for part in (
        "question=Percent+of+adults+aged+18+years+and+older+who+have+obesity",
        "stratum=Female",
        "highlight=Ohio",
    ):
        visitor.address_has(part)
    expect(visitor.drawn().locator(".chart")).to_have_attribute("aria-label", re.compile("obesity", re.IGNORECASE))


def test_questions_are_found_by_what_they_are_also_called(visitor: Visitor) -> None:
    page = visitor.go()
    page.get_by_label("Find a question").fill("exercise west virginia")
    expect(page.locator("#found")).to_contain_text(re.compile(r"[1-9]\d* questions? found, for West Virginia"))
    expect(page.locator(".topic li:visible").first).to_contain_text("physical activity")
