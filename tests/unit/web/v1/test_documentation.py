from __future__ import annotations

import base64
import hashlib
import html
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from meantime.statistics.registry import STATISTICS
from meantime.web.http import problems
from meantime.web.v1.routes import ENDPOINTS
from tests.support.web_app import Answer, Served, served


class Reader(HTMLParser):
    """What a page links to, what has a name in it, and what is in its examples."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.tags: list[str] = []
        self.examples: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            elif name == "id":
                self.names.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["pre"] and data.startswith("curl"):
            self.examples.append(data)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("documentation")) as serving:
        yield serving


def page(server: Served, path: str) -> tuple[Answer, Reader]:
    answer = server.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer, Reader(answer.body.decode())


def test_every_endpoint_is_there_with_an_example_to_copy(server: Served) -> None:
    _, reader = page(server, "/v1")
    assert {endpoint.name for endpoint in ENDPOINTS} <= {*reader.names}
    assert len(reader.examples) == len(ENDPOINTS)
    for endpoint, example in zip(
        sorted(ENDPOINTS, key=lambda one: reader.names.index(one.name)), reader.examples, strict=True
    ):
        command, address, *_ = shlex.split(example)
        assert command == "curl"
        assert address.startswith("http://localhost:5000/v1"), example
        assert "{" not in address, example
        assert endpoint.path.split("{")[0] in address


def test_every_link_leads_somewhere_on_this_server(server: Served) -> None:
    _, reader = page(server, "/v1")
    assert f"/v1/problems/{problems.INTERNAL}" in reader.links
    for link in set(reader.links):
        if link.startswith("#"):
            assert link[1:] in reader.names
        else:
            assert link.startswith("/"), link
            assert server.ask("GET", link).status == 200, link
    assert len(set(reader.names)) == len(reader.names)


def test_every_statistic_and_problem_is_named(server: Served) -> None:
    answer, _ = page(server, "/v1")
    text = answer.body.decode()
    for name in (*STATISTICS, *problems.PAGES):
        assert f"<code>{name}</code>" in text


@pytest.mark.parametrize("path", ["/v1", "/v1/problems/request-invalid"])
def test_it_needs_nothing_from_elsewhere_and_no_script(server: Served, path: str) -> None:
    answer, reader = page(server, path)
    policy = answer.headers["content-security-policy"]
    [style] = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    assert f"style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert not {"script", "img", "link", "iframe"} & {*reader.tags}
    assert b"style=" not in answer.body


@pytest.mark.parametrize("code", [*problems.PAGES])
def test_the_type_of_every_problem_leads_to_its_page(server: Served, code: str) -> None:
    kind = problems.kind_of(code)
    answer, _ = page(server, problems.example(kind).type)
    text = answer.body.decode()
    assert html.escape(problems.PAGES[code].title) in text
    assert f"<code>{code}</code>, status {problems.status_of(kind)}" in text


@pytest.mark.parametrize("code", ["nope", "Internal", "a%2Fb", "%3Cscript%3E"])
def test_other_pages_there_are_not(server: Served, code: str) -> None:
    answer = server.ask("GET", f"/v1/problems/{code}")
    assert (answer.status, answer.json["code"]) == (404, "path-unknown")


def test_the_pages_may_be_kept(server: Served) -> None:
    for path in ("/v1", "/v1/problems/internal"):
        answer, _ = page(server, path)
        again = server.ask("GET", path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status, again.body) == (304, b"")


def test_the_front_page_leads_here(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert 'href="/v1"' in server.ask("GET", "/").body.decode()
        loaded = server.ask("GET", "/", headers={"Accept": "application/json"}).json
        assert loaded["v1"] == {"documentation": "/v1", "openapi": "/v1/openapi.json"}
