"""The OpenAPI document of the classic API, made of the registry's rows and parameter types."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import msgspec

from meantime.statistics.registry import STATISTICS
from meantime.web import classic
from meantime.web.reply import Reply

_QUESTION = "Percent of adults aged 18 years and older who have obesity"
_EXAMPLES: Mapping[str, str] = {"question": _QUESTION, "state": "Utah"}
# What `data` is for each statistic, in the contract's shape.
_DATA: Mapping[str, Any] = {
    "states_mean": {"Colorado": 22.4, "Utah": 25.5},
    "state_mean": {"Utah": 25.5},
    "best5": {"Colorado": 22.4, "Hawaii": 23.1},
    "worst5": {"Mississippi": 37.2, "West Virginia": 36.9},
    "global_mean": {"global_mean": 30.1},
    "diff_from_mean": {"Colorado": 7.7, "Utah": 4.6},
    "state_diff_from_mean": {"Utah": 4.6},
    "mean_by_category": {"('Utah', 'Age (years)', '18 - 24')": 14.2},
    "state_mean_by_category": {"Utah": {"('Age (years)', '18 - 24')": 14.2}},
}


def document() -> Reply:
    """Return the document; it does not change while the server runs."""
    paths = {f"/api/{name}": {"post": _ask(name)} for name in classic.STATISTICS}
    paths |= _READS
    types = [STATISTICS[name].parameters for name in classic.STATISTICS]
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return Reply(
        200,
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "info": {
                    "title": "Meantime",
                    "summary": "Statistics over a table of survey indicators, as durable jobs",
                    "version": metadata.version("meantime"),
                    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                },
                "tags": [
                    {"name": "statistics", "description": "Each makes a job and answers with its id."},
                    {"name": "jobs", "description": "What became of them."},
                    {"name": "server", "description": "How the server stands."},
                ],
                "paths": paths,
                "components": {"schemas": components | _SCHEMAS},
            }
        ),
    )


def _ask(name: str) -> dict[str, Any]:
    row = STATISTICS[name]
    fields = [field.encode_name for field in msgspec.structs.fields(row.parameters)]
    return {
        "tags": ["statistics"],
        "operationId": name,
        "summary": row.help,
        "description": f"{row.estimates}\n\n"
        f"The result, once it is there: `{msgspec.json.encode(_DATA[name]).decode()}`",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{row.parameters.__name__}"},
                    "example": {field: _EXAMPLES[field] for field in fields if field in _EXAMPLES},
                }
            },
        },
        "responses": {
            "200": _json("Accepted, and kept from now on.", "Accepted", {"job_id": "job_id_1"}),
            "400": _error("Not a request that can be answered: the reason says why.", "question is missing."),
            "413": _error("The body is longer than 1 MiB.", "The body is longer than 1048576 bytes."),
            "415": _error("The body is not said to be application/json.", "Content-Type is missing."),
            "421": _HOST,
            "503": {
                "description": "Not now: the queue or the disk is full (with Retry-After), the data set could not "
                "be loaded, or the server takes no new jobs.",
                "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "example": {"status": "error", "reason": "shutting down", "job_id": -1},
                    }
                },
            },
        },
    }


def _json(description: str, schema: str, example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}},
    }


def _error(description: str, reason: str) -> dict[str, Any]:
    return _json(description, "Error", {"status": "error", "reason": reason})


def _read(tag: str, operation: str, summary: str, **responses: Any) -> dict[str, Any]:
    return {
        "tags": [tag],
        "operationId": operation,
        "summary": summary,
        "responses": {status.removeprefix("s"): response for status, response in responses.items()} | {"421": _HOST},
    }


_HOST = _error("The Host header is not a name of this server.", "This server does not go by the name 'example.org'.")

_SHUTDOWN: dict[str, Any] = {
    "s200": _json("running while jobs remain, then done.", "Progress", {"status": "running"}),
    "s403": _error("Not from the server's own machine, and without the key.", "Stopping the server is not for ..."),
}

_READS: dict[str, Any] = {
    "/api/get_results/{job_id}": {
        "get": _read(
            "jobs",
            "get_results",
            "The state of a job, and its result",
            s200={
                "description": "Always 200; an unknown id is an error by its status.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Results"},
                        "examples": {
                            "running": {"value": {"status": "running"}},
                            "done": {"value": {"status": "done", "data": {"Utah": 25.5}}},
                            "error": {"value": {"status": "error", "reason": "Invalid job_id"}},
                        },
                    }
                },
            },
        )
        | {
            "parameters": [
                {
                    "name": "job_id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^job_id_[1-9][0-9]{0,17}$"},
                    "example": "job_id_1",
                }
            ]
        }
    },
    "/api/jobs": {
        "get": _read(
            "jobs",
            "jobs",
            "Every job that is kept, by number",
            s200=_json("All of them.", "Jobs", {"status": "done", "data": [{"job_id_1": "done"}]}),
        )
    },
    "/api/num_jobs": {
        "get": _read(
            "jobs",
            "num_jobs",
            "How many jobs are not ended",
            s200=_json("0: the server may be stopped.", "JobCount", {"status": "done", "num_jobs": 0}),
        )
    },
    "/api/graceful_shutdown": {
        method: _read("server", f"{method}_graceful_shutdown", "Take no new jobs from now on", **_SHUTDOWN)
        for method in ("get", "post")
    },
    "/": {
        "get": _read(
            "server",
            "loaded",
            "What is loaded: a page for people, or JSON where Accept names it",
            s200={
                "description": "Every data set as it stands; the first is the one that the classic API asks.",
                "headers": {"Vary": {"schema": {"const": "accept"}}},
                "content": {
                    "text/html": {"schema": {"type": "string"}},
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Loaded"},
                        "example": {
                            "datasets": [{"name": "obesity", "status": "ready", "questions": [_QUESTION]}],
                            "v1": {"documentation": "/v1", "openapi": "/v1/openapi.json"},
                        },
                    },
                },
            },
        )
    },
    "/livez": {"get": _read("server", "livez", "Whether the process serves", s200={"description": "It does."})},
    "/readyz": {
        "get": _read(
            "server",
            "readyz",
            "How each data set stands",
            s200=_json("Every data set is ready.", "Readiness", {"status": "ready", "datasets": {}}),
            s503=_json("Not everything is.", "Readiness", {"status": "loading", "datasets": {}}),
        )
    },
    "/metrics": {
        "get": _read(
            "server",
            "metrics",
            "Prometheus metrics",
            s200={"description": "Text format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        )
    },
}

_STATUS_WORD = {"enum": ["running", "done", "error"]}
# How a data set stands; which of these there are depends on its status.
_DATASET: dict[str, Any] = {
    "status": {"enum": ["loading", "ready", "failed"]},
    "phase": {"type": "string"},
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "rows": {"type": ["integer", "null"]},
    "title": {"type": "string"},
    "fingerprint": {"type": "string"},
    "synthetic": {"type": "boolean"},
    "code": {"type": "string"},
    "reason": {"type": "string"},
}
_SCHEMAS: dict[str, Any] = {
    "Accepted": {
        "type": "object",
        "required": ["job_id"],
        "properties": {"job_id": {"type": "string", "pattern": "^job_id_[1-9][0-9]{0,17}$"}},
    },
    "Error": {
        "type": "object",
        "required": ["status", "reason"],
        "properties": {
            "status": {"const": "error"},
            "reason": {"type": "string"},
            "job_id": {"const": -1, "description": "Only where the server takes no new jobs."},
        },
    },
    "Progress": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["running", "done"]}},
    },
    "Results": {
        "oneOf": [
            {
                "type": "object",
                "required": ["status"],
                "properties": {"status": {"const": "running", "description": "Waiting for a thread, too."}},
            },
            {
                "type": "object",
                "required": ["status", "data"],
                "properties": {
                    "status": {"const": "done"},
                    "data": {"type": "object", "description": "The order of the keys is part of the answer."},
                },
            },
            {"$ref": "#/components/schemas/Error"},
        ]
    },
    "Jobs": {
        "type": "object",
        "required": ["status", "data"],
        "properties": {
            "status": {"const": "done"},
            "data": {"type": "array", "items": {"type": "object", "additionalProperties": _STATUS_WORD}},
        },
    },
    "JobCount": {
        "type": "object",
        "required": ["status", "num_jobs"],
        "properties": {"status": {"const": "done"}, "num_jobs": {"type": "integer", "minimum": 0}},
    },
    "Readiness": {
        "type": "object",
        "required": ["status", "datasets"],
        "properties": {
            "status": {"enum": ["ready", "loading", "failed", "shutting down"]},
            "datasets": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["status"],
                    "properties": _DATASET | {"questions": {"type": "integer"}},
                },
            },
        },
    },
    "Loaded": {
        "type": "object",
        "required": ["datasets"],
        "properties": {
            "v1": {
                "type": "object",
                "description": "Where the v1 API is described, if it is served.",
                "properties": {"documentation": {"type": "string"}, "openapi": {"type": "string"}},
            },
            "datasets": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "status"],
                    "properties": _DATASET
                    | {
                        "name": {"type": "string"},
                        "questions": {"type": "array", "items": {"type": "string"}},
                        "locations": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
        },
    },
}
