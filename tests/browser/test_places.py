"""The page of a place: every question on it with its year, links to charts, print, and keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OBESITY
from tests.support.browser import Visitor
from tests.support.examples import one_case_in
from tests.support.server_process import RunningServer, serving

OHIO = {"view": "place", "dataset": "made", "location": "OH"}


@pytest.fixture(scope="module")
def long_table(new_state: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A table of more questions than fit in one answer, without a nation."""
    folder = tmp_path_factory.mktemp("long")
    table = folder / "long.csv"
    lines = [
        f"Question {index:02},{place},2020,{20 + index}" for index in range(70) for place in ("Avalon", "Borduria")
    ]
    table.write_text("\n".join(["question,location,year,value", *lines]) + "\n")
    with serving(f"long={table}", state_dir=new_state(folder / "state")) as running:
        running.wait_for(r"data set ready .*dataset=long\b")
        yield running


def rows(page: Page) -> list[str]:
    """The rows of the questions, as text."""
    return page.locator(".profile tbody tr:not(.topic-row)").all_inner_texts()


def test_a_place_has_every_question_with_its_year_its_nation_and_its_rank(visitor: Visitor) -> None:
    page = visitor.go(**OHIO)
    expect(page.locator("h1")).to_have_text("Ohio")
    expect(page.locator(".place .lead")).to_have_text(
        "Women, 2023: 2 questions, each in its latest year, compared with the nation."
    )
    texts = rows(page)
    assert len(texts) == 2
    for text in texts:
        assert re.search(r"\d\.\d%\s+2023", text)
        assert re.search(r"(above|below) the nation \(\d+\.\d%\)|the same as the nation", text)
        assert re.search(r"\d+ of 52\s+95% CI \d+ to \d+; 1 is the lowest", text)
        assert re.search(r"2011: \d+\.\d%; 2023: \d+\.\d%", text)
    expect(page.locator(".profile .sparkline")).to_have_count(2)
    expect(page.locator("section", has=page.locator("#gaps")).locator("li").first).to_contain_text(
        re.compile(r"2023: women \d+\.\d%, men \d+\.\d%\. \d+\.\d percentage points apart \(95% CI ")
    )
    expect(page.locator("section", has=page.locator("#missing"))).to_contain_text("None of the rows about Ohio")


def test_a_question_leads_to_its_chart_with_the_place_highlighted(visitor: Visitor) -> None:
    page = visitor.go(**OHIO)
    page.get_by_role("link", name="Obesity", exact=True).first.click()
    visitor.settled()
    visitor.address_has("highlight=Ohio")
    assert parse_qs(urlsplit(page.url).query)["question"] == [OBESITY]
    visitor.drawn()
    expect(page.locator(".description")).to_contain_text(re.compile("^Ohio: .*, rank "))


def test_a_year_that_the_place_lacks_is_said(visitor: Visitor) -> None:
    page = visitor.go(view="place", dataset="made", location="kentucky")
    for text in rows(page):
        assert re.search(r"\d\.\d%\s+2022", text)
        assert "no 2023 value" in text


def test_the_nation_is_compared_with_nothing_and_not_ranked(visitor: Visitor) -> None:
    page = visitor.go(view="place", dataset="made", location="National")
    expect(page.locator(".profile thead th")).to_have_text(["Question", "Latest value", "Over the years"])
    expect(page.locator(".notes")).to_contain_text("Not ranked: National is an aggregate.")


def test_an_unknown_place_is_asked_for_again(visitor: Visitor) -> None:
    visitor.refused = [400]
    page = visitor.go(view="place", dataset="made", location="Ohoi")
    expect(page.locator("h1")).to_have_text("Place not found")
    expect(page.locator("main")).to_contain_text('no location "Ohoi". Did you mean "Ohio"')
    page.get_by_label("Place").fill("ohio")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Ohio")


def test_another_place_is_chosen_by_keyboard(visitor: Visitor) -> None:
    page = visitor.go(**OHIO)
    page.get_by_label("Another place").focus()
    page.keyboard.type("guam")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Guam")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Ohio")


def test_a_long_table_is_shown_in_parts(browser: Browser, long_table: RunningServer) -> None:
    with Visitor(browser, long_table.url) as visitor:
        page = visitor.go(view="place", dataset="long", location="avalon")
        expect(page.locator(".profile tbody tr")).to_have_count(60)
        assert "The same as the median of 2 places (20.0), not tested" in rows(page)[0]
        page.get_by_role("button", name="Show more of the 70 questions").click()
        expect(page.locator(".profile tbody tr")).to_have_count(70)
        expect(page.locator("#more")).to_be_hidden()


