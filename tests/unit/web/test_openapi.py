from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from meantime.statistics.registry import STATISTICS
from meantime.web import classic, openapi
from tests.support.web_app import served


@pytest.fixture
def document() -> Any:
    return json.loads(openapi.document().body)


def test_every_route_is_in_the_document_and_every_path_of_the_document_is_a_route(
    tmp_path: Path, document: Any
) -> None:
    with served(tmp_path) as server:
        assert isinstance(server.app, Litestar)
        routed = {
            (route.path.replace("{job_id:path}", "{job_id}"), method.lower())
            for route in server.app.routes
            for method in route.methods
            if method not in ("HEAD", "OPTIONS")
        }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    # The document itself, the address of results without an id, and the files of the page for people.
    assert routed - described == {
        ("/openapi.json", "get"),
        ("/api/get_results", "get"),
        ("/explorer/{file:path}", "get"),
    }
    assert described <= routed


def test_each_statistic_has_its_parameters_an_example_that_fits_and_its_answers(document: Any) -> None:
    for name in classic.STATISTICS:
        operation = document["paths"][f"/api/{name}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        row = STATISTICS[name]
        assert content["schema"] == {"$ref": f"#/components/schemas/{row.parameters.__name__}"}
        assert msgspec.to_builtins(msgspec.convert(content["example"], row.parameters)) == content["example"]
        assert {"200", "400", "413", "415", "421", "503"} <= operation["responses"].keys()
        assert operation["summary"] == row.help


def test_every_reference_leads_somewhere(document: Any) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(document))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for path in ("/docs", "/schema", "/schema/openapi.json", "/redoc"):
            assert server.ask("GET", path).status == 404
