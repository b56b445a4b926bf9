"""The views: finding a question, reading, sharing and downloading its result; jobs; problems."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import MARKUP, OBESITY
from tests.support.browser import Visitor
from tests.support.examples import one_case_in
from tests.support.server_process import RunningServer

TABLE = {"view": "question", "dataset": "sample", "question": OBESITY, "tab": "table"}


def test_the_first_page_describes_each_data_set_and_why_one_failed(visitor: Visitor) -> None:
    page = visitor.go()
    sample = page.get_by_label("sample", exact=True)
    expect(sample.locator(".notice")).to_contain_text("Synthetic data")
    expect(sample).to_contain_text("20,000")
    expect(page.get_by_label("broken", exact=True)).to_contain_text("Could not be loaded")


def test_questions_are_found_by_words_in_any_order_and_the_address_has_them(visitor: Visitor) -> None:
    page = visitor.go(find="leisure no")
    expect(page.locator("#found")).to_contain_text("found")
    shown = page.locator(".questions li:visible")
    expect(shown.first).to_be_visible()
    assert all("no leisure-time" in text for text in shown.all_inner_texts())
    page.get_by_label("Find a question").fill("nothing like it")
    expect(page.locator("#found")).to_have_text("0 questions found")


def test_the_address_holds_the_whole_state_and_back_and_forward_work(visitor: Visitor) -> None:
    page = visitor.go(**TABLE, sort="-estimate", filter="a", years="2021")
    expect(page.locator(".notes")).to_contain_text("/ 2021.")
    first = page.locator("tbody tr").first.inner_text()
    page.get_by_label("Years").select_option("2022")
    expect(page.locator(".notes")).to_contain_text("/ 2022.")
    visitor.address_has("sort=-estimate")
    visitor.address_has("years=2022")
    there = page.url
    page.go_back()
    expect(page.locator(".notes")).to_contain_text("/ 2021.")
    expect(page.locator("tbody tr").first).to_have_text(first, use_inner_text=True)
    page.go_forward()
    expect(page.locator(".notes")).to_contain_text("/ 2022.")
    expect(page).to_have_url(there)
    again = page.locator("tbody").inner_text()
    page.goto(there)
    visitor.settled()
    expect(page.locator("tbody")).to_have_text(again, use_inner_text=True)


def test_a_change_keeps_the_focus_where_it_was(visitor: Visitor) -> None:
    page = visitor.go(**TABLE)
    page.get_by_label("Years").focus()
    page.get_by_label("Years").select_option("2022")
    expect(page.locator(".notes")).to_contain_text("/ 2022.")
    expect(page.locator("#years")).to_be_focused()


def test_rows_are_filtered_and_the_columns_are_explained(visitor: Visitor) -> None:
    page = visitor.go(**TABLE, of="estimate")
    page.get_by_label("Filter by place").fill("utah")
    expect(page.locator(".result [role=status]")).to_contain_text("1 row of")
    visitor.address_has("filter=utah")
    page.get_by_text("What the columns mean").click()
    expect(page.locator(".meanings")).to_contain_text("standard error")


def test_headings_of_columns_are_words_and_a_p_value_stays_on_a_line_with_its_sign(visitor: Visitor) -> None:
    page = visitor.go(**TABLE, of="ranking")
    headings = page.locator(".result thead button").all_inner_texts()
    assert headings[:2] == ["Location", "Rank"]
    assert not [each for each in headings if each[0].islower() and not each.startswith("p ")]
    assert "p\u00a0<\u00a00.001" in str(page.locator(".findings").text_content())


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_cards_of_a_row_fill_it(browser: Browser, server: RunningServer, width: int) -> None:
    with Visitor(browser, server.url, width=width) as visitor:
        page = visitor.go()
        cards = page.locator(".questions").first.locator("li")
        boxes = [box for each in cards.all() if (box := each.bounding_box())]
        ends = {box["y"]: box["x"] + box["width"] for box in boxes}
        row = page.locator(".questions").first.bounding_box()
        assert row is not None
        count = len([box for box in boxes if box["y"] == boxes[0]["y"]])
        assert ends[boxes[0]["y"]] >= row["x"] + min(row["width"], count * 42 * 16) - 1


def test_hovering_highlights_a_location_and_a_click_keeps_the_highlight(visitor: Visitor) -> None:
    page = visitor.go(view="question", dataset="sample", question=OBESITY)
    figure = visitor.drawn()
    dots = figure.locator("path[aria-label]")
    expect(dots.first).to_be_visible()
    dots.first.hover()
    expect(page.locator(".tooltip")).to_contain_text("cannot be distinguished from")
    dots.first.click()
    expect(page.locator("#highlight")).not_to_have_value("")
    location = page.locator("#highlight").input_value()
    expect(page.locator(".tooltip")).to_contain_text(location)
    expect(page.locator(".description strong")).to_have_text(location)
    visitor.address_has("highlight=")
    page.goto(page.url)
    visitor.settled()
    expect(page.locator("#highlight")).to_have_value(location)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_picture_can_be_downloaded_with_its_source(visitor: Visitor, suffix: str, tmp_path: Path) -> None:
    page = visitor.go(view="question", dataset="sample", question=OBESITY)
    with page.expect_download() as started:
        page.locator(f'a.file[href*="/ranking.{suffix}?"]').click()
    started.value.save_as(path := tmp_path / "download")
    content = path.read_bytes()
    if suffix == "svg":
        assert b"SYNTHETIC" in content
        assert b"Computed by Meantime" in content.replace(b"\xc2\xa0", b" ")
    else:
        assert content.startswith(b"\x89PNG")


def test_a_picture_has_the_words_the_shape_and_the_highlight_that_one_chooses(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.go(view="question", dataset="sample", question=OBESITY, highlight="Ohio")
    fields = page.locator(".figure-editor :is(input, select)").all()
    assert len({each.evaluate("field => field.offsetHeight") for each in fields}) == 1
    page.locator("#figure-title").fill("Obesity <b>& naps</b>")
    page.locator("#figure-source").fill("The survey")
    page.locator("#figure-size").select_option("social")
    with page.expect_download() as started:
        page.locator('a.file[href*="/ranking.svg?"]').click()
    started.value.save_as(path := tmp_path / "download")
    drawn = path.read_text(encoding="utf-8")
    assert "Obesity &lt;b&gt;&amp; naps&lt;/b&gt;" in drawn
    assert "Source: The survey" in drawn
    assert 'width="540" height="540"' in drawn
    assert "chart.highlight=Ohio" in str(page.locator('a.file[href*="/ranking.png?"]').get_attribute("href"))


@pytest.mark.parametrize("suffix", one_case_in(2, ["csv", "parquet", "xlsx", "json", "md"]))
def test_the_numbers_can_be_downloaded(visitor: Visitor, suffix: str, tmp_path: Path) -> None:
    page = visitor.go(**TABLE)
    with page.expect_download() as started:
        page.locator(f'a.file[href*="/ranking.{suffix}?"]').click()
    path = tmp_path / "download"
    started.value.save_as(path)
    assert started.value.suggested_filename.endswith(f".{suffix}")
    assert path.stat().st_size > 500
    if suffix == "csv":
        assert "West Virginia" in path.read_text(encoding="utf-8")


def test_the_shared_curl_command_and_address_give_the_same_numbers(visitor: Visitor, server: RunningServer) -> None:
    page = visitor.go(**TABLE, years="2022", locations=["Utah", "Ohio", "Guam"])
    page.get_by_text("Share this view").click()
    expect(page.get_by_label("Python")).to_be_visible()
    address = page.get_by_label("API address").inner_text()
    assert f"curl '{address}'" == page.get_by_label("curl").inner_text()
    rows = server.client.get(address).json()["rows"]
    expect(page.locator("tbody th")).to_have_text([row["location"] for row in rows])
    snippet = page.get_by_label("Python").inner_text()
    assert '"ranking"' in snippet
    assert 'locations=["Utah", "Ohio", "Guam"]' in snippet
    compile(snippet, "snippet", "exec")


def test_an_embedded_view_has_no_page_around_it(visitor: Visitor) -> None:
    page = visitor.go(**TABLE, embed="1")
    expect(page.locator("h1")).to_be_visible()
    for hidden in ("#top", "#bottom", ".downloads", ".tabs"):
        expect(page.locator(hidden)).to_be_hidden()


def test_an_invalid_request_says_why_and_can_be_corrected(visitor: Visitor) -> None:
    visitor.refused = [400]
    page = visitor.go(**TABLE, years="1999")
    expect(page.get_by_role("alert")).to_contain_text("1999")
    page.get_by_label("Years").select_option("2022")
    expect(page.locator(".findings")).to_be_visible()


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ({"dataset": "nope"}, 404, "no data set of that name"),
        ({"tab": "table", "of": "nope"}, 404, "no statistic of that name"),
        ({"locations": "Atlantis"}, 400, 'no location "Atlantis"'),
        ({"years": "1999"}, 400, "no value for 1999"),
        ({"dataset": "made", "locations": "Kentucky", "years": "2023"}, 0, "Kentucky has no 2023 value"),
        ({"stratum": "Femal", "category": "Gender"}, 400, 'Did you mean "Female"'),
    ],
)
def test_what_is_wrong_is_said_in_a_reader_s_words(
    visitor: Visitor, state: dict[str, str], status: int, words: str
) -> None:
    visitor.refused = [status]
    page = visitor.go(**{"view": "question", "dataset": "sample", "question": OBESITY, **state})
    told = page.get_by_role("alert").inner_text()
    assert words in told
    assert not re.search(r"\b(GET|POST) /|`|instead of names|Accept|[a-z]_[a-z]", told), told


def test_an_unknown_question_is_not_found(visitor: Visitor) -> None:
    visitor.go(view="question", dataset="sample", question="No such thing")
    expect(visitor.page.locator("h1")).to_have_text("Question not found")


def test_without_a_direction_the_reader_chooses_one(visitor: Visitor) -> None:
    page = visitor.go(view="question", dataset="hostile", question=MARKUP)
    expect(page.locator("#orders")).to_have_text("Which values are better?")
    page.get_by_role("link", name="Lower is better").click()
    visitor.drawn()
    visitor.address_has("better=lower")


def test_a_row_has_its_source_rows(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.go(**TABLE, of="estimate", locations=["Utah"], years="2021..2022")
    page.get_by_role("button", name="Why this number: Utah").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("tbody tr")).to_have_count(2)
    expect(dialog.locator("tbody tr").first).to_contain_text("sample.csv")
    expect(dialog.locator("tbody tr").first).to_contain_text("0.5")
    with page.expect_download() as started:
        dialog.locator('a.file[href*="rows.csv"]').click()
    started.value.save_as(path := tmp_path / "rows.csv")
    assert path.read_text(encoding="utf-8").count("Utah") == 2
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    visitor.address_lacks("why=")
    visitor.address_lacks("sort=")


def test_a_number_is_explained_step_by_step_and_the_address_names_its_row(visitor: Visitor) -> None:
    page = visitor.go(**TABLE, of="estimate", locations=["Utah", "Ohio"], years="2022")
    opener = page.get_by_role("button", name="Why this number: Utah")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Why this number? Utah")
    expect(dialog.locator(".steps li").first).to_contain_text("Utah in 2022")
    expect(dialog.locator(".formula").first).to_contain_text("=")
    expect(dialog.locator("tbody tr")).to_have_count(1)
    dialog.get_by_text("Python (numpy").click()
    expect(dialog.get_by_label("Program in Python")).to_be_visible()
    compile(dialog.get_by_label("Program in Python").inner_text(), "program", "exec")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement.closest('dialog, body').matches('dialog') || !document.hasFocus()\
            || document.activeElement === document.body"
        ), "the focus is behind the dialog"
    visitor.address_has("why=")
    address = page.url
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    visitor.address_lacks("why=")
    page.goto(address)
    expect(page.get_by_role("dialog", name="Why this number? Utah")).to_be_visible()


def test_the_result_of_a_job_is_explained_too(visitor: Visitor, server: RunningServer) -> None:
    job_id = submit(server)
    server.client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"})
    page = visitor.go(view="job", job=job_id, why="1")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".steps li").first).to_be_visible()
    expect(dialog.locator("tbody tr").first).to_contain_text("sample.csv")
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#main")).to_be_focused()


# Data


def test_a_data_set_shows_its_coverage_and_columns(visitor: Visitor) -> None:
    page = visitor.go(view="data", dataset="sample")
    expect(page.locator(".coverage tbody tr")).to_have_count(55)
    expect(page.locator(".legend")).to_contain_text("published")
    page.get_by_label("Who").select_option(label="Gender: Female")
    visitor.address_has("group=")
    expect(page.locator("main:not([aria-busy])")).to_be_visible()
    expect(page.get_by_label("Columns used")).to_contain_text("LocationDesc")
    expect(page.locator(".cite")).to_contain_text("SYNTHETIC DATA, NOT REAL FIGURES")


def test_rejected_lines_are_listed_with_their_reasons(visitor: Visitor) -> None:
    page = visitor.go(view="data", dataset="hostile")
    expect(page.get_by_label("Rejected lines").locator("tbody tr")).to_have_count(1)


# Jobs


def submit(server: RunningServer, **more: object) -> str:
    body = {"statistic": "states_mean", "dataset": "sample", "parameters": {"question": OBESITY}, **more}
    job_id: str = server.client.post("/v1/jobs", json=body).json()["id"]
    return job_id


def test_a_job_submitted_elsewhere_appears_in_the_list(visitor: Visitor, server: RunningServer) -> None:
    page = visitor.go(view="jobs", label="by itself")
    expect(page.locator(".jobs")).to_contain_text("Live")
    job_id = submit(server, label="by itself")
    row = page.locator(f"#{job_id}")
    expect(row).to_contain_text("done")
    view = row.get_by_role("link", name=f"States mean: {OBESITY}")
    expect(view).to_have_attribute("href", re.compile("view=question.*tab=table&of=states_mean"))
    row.get_by_role("link", name=job_id).click()
    expect(page.locator("h1")).to_have_text("by itself")
    expect(page.locator("tbody th").first).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("h1")).to_have_text("by itself")
    page.wait_for_url(lambda url: job_id not in url)
    page.get_by_role("button", name="Delete job").click()
    page.wait_for_url(re.compile("view=jobs"))


def test_a_running_job_shows_its_progress_and_can_be_canceled(visitor: Visitor, server: RunningServer) -> None:
    job_id = submit(server)
    job = server.client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}).json()
    running = {**job, "state": "running", "progress": 0.42, "ended_at": None, "expires_at": None}
    visitor.page.route(f"**/v1/jobs/{job_id}", lambda route: route.fulfill(json=running))
    visitor.page.route(f"**/v1/jobs/{job_id}/events", lambda route: route.fulfill(status=204))
    page = visitor.go(view="job", job=job_id)
    expect(page.locator("progress")).to_have_attribute("value", "0.42")
    # Only if it is unfinished: a plain DELETE would remove a job that has just ended.
    with page.expect_request(
        lambda request: request.method == "DELETE" and request.url.endswith(f"{job_id}?if=unfinished")
    ):
        page.get_by_role("button", name="Cancel").click()


def test_a_failed_job_says_why(visitor: Visitor, server: RunningServer) -> None:
    job_id = submit(server)
    job = server.client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}).json()
    failure = {"code": "time-limit", "fault": "operator", "reason": "It worked longer than 600 s."}
    failed = {**job, "state": "failed", "failure": failure}
    visitor.page.route(f"**/v1/jobs/{job_id}", lambda route: route.fulfill(json=failed))
    page = visitor.go(view="job", job=job_id)
    expect(page.locator("main")).to_contain_text("It worked longer than 600 s.")


def test_an_unknown_job_is_an_error(visitor: Visitor) -> None:
    visitor.refused = [404]
    page = visitor.go(view="job", job="job_id_999999")
    expect(page.get_by_role("alert")).to_contain_text("job_id_999999")


def test_a_long_request_becomes_a_job_and_the_same_question_finds_it_again(
    visitor: Visitor, server: RunningServer
) -> None:
    visitor.refused = [422]

    def refuse(route: Route) -> None:
        problem = {"title": "To be asked as a job", "code": "ask-as-job", "status": 422, "detail": "It takes long."}
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    visitor.page.route("**/v1/statistics/estimate?*", refuse)
    page = visitor.go(**TABLE, of="estimate", years="2020..2022")
    expect(page.locator("tbody tr").first).to_be_visible()

    def jobs() -> int:
        wanted = {"statistic": "estimate", "label": f"Explorer: estimate, {OBESITY}"}
        return len(server.client.get("/v1/jobs", params=wanted).json()["jobs"])

    assert jobs() == 1
    page.reload()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert jobs() == 1


# Problems of the server


def test_a_loading_file_shows_its_progress_and_the_page_updates_when_it_finishes(visitor: Visitor) -> None:
    reading = {"phase": "reading", "share": 0.42, "rows": 1234}
    is_loading = True

    def answer(route: Route) -> None:
        datasets = route.fetch().json()["datasets"]
        for each in datasets if is_loading else ():
            if each["name"] == "sample":
                each |= {"status": "loading", "reading": reading, "title": None}
        route.fulfill(json={"datasets": datasets})

    visitor.page.route("**/v1/datasets", answer)
    page = visitor.go()
    expect(page.get_by_label("sample", exact=True)).to_contain_text("Loading: reading, 1,234 rows")
    expect(page.locator("progress").first).to_have_attribute("value", "0.42")
    is_loading = False
    expect(page.get_by_label("sample", exact=True).locator(".card").first).to_be_visible()


def test_a_busy_server_is_tried_again_after_its_delay(visitor: Visitor) -> None:
    visitor.refused = [503]
    busy = {"title": "Too many", "code": "answers-busy", "status": 503, "detail": "Two long answers are being made."}
    is_busy = True

    def answer(route: Route) -> None:
        if is_busy:
            route.fulfill(status=503, headers={"retry-after": "1"}, json=busy)
        else:
            route.continue_()

    visitor.page.route("**/v1/statistics/ranking?*", answer)
    page = visitor.go(**TABLE)
    expect(page.get_by_role("alert")).to_contain_text("The server is busy")
    is_busy = False
    expect(page.locator("tbody tr").first).to_be_visible()


def test_an_unreachable_server_is_reported_and_can_be_tried_again(visitor: Visitor) -> None:
    visitor.refused = [0]
    visitor.page.route("**/v1/datasets", lambda route: route.abort())
    page = visitor.go()
    expect(page.get_by_role("alert")).to_contain_text("not responding")
    visitor.page.unroute("**/v1/datasets")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card").first).to_be_visible()
