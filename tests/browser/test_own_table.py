"""A table of the reader's own: dropped on the first page, read again when it has changed, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Log, Visitor
from tests.support.server_process import serving

HEADER = "Question,LocationDesc,YearStart,Data_Value,Low_Confidence_Limit,High_Confidence_Limit\n"


def tea(*values: float) -> str:
    places = ("Utah", "Ohio", "Iowa")
    rows = (
        f"Cups of tea,{place},2023,{value},{value - 1},{value + 1}\n"
        for place, value in zip(places, values, strict=True)
    )
    return HEADER + "".join(rows)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "coffee.csv"
    path.write_text(tea(3, 4, 5).replace("tea", "coffee"))
    return path


@pytest.fixture
def visitor(browser: Browser, table: Path, new_state: Callable[[Path], Path], tmp_path: Path) -> Iterator[Visitor]:
    with serving(str(table), state_dir=new_state(tmp_path / "state")) as server:
        server.ready()
        with Visitor(browser, server.url) as visitor:
            yield visitor


def test_a_table_is_added_read_again_and_removed_in_the_browser(visitor: Visitor, table: Path, tmp_path: Path) -> None:
    mine = tmp_path / "My tea, 2023.csv"
    mine.write_text(tea(10, 20, 30))
    page = visitor.go()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="choose one").click()
    choosing.value.set_files(mine)
    expect(page.get_by_role("heading", name="My tea, 2023")).to_be_visible()
    page.get_by_role("link", name="Cups of tea").click()
    page.get_by_text("Lower is better", exact=True).click()
    visitor.drawn()

    # Task 14. The file of another data set changes on disk: two actions from the first page.
    table.write_text(tea(6, 7, 8).replace("tea", "espresso"))
    page = visitor.go()
    log = Log(page)
    log.press(page.get_by_role("heading", name="coffee").get_by_role("link"))
    log.press(page.get_by_role("button", name="Read the file again"))
    assert len(log.actions) <= 2
    expect(page.get_by_role("link", name="Cups of espresso")).to_be_visible()
    page.get_by_role("button", name="Read the file again").click()
    expect(page.get_by_text("Nothing has changed in the file.")).to_be_visible()

    # A broken file says so where one looks, and what was there stays.
    visitor.refused.append(424)
    table.write_text("no,roles\n1,2\n")
    page.get_by_role("button", name="Read the file again").click()
    expect(page.locator(".operating .notice")).to_contain_text("the previous data still is")
    page = visitor.go()
    expect(page.get_by_text("The files have changed and could not be loaded")).to_be_visible()
    page.get_by_role("heading", name="coffee").get_by_role("link").click()
    expect(page.locator(".notice").first).to_contain_text("could not be read, so this is their previous content")
    expect(page.get_by_role("link", name="Cups of espresso")).to_be_visible()

    # Removing is asked for twice.
    page = visitor.go()
    page.get_by_role("heading", name="My tea, 2023").get_by_role("link").click()
    page.get_by_role("button", name="Remove this table").click()
    page.get_by_role("button", name="are you sure").click()
    expect(page.get_by_role("heading", name="coffee")).to_be_visible()
    expect(page.get_by_role("heading", name="My tea, 2023")).to_have_count(0)


def test_a_file_that_is_no_table_says_what_to_do(visitor: Visitor, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("no,roles\n1,2\n")
    page = visitor.go()
    data = page.evaluate_handle(
        "text => { const files = new DataTransfer(); files.items.add(new File([text], 'other.csv')); return files; }",
        other.read_text(),
    )
    page.dispatch_event(".upload", "drop", {"dataTransfer": data})
    expect(page.get_by_role("heading", name="This table could not be read")).to_be_visible()
    expect(page.get_by_text("No column was recognized for")).to_be_visible()
    page.get_by_role("button", name="Remove this table").click()
    page.get_by_role("button", name="are you sure").click()
    expect(page.get_by_role("heading", name="coffee")).to_be_visible()


def test_what_a_table_does_not_say_is_said_in_the_browser(visitor: Visitor, tmp_path: Path) -> None:
    mine = tmp_path / "tee.csv"
    mine.write_text("Land;Habit;Percent\nAvalon;Tea;41,5\nBorduria;Tea;35,2\n")
    page = visitor.go()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="choose one").click()
    choosing.value.set_files(mine)
    expect(page.get_by_text("This table could not be read")).to_be_visible()
    page.get_by_label("Lines of TOML").fill("[colums]")
    page.get_by_role("button", name="Save and read again").click()
    expect(page.get_by_text('did you mean "columns"')).to_be_visible()
    visitor.complaints.clear()
    page.get_by_label("Lines of TOML").fill('[columns]\nquestion = "Habit"\nlocation = "Land"\n')
    page.get_by_role("button", name="Save and read again").click()
    expect(page.get_by_role("link", name="Tea", exact=True)).to_be_visible()
    page.get_by_text("Say what the file does not").click()
    expect(page.get_by_label("Lines of TOML")).to_have_value('[columns]\nquestion = "Habit"\nlocation = "Land"\n')
