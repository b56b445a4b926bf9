from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meantime.statistics.registry import STATISTICS
from meantime.web.app import ENDPOINTS
from meantime.web.classic import contract
from tests.support.web_app import served

FIXTURES = Path(__file__).parents[3] / "fixtures"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with served(tmp_path_factory.mktemp("openapi")) as server:
        return server.ask("GET", "/openapi.json").json


def test_the_document_has_every_endpoint_that_is_not_in_that_of_v1(document: Any) -> None:
    served_ones = {
        (row.path.replace(":path}", "}"), row.method.lower()) for row in ENDPOINTS if not row.path.startswith("/v1")
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    # The document itself, the address of results without an id, and the files of the page for people.
    assert served_ones - described == {
        ("/openapi.json", "get"),
        ("/api/get_results", "get"),
        ("/explorer/{file}", "get"),
    }
    assert described <= served_ones


def test_each_statistic_has_its_parameters_an_example_that_fits_and_its_answers(document: Any) -> None:
    for name in contract.STATISTICS:
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

    names = set(references(document))
    assert names
    for reference in names:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for path in ("/docs", "/schema", "/schema/openapi.json", "/redoc"):
            assert server.ask("GET", path).status == 404


def test_the_document_describes_the_same_interface_as_the_last_version(document: Any) -> None:
    """``classic_openapi.json`` is what ``interface`` returned for the document of commit c692533."""
    recorded = msgspec.json.decode((FIXTURES / "classic_openapi.json").read_bytes())
    paths = interface(document["paths"])
    for path, operations in paths.items():
        for method, operation in operations.items():
            # Since then, keys have joined it: operations that everybody may use, and refusals.
            operation.pop("security", None)
            responses = operation["responses"]
            for status in ({"401", "403", "429"} & responses.keys()) - recorded["paths"][path][method][
                "responses"
            ].keys():
                del responses[status]
    assert paths == recorded["paths"]
    assert interface(document["components"]["schemas"]) == recorded["schemas"]


def interface(node: Any) -> Any:
    """Return a part of the document without its texts and examples; of headers only the schemas."""
    if isinstance(node, list):
        return [interface(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "const" in node:
        return {"enum": [node["const"]]}
    return {
        name: {header: interface(value[header]["schema"]) for header in value}
        if name == "headers"
        else interface(value)
        for name, value in node.items()
        # A property may have one of these names too; its value is then a schema.
        if name not in _PROSE or (name in _TEXTS and isinstance(value, dict))
    }


_TEXTS = ("summary", "description", "title")
_PROSE = (*_TEXTS, "example", "examples")