def test_a_printed_page_has_the_numbers_and_no_controls(visitor: Visitor) -> None:
    page = visitor.go(**OHIO)
    page.emulate_media(media="print")
    for control in (".top", ".bottom", ".controls", "button"):
        expect(page.locator(control).first).to_be_hidden()
    expect(page.locator(".profile")).to_be_visible()
    expect(page.locator(".cite")).to_be_visible()
    assert len(page.pdf(format="Letter")) > 10_000


def test_a_table_of_one_place_says_that_there_is_nothing_to_compare_with(
    browser: Browser, new_state: Callable[[Path], Path], tmp_path: Path
) -> None:
    table = tmp_path / "one.csv"
    table.write_text("question,location,year,value\nNaps,Avalon,2020,30\n")
    with serving(f"one={table}", state_dir=new_state(tmp_path / "state")) as running:
        running.wait_for(r"data set ready .*dataset=one\b")
        with Visitor(browser, running.url) as visitor:
            page = visitor.go(view="place", dataset="one", location="Avalon")
            expect(page.locator(".profile thead th")).to_have_text(["Question", "Latest value", "Over the years"])
            assert "one year only" in rows(page)[0]


@pytest.mark.parametrize("door", ["By place", "Find a question"])
def test_a_place_typed_on_the_first_page_leads_to_all_its_questions_with_their_years(
    visitor: Visitor, door: str
) -> None:
    page = visitor.go()
    page.get_by_label(door).fill("ohio")
    page.get_by_label(door).press("Enter")
    expect(page.locator("h1")).to_have_text("Ohio")
    visitor.address_has("view=place")
    name = parse_qs(urlsplit(page.url).query)["dataset"][0]
    questions = page.evaluate(
        "name => fetch(`/v1/datasets/${name}`).then((r) => r.json()).then((d) => d.questions.length)", name
    )
    texts = rows(page)
    assert len(texts) == questions
    assert all(re.search(r"%\s+.*20[0-9]{2}|No value", text) for text in texts)


def test_words_beside_a_place_lead_to_the_question_and_the_place_is_one_click_away(visitor: Visitor) -> None:
    page = visitor.go(find="obesity ohio")
    expect(page.locator("#found")).to_contain_text("for Ohio")
    page.locator("#about a").first.click()
    expect(page.locator("h1")).to_have_text("Ohio")


def test_a_card_has_the_latest_figure_of_the_nation_and_its_years(visitor: Visitor) -> None:
    page = visitor.go()
    card = page.get_by_label("made", exact=True).locator(".card").first
    expect(card.locator(".card-title")).to_have_text("Obesity")
    expect(card.locator(".card-figure")).to_have_text(re.compile(r"^\d+\.\d% women, 2023, National$"))
    expect(card.locator(".sparkline")).to_be_visible()
    expect(card).to_contain_text(OBESITY)


@pytest.mark.parametrize("tab", one_case_in(2, ["ranking", "map", "trend", "groups"]))
def test_a_highlighted_place_of_a_chart_leads_to_its_page(visitor: Visitor, tab: str) -> None:
    chosen = {"locations": "Ohio"} if tab == "trend" else {}
    page = visitor.go(view="question", dataset="made", question=OBESITY, tab=tab, highlight="Ohio", **chosen)
    page.get_by_role("link", name="All about Ohio").click()
    expect(page.locator("h1")).to_have_text("Ohio")


def test_tables_and_the_page_of_a_data_set_lead_to_places(visitor: Visitor) -> None:
    page = visitor.go(view="question", dataset="made", question=OBESITY, tab="table", filter="ohio")
    page.get_by_role("rowheader").get_by_role("link", name="Ohio").click()
    expect(page.locator("h1")).to_have_text("Ohio")
    visitor.go(view="data", dataset="made")
    page.get_by_role("rowheader").get_by_role("link", name="Guam").click()
    expect(page.locator("h1")).to_have_text("Guam")
    visitor.go(view="data", dataset="made")
    page.get_by_label("All about one of").fill("ohio")
    page.get_by_label("All about one of").press("Enter")
    expect(page.locator("h1")).to_have_text("Ohio")
