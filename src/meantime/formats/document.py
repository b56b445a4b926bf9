"""Table to a JSON document that says everything: what was asked, of what, and what the columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meantime.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A result with where it comes from."""

    statistic: str
    parameters: Mapping[str, Any]  # as checked, defaults filled in
    dataset: str  # its name
    fingerprint: str
    method_version: int
    table: Table


def encode(
    table: Table,
    *,
    statistic: str,
    parameters: Mapping[str, Any],
    dataset: str,
    fingerprint: str | None,
    method_version: int,
) -> bytes:
    """Write a table with where it comes from; each row is an object that has every column, null where there is none.

    >>> from meantime.table import Column, Kind
    >>> table = Table(columns=(Column(name="mean", kind=Kind.NUMBER, meaning="of all"),), data=([28.8],))
    >>> written = encode(table, statistic="global_mean", parameters={"question": "Q"}, dataset="d", fingerprint="f",
    ...                  method_version=1)
    >>> for part in written.decode().split(',"'):
    ...     print(part)
    {"statistic":"global_mean"
    parameters":{"question":"Q"}
    dataset":"d"
    fingerprint":"f"
    method_version":1
    columns":[{"name":"mean"
    kind":"number"
    unit":null
    meaning":"of all"}]
    rows":[{"mean":28.8}]
    notes":[]
    warnings":[]}
    """
    names = [column.name for column in table.columns]
    return dumps(
        {
            "statistic": statistic,
            "parameters": parameters,
            "dataset": dataset,
            "fingerprint": fingerprint,
            "method_version": method_version,
            "columns": [
                {"name": column.name, "kind": column.kind, "unit": column.unit, "meaning": column.meaning}
                for column in table.columns
            ],
            "rows": [dict(zip(names, row, strict=True)) for row in table.rows()],
            "notes": table.notes,
            "warnings": table.warnings,
        }
    )


def dumps(value: object) -> bytes:
    """Write JSON as all of ours is: compact, UTF-8 as it is, full doubles at their shortest, keys in their order."""
    return msgspec.json.encode(value)
