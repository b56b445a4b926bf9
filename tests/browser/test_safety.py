"""Text from files stays text, nothing is loaded from other servers, and files are cached."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import BACKWARDS, HOSTILE, LONG, MARKUP, OBESITY
from tests.support.browser import Visitor
from tests.support.examples import one_case_in
from tests.support.server_process import RunningServer

QUESTION = {"view": "question", "dataset": "hostile", "question": MARKUP}
VIEWS = {
    "home": {},
    "table": {**QUESTION, "tab": "table", "category": MARKUP, "stratum": BACKWARDS},
    "ranking": {**QUESTION, "better": "lower", "category": MARKUP, "stratum": MARKUP, "highlight": MARKUP},
    "data": {"view": "data", "dataset": "hostile"},
    "place": {"view": "place", "dataset": "hostile", "location": MARKUP},
    "long place": {"view": "place", "dataset": "hostile", "location": LONG},
    "jobs": {"view": "jobs"},
}


@pytest.mark.parametrize("name", one_case_in(2, VIEWS))
def test_markup_in_labels_is_text(visitor: Visitor, name: str) -> None:
    page = visitor.go(**VIEWS[name])
    if name == "ranking":
        visitor.drawn()
    assert page.locator("main script, main img, main iframe").count() == 0
    visitor.until("document.documentElement.scrollWidth <= innerWidth")  # a long name does not widen the page
    if name == "table":
        expect(page.locator("h1")).to_contain_text(MARKUP)
        for location in HOSTILE:
            expect(page.locator("tbody")).to_contain_text(" ".join(location.split()))


def test_markup_in_labels_of_jobs_is_text(visitor: Visitor, server: RunningServer) -> None:
    body = {"statistic": "states_mean", "dataset": "hostile", "parameters": {"question": MARKUP}, "label": MARKUP}
    job_id = server.client.post("/v1/jobs", json=body).json()["id"]
    page = visitor.go(view="job", job=job_id)
    expect(page.locator("h1")).to_have_text(MARKUP)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.locator("main script, main img").count() == 0


@pytest.mark.parametrize("value", one_case_in(2, [MARKUP, LONG[:300], "\x00\ud7ff", "%"]))
def test_a_hostile_address_does_no_harm(visitor: Visitor, value: str) -> None:
    visitor.refused = [400, 404]
    for state in (
        {"view": value},
        {"view": "question", "dataset": "sample", "question": value},
        {"view": "question", "dataset": "sample", "question": OBESITY, "tab": value, "stratum": value, "sort": value},
        {"view": "question", "dataset": value},
        {"view": "place", "dataset": "sample", "location": value},
        {"view": "job", "job": value},
        {"view": "jobs", "state": value},
    ):
        page = visitor.go(**state)
        assert page.locator("main script, main img").count() == 0


def test_an_injected_script_does_not_run(visitor: Visitor) -> None:
    page = visitor.go()
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.wasRun = true";
                document.body.append(script);
            }"""
        )
    assert page.evaluate("window.wasRun") is None
    visitor.complaints.clear()


def test_a_first_visit_is_small_and_a_second_one_smaller(browser: Browser, server: RunningServer) -> None:
    with Visitor(browser, server.url, is_new=True) as visitor:
        client = visitor.page.context.new_cdp_session(visitor.page)
        client.send("Network.enable")
        received: list[float] = []
        client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        state = {"view": "question", "dataset": "sample", "question": OBESITY}
        visitor.go(**state)
        visitor.page.wait_for_load_state("networkidle")
        first = sum(received)
        received.clear()
        visitor.go(**state)
        visitor.page.wait_for_load_state("networkidle")
        second = sum(received)
    assert 10_000 < first <= 650_000
    assert second <= 20_000, received


def test_a_second_visit_loads_no_file_again(visitor: Visitor) -> None:
    visitor.go()
    page = visitor.go(again="1")
    loaded = "performance.getEntriesByType('resource').filter(e => e.name.includes('/explorer/'))"
    assert page.evaluate(f"{loaded}.length") > 10
    assert page.evaluate(f"{loaded}.filter(e => e.transferSize > 0).length") == 0
