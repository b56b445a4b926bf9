"""The explorer of a server that needs a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from meantime.access.keys import KeyFile, Role
from tests.browser.conftest import OBESITY
from tests.support.browser import Visitor
from tests.support.command_line import meantime
from tests.support.server_process import RunningServer, serving


@pytest.fixture(scope="module")
def guarded(new_state: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("guarded")
    assert meantime("sample", "--rows", "20000", "--out", str(folder / "sample.csv")).returncode == 0
    with serving(f"sample={folder / 'sample.csv'}", state_dir=new_state(folder / "state")) as running:
        running.ready()
        yield running


def test_the_page_asks_for_a_key_and_uses_it_until_the_tab_is_closed(
    browser: Browser, guarded: RunningServer, tmp_path: Path
) -> None:
    key = KeyFile(guarded.state_dir).create(Role.SUBMIT, name="reader", at_s=1.0)[1]
    with Visitor(browser, guarded.url, is_new=True) as visitor:
        visitor.refused = [401]
        page = visitor.go()
        for entered in ("meantime_00000000_wrong", key):
            # The form of the next try: the one before goes when the server has answered.
            expect(page.get_by_label("Key")).to_have_value("")
            page.get_by_label("Key").fill(entered)
            page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_label("Key")).to_have_count(0)
        visitor.refused = []
        page = visitor.go(view="question", dataset="sample", question=OBESITY, tab="table")
        expect(page.locator("tbody tr").first).to_be_visible()
        with page.expect_download() as started:
            page.locator('a.file[href*=".csv?"]').first.click()
        saved = tmp_path / "saved.csv"
        started.value.save_as(saved)
        assert saved.stat().st_size > 100
        assert key not in page.content()

        # Events reach the list of jobs, which an EventSource could not ask for.
        page = visitor.go(view="jobs")
        expect(page.get_by_text("this list updates by itself")).to_be_visible()
        body = {"statistic": "states_mean", "parameters": {"question": OBESITY}, "label": "from elsewhere"}
        guarded.client.post("/v1/jobs", json=body, headers={"Authorization": f"Bearer {key}"}).raise_for_status()
        expect(page.get_by_text("job_id_1")).to_be_visible()
    with Visitor(browser, guarded.url, is_new=True) as somebody:
        somebody.refused = [401]
        page = somebody.go()
        expect(page.get_by_label("Key")).to_be_visible()
