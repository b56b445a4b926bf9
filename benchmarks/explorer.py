"""How soon a page of the explorer can be read, and how much it loads: with Chromium, a fresh profile for each round.

Run as ``make bench BENCH=explorer``, with Debian's chromium (CHROMIUM says where it is, if elsewhere). The peer is
the same browser and a page with nothing in it, of the same server: what is left is what the explorer takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.frame import Ratio, show
from benchmarks.harness import QUESTION, meantime, require, serving

# Of issue 18.
FIRST_VIEW_MS = 600
CHANGE_MS = 100
FIRST_VISIT_BYTES = 650_000
SECOND_VISIT_BYTES = 20_000

_ASKED = {"view": "question", "dataset": "sample", "question": QUESTION}
_DRAWN = ".figure[data-drawn]"
_READ = "main:not([aria-busy]) .lead-findings"

# Lights another location: from the choice to the frame that shows it. The answer is there, and the library loaded.
_CHANGE = """async () => {
    const field = document.getElementById("highlight");
    const name = field.value === "Ohio" ? "Utah" : "Ohio";
    const before = performance.now();
    field.value = name;
    field.dispatchEvent(new Event("input"));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - before;
}"""
# Goes to a tab that was shown before, by its link: from the press to the frame with the chart in it.
_BACK = """async () => {
    const before = performance.now();
    document.getElementById("tab-ranking").click();
    while (!document.querySelector(".figure[data-drawn]")) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - before;
}"""
_NOW = "performance.now()"


class _Round(NamedTuple):
    """What one visitor with a fresh profile met."""

    empty_ms: float
    home_ms: float
    findings_ms: float
    chart_ms: float
    light_ms: float
    tab_ms: float
    first_bytes: int
    second_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(chromium).exists():
        require("chromium", "it is what looks; apt-get install chromium.")
    with serving(meantime()) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        _visit(browser, server.url)  # what draws is made once for an installation, and the browser itself warms up
        rounds = [_visit(browser, server.url) for _ in range(given.rounds)]
        browser.close()
    show(
        "The explorer, beside a page with nothing in it",
        _ratios(_Round(*map(statistics.median, zip(*rounds, strict=True)))),
    )
    return 0


def _visit(browser: Browser, url: str) -> _Round:
    """Look as somebody who was never here, and then once more."""
    empty_ms = _first_view(browser, f"{url}/livez", "body")
    home_ms = _first_view(browser, f"{url}/", ".card")
    with browser.new_context() as context:
        page = context.new_page()
        received = _received(page)
        address = f"{url}/?{urlencode(_ASKED)}"
        page.goto(address)
        page.wait_for_selector(_READ)
        findings_ms = page.evaluate(_NOW)
        page.wait_for_selector(_DRAWN)
        chart_ms = page.evaluate(_NOW)
        page.wait_for_load_state("networkidle")
        first = sum(received)
        light_ms = statistics.median(page.evaluate(_CHANGE) for _ in range(5))
        page.click("#tab-table")
        page.wait_for_selector("main:not([aria-busy]) .result")
        tab_ms = page.evaluate(_BACK)
        received.clear()
        page.goto(address)
        page.wait_for_selector(_DRAWN)
        page.wait_for_load_state("networkidle")
        return _Round(empty_ms, home_ms, findings_ms, chart_ms, light_ms, tab_ms, int(first), int(sum(received)))


def _first_view(browser: Browser, address: str, sign: str) -> float:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(sign)
        took_ms: float = page.evaluate(_NOW)
        return took_ms


def _received(page: Page) -> list[float]:
    """Return a list that grows by the bytes of each answer, as they came over the wire."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    return sizes


def _ratios(middle: _Round) -> list[Ratio]:
    """Each as its target divided by the figure: at least 1 where it is met."""
    empty = f"an empty page {middle.empty_ms:.0f} ms"
    times = (
        ("home, fresh profile", middle.home_ms, FIRST_VIEW_MS),
        ("findings of a question, fresh profile", middle.findings_ms, FIRST_VIEW_MS),
        ("its chart painted, fresh profile", middle.chart_ms, FIRST_VIEW_MS),
        ("another location lit", middle.light_ms, CHANGE_MS),
        ("from table to chart, painted", middle.tab_ms, CHANGE_MS),
    )
    sizes = (
        ("first visit, over the wire", middle.first_bytes, FIRST_VISIT_BYTES),
        ("second visit, over the wire", middle.second_bytes, SECOND_VISIT_BYTES),
    )
    return [
        *(Ratio(f"{what}, at most {most} ms", f"{took:.0f} ms", empty, most / took, 1) for what, took, most in times),
        *(
            Ratio(f"{what}, at most {most:,} bytes", f"{size:,.0f} bytes", "", most / size, 1)
            for what, size, most in sizes
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
