"""The OpenAPI document, and the endpoints themselves: what they say of themselves must hold together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import msgspec
import pytest

from meantime.errors import AskAsJob, JobUnknown, QueueFull
from meantime.statistics.registry import STATISTICS
from meantime.web.backend import Backend
from meantime.web.http import problems
from meantime.web.http.endpoint import Endpoint, Header, Link, Outcome, Parameter
from meantime.web.http.request import HttpRequest
from meantime.web.v1 import openapi
from meantime.web.v1.routes import ENDPOINTS
from tests.support.web_app import served


class Part(msgspec.Struct):
    share: Annotated[float, msgspec.Meta(ge=0, description="Of the whole.")]


class Whole(msgspec.Struct):
    parts: list[Part]


async def handle(_: Backend, request: HttpRequest) -> Any:  # noqa: ARG001 - never called
    raise AssertionError


MAKE = Endpoint(
    name="make",
    method="POST",
    path="/v1/wholes/{name}",
    tag="jobs",
    summary="Make",
    description="Makes.",
    handle=handle,
    parameters=(
        Parameter(name="name", where="path", kind=str, description="Its name.", example="a"),
        Parameter(name="limit", where="query", kind=Annotated[int, msgspec.Meta(ge=1)], description="How many."),
    ),
    body=Whole,
    body_example={"parts": [{"share": 0.5}]},
    outcomes=(
        Outcome(
            status=202,
            description="Made.",
            content={
                "application/json": Whole,
                "application/x-either+json": (Whole, Part),
                "text/csv": None,
                "application/x-bytes": None,
                "text/event-stream": None,
            },
            example={"parts": []},
            headers=(Header(name="Retry-After", description="Seconds.", kind=int, required=False),),
            links=(
                Link(name="next", operation="make", parameters={"name": "$response.body#/name"}, description="On."),
            ),
        ),
    ),
    problems=(JobUnknown, QueueFull, AskAsJob),
)


@pytest.fixture(scope="module")
def document() -> Any:
    """As clients get it."""
    return json.loads(msgspec.json.encode(openapi.document(ENDPOINTS)))


@pytest.fixture(scope="module")
def made() -> Any:
    return json.loads(msgspec.json.encode(openapi.document([MAKE])))


class TestOneEndpoint:
    def test_its_parameters_and_body_have_their_types(self, made: Any) -> None:
        operation = made["paths"]["/v1/wholes/{name}"]["post"]
        assert operation["parameters"] == [
            {
                "name": "name",
                "in": "path",
                "required": True,
                "description": "Its name.",
                "schema": {"type": "string"},
                "example": "a",
            },
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "How many.",
                "schema": {"type": "integer", "minimum": 1},
            },
        ]
        assert operation["requestBody"] == {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Whole"},
                    "example": {"parts": [{"share": 0.5}]},
                }
            },
        }
        assert made["components"]["schemas"]["Whole"]["properties"]["parts"]["items"] == {
            "$ref": "#/components/schemas/Part"
        }

    def test_its_outcomes_have_headers_forms_and_links(self, made: Any) -> None:
        outcome = made["paths"]["/v1/wholes/{name}"]["post"]["responses"]["202"]
        assert outcome["headers"]["Retry-After"] == {
            "description": "Seconds.",
            "required": False,
            "schema": {"type": "integer"},
        }
        assert outcome["content"] == {
            "application/json": {"schema": {"$ref": "#/components/schemas/Whole"}, "example": {"parts": []}},
            "text/csv": {"schema": {"type": "string"}},
            "application/x-bytes": {},
            "text/event-stream": {},
            "application/x-either+json": {
                "schema": {"anyOf": [{"$ref": "#/components/schemas/Whole"}, {"$ref": "#/components/schemas/Part"}]},
                "example": {"parts": []},
            },
        }
        assert outcome["links"] == {
            "next": {"operationId": "make", "parameters": {"name": "$response.body#/name"}, "description": "On."}
        }

    def test_its_problems_are_by_status_each_with_an_example(self, made: Any) -> None:
        responses = made["paths"]["/v1/wholes/{name}"]["post"]["responses"]
        assert list(responses) == [
            *("202", "400", "401", "403", "404", "408", "414", "421", "422", "429", "431", "500", "503"),
        ]
        full = responses["503"]
        assert full["headers"]["Retry-After"]["required"]
        content = full["content"]["application/problem+json"]
        assert content["schema"]["allOf"][1] == {
            "properties": {"code": {"enum": ["queue-full", "bodies-full", "connections-full"]}}
        }
        assert content["examples"]["queue-full"]["value"]["status"] == 503


class TestTheDocument:
    def test_it_is_openapi(self, document: Any) -> None:
        assert document["openapi"] == "3.1.0"
        for path, operations in document["paths"].items():
            named = re.findall(r"\{([a-z_]+)\}", path)
            for operation in operations.values():
                given = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
                assert sorted(given) == sorted(named), path
                assert operation["summary"], path
                assert operation["description"], path

    def test_every_endpoint_is_in_it_and_each_has_a_name_of_its_own(self, document: Any) -> None:
        described = [one["operationId"] for path in document["paths"].values() for one in path.values()]
        assert described == [endpoint.name for endpoint in sorted(ENDPOINTS, key=lambda one: _place(document, one))]
        assert len(set(described)) == len(described) == len(ENDPOINTS)

    def test_every_reference_leads_somewhere(self, document: Any) -> None:
        found = {value for key, value in _pairs(document) if key == "$ref"}
        assert found
        for reference in found:
            assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]

    def test_every_link_names_an_operation_and_parameters_of_it(self, document: Any) -> None:
        taken = {endpoint.name: {parameter.name for parameter in endpoint.parameters} for endpoint in ENDPOINTS}
        for key, links in _pairs(document["paths"]):
            if key == "links":
                for link in links.values():
                    assert link["parameters"].keys() <= taken[link["operationId"]]

    def test_every_schema_is_one(self, document: Any) -> None:
        for schema in {json.dumps(each): each for each in _schemas(document)}.values():
            jsonschema_rs.Draft202012Validator(_whole(schema, document))

    def test_every_example_fits_its_schema(self, document: Any) -> None:
        checked = 0
        validators: dict[str, jsonschema_rs.Validator] = {}
        for node in _nodes(document["paths"]):
            if "schema" not in node:
                continue
            examples = [one["value"] for one in node.get("examples", {}).values()]
            examples += [node["example"]] if "example" in node else []
            schema = json.dumps(node["schema"])
            for example in examples:
                if schema not in validators:
                    validators[schema] = jsonschema_rs.Draft202012Validator(_whole(node["schema"], document))
                validators[schema].validate(example)
                checked += 1
        assert checked > 10

    def test_every_statistic_has_its_parameters(self, document: Any) -> None:
        for statistic in STATISTICS.values():
            assert statistic.parameters.__name__ in document["components"]["schemas"]

    def test_every_problem_of_an_endpoint_has_a_page(self) -> None:
        for endpoint in ENDPOINTS:
            for kind in openapi.kinds_of(endpoint):
                assert problems.code_of(kind) in problems.PAGES, endpoint.name

    def test_no_outcome_is_a_refusal(self) -> None:
        for endpoint in ENDPOINTS:
            statuses = [outcome.status for outcome in endpoint.outcomes]
            assert len(set(statuses)) == len(statuses)
            assert all(status < 400 for status in statuses), endpoint.name


def test_it_is_served_and_may_be_kept(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        answer = server.ask("GET", "/v1/openapi.json")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json["paths"].keys() == {endpoint.path for endpoint in ENDPOINTS}
        tag = answer.headers["etag"]
        for known in (tag, f'W/"x", {tag}', "*"):
            again = server.ask("GET", "/v1/openapi.json", headers={"If-None-Match": known})
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
            assert "content-length" not in again.headers
        assert server.ask("GET", "/v1/openapi.json", headers={"If-None-Match": '"other"'}).status == 200


def _place(document: Any, endpoint: Endpoint) -> tuple[int, int]:
    return [*document["paths"]].index(endpoint.path), [*document["paths"][endpoint.path]].index(endpoint.method.lower())


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _pairs(node: Any) -> Iterator[tuple[str, Any]]:
    for each in _nodes(node):
        yield from each.items()


def _schemas(document: Any) -> Iterator[Any]:
    yield from document["components"]["schemas"].values()
    for node in _nodes(document["paths"]):
        if "schema" in node:
            yield node["schema"]


def _whole(schema: Any, document: Any) -> Any:
    """A schema that can be read without the document around it."""
    return {**schema, "components": document["components"]}
