"""A page of another site, open in a browser on the server's own machine, cannot stop the server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.support.server_process import RunningServer, serving
from tests.support.waiting import join, poll

WAYS = {
    "image": '<img src="{url}">',
    "image without referrer": '<img referrerpolicy="no-referrer" src="{url}">',
    "frame": '<iframe src="{url}"></iframe>',
    "fetch": '<script>fetch("{url}", {{mode: "no-cors"}}).catch(() => 0)</script>',
    "form": '<form method="post" action="{url}"></form><script>document.forms[0].submit()</script>',
    "navigation": '<script>location = "{url}"</script>',
}


@contextmanager
def a_site(html: str) -> Iterator[str]:
    """Serve one page on a port of its own, and so as another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}/"
        finally:
            site.shutdown()
            join(thread)


@pytest.fixture(scope="module")
def opened(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:  # noqa: ARG001
    """A server that listens everywhere and asks for no keys."""
    everywhere = "0.0.0.0"  # noqa: S104 - the claim is about it
    folder = tmp_path_factory.mktemp("opened")
    with serving("--host", everywhere, "--allow-anonymous", state_dir=folder / "state") as running:
        yield running.ready()


@pytest.mark.parametrize("way", WAYS)
def test_a_page_of_another_site_does_not_stop_the_server(browser: Browser, opened: RunningServer, way: str) -> None:
    log = opened.state_dir / "webserver.log"

    def requests() -> int:
        return len(re.findall("exit request=.* path=/api/graceful_shutdown ", log.read_text(encoding="utf-8")))

    with browser.new_context() as context:
        for name in ("0.0.0.0", "127.0.0.1", "localhost"):  # noqa: S104 - as above
            url = f"http://{name}:{urlsplit(opened.url).port}/api/graceful_shutdown"
            before = requests()
            with a_site(WAYS[way].format(url=url)) as site:
                context.new_page().goto(site, wait_until="commit")
                # The request has arrived, and was answered.
                poll(requests, lambda number, before=before: number > before)  # type: ignore[misc]
            assert opened.client.get("/readyz").json()["status"] == "ready", name
