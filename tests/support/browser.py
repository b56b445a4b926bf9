"""A visit to the explorer with a browser, which records what must not happen."""

from __future__ import annotations

import re
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Request, expect
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

_NOWHERE = "about:blank"
# Long enough for a page on a loaded machine.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)


class Visitor:
    """Somebody at a page. Fails if something came from another server, or the console has a complaint.

    The page is one that an earlier visitor has left, in the first profile of the browser: a fresh profile costs more
    than what a test does with it. Who ``is_new`` gets one, and so do options that belong to a profile.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = 1024,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        is_new: bool = False,
        **profile: Any,
    ) -> None:
        self._is_new = is_new or bool(profile)
        if self._is_new:
            self._context = browser.new_context(**{"locale": "en-US", **profile})
        else:
            self._context = browser.contexts[0]
        left = [page for page in self._context.pages if page.url == _NOWHERE]
        self.url = url
        self.page: Page = left[0] if left else self._context.new_page()
        self.page.set_default_timeout(_PATIENCE_MS)
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(media="null", color_scheme=theme)
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.refused: list[int] = []  # error statuses that this visit expects
        self.page.on("console", self._note_console)
        self.page.on("pageerror", self._note_error)
        self.page.on("dialog", self._note_dialog)
        self._context.on("request", self._note_request)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_new:
            self._context.close()
        else:
            self._leave()
        if kind is None:
            assert not self.complaints, self.complaints
            assert not self.elsewhere, self.elsewhere

    def _leave(self) -> None:
        """Leave a page for the next visitor as if it were a new one. Not closed: while it loads, that may never end."""
        self.page.remove_listener("console", self._note_console)
        self.page.remove_listener("pageerror", self._note_error)
        self.page.remove_listener("dialog", self._note_dialog)
        self._context.remove_listener("request", self._note_request)
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.mouse.move(0, 0)
        with suppress(PlaywrightError):  # it is still on its way elsewhere: the next visitor opens another page
            self.page.goto(_NOWHERE)

    def _note_error(self, error: object) -> None:
        self.complaints.append(f"error in the page: {error}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()  # it would hold the page

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
