"""JSON Schemas of the answers of the classic API and the server, which types would express less briefly."""

from __future__ import annotations

from typing import Any

from meantime.web.http.endpoint import NamedSchema

_STATUS_WORD = {"enum": ["running", "done", "error"]}
# The state of a data set; which of these fields it has depends on its status.
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
ACCEPTED = NamedSchema(
    "Accepted",
    {
        "type": "object",
        "required": ["job_id"],
        "properties": {"job_id": {"type": "string", "pattern": "^job_id_[1-9][0-9]{0,17}$"}},
    },
)
ERROR = NamedSchema(
    "Error",
    {
        "type": "object",
        "required": ["status", "reason"],
        "properties": {
            "status": {"const": "error"},
            "reason": {"type": "string"},
            "job_id": {"const": -1, "description": "Only if the server is shutting down."},
        },
    },
)
PROGRESS = NamedSchema(
    "Progress",
    {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["running", "done"]}},
    },
)
RESULTS = NamedSchema(
    "Results",
    {
        "oneOf": [
            {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"const": "running", "description": "Also while the job is waiting for a thread."}
                },
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
)
JOBS = NamedSchema(
    "Jobs",
    {
        "type": "object",
        "required": ["status", "data"],
        "properties": {
            "status": {"const": "done"},
            "data": {"type": "array", "items": {"type": "object", "additionalProperties": _STATUS_WORD}},
        },
    },
)
JOB_COUNT = NamedSchema(
    "JobCount",
    {
        "type": "object",
        "required": ["status", "num_jobs"],
        "properties": {"status": {"const": "done"}, "num_jobs": {"type": "integer", "minimum": 0}},
    },
)
READINESS = NamedSchema(
    "Readiness",
    {
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
)
LOADED = NamedSchema(
    "Loaded",
    {
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
)
