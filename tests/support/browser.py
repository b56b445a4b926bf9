"""A visit to the explorer with a browser, which records what must not happen."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

# Long enough for a page on a loaded machine.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)


class Visitor:
    """A fresh profile with one page. Fails if something came from another server, or the console has a complaint."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = 1024,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        locale: str = "en-US",
        **more: Any,
    ) -> None:
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale=locale, **more
        )
        self._context.set_default_timeout(_PATIENCE_MS)
        self.url = url
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.refused: list[int] = []  # error statuses that this visit expects
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error in the page: {error}"))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self._context.on("request", self._note_request)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._context.close()
        if kind is None:
            assert not self.complaints, self.complaints
            assert not self.elsewhere, self.elsewhere

    def _note_console(self, message: ConsoleMessage) -> None:
        is_expected = any(f"status of {status}" in message.text for status in self.refused) or (
            0 in self.refused and "ERR_FAILED" in message.text
        )
        if message.type in ("error", "warning") and not is_expected:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(f"{self.url}/"):
            self.elsewhere.append(request.url)

    def go(self, **state: str | list[str]) -> Page:
        """Open a view by its address, and wait until it is shown."""
        self.page.goto(f"{self.url}/?{urlencode(state, doseq=True)}" if state else f"{self.url}/")
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until the view is shown."""
        self.page.wait_for_selector("main:not([aria-busy]) h1", state="attached")

    def address_has(self, part: str) -> None:
        """Wait until the address contains a part: it may change before or after the page."""
        expect(self.page).to_have_url(re.compile(re.escape(part)))

    def address_lacks(self, part: str) -> None:
        """Wait until the address does not contain a part."""
        expect(self.page).not_to_have_url(re.compile(re.escape(part)))

    def until(self, claim: str) -> None:
        """Wait until a JavaScript expression is true, where Playwright has no expectation."""
        try:
            self.page.wait_for_function(claim)
        except PlaywrightTimeout as error:
            raise AssertionError(f"not so after {_PATIENCE_MS} ms: {claim}") from error

    def drawn(self) -> Locator:
        """Wait for the chart."""
        self.page.wait_for_selector(".figure[data-drawn]")
        return self.page.locator(".figure")


class Log:
    """Acts on a page, and counts: a click or tap, a typed word with Enter, a key."""

    def __init__(self, page: Page, *, by_touch: bool = False) -> None:
        self.page, self._by_touch = page, by_touch
        self.actions: list[str] = []

    def press(self, what: Locator) -> None:
        """Click or tap."""
        self.actions.append(f"press {what}")
        if self._by_touch:
            what.scroll_into_view_if_needed()
            what.tap()
        else:
            what.click()

    def choose(self, field: Locator, word: str) -> None:
        """Type a word and Enter."""
        self.actions.append(f"type {word}")
        field.fill(word)
        field.press("Enter")
