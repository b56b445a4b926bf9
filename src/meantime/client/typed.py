"""Parameters from a command line: there all is text, and the statistic's JSON Schema says what it is to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

Schema = Mapping[str, Any]


def parameters(texts: Mapping[str, Sequence[str]], schema: Schema) -> dict[str, Any]:
    """Make values of texts; a name may come several times, for a list. Whether they are right, the check says.

    >>> schema = {"type": "object", "properties": {
    ...     "question": {"type": "string"}, "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    ...     "quantiles": {"type": "array", "items": {"type": "number"}}}}
    >>> parameters({"question": ["7"], "limit": ["10"], "quantiles": ["0.5", "0.9"]}, schema)
    {'question': '7', 'limit': 10, 'quantiles': [0.5, 0.9]}

    A schema may give a choice, by name too:

    >>> schema = {"$ref": "#/$defs/Summary", "$defs": {
    ...     "Summary": {"properties": {"by": {"type": "array", "items": {"enum": ["location", "1"]}},
    ...                                "period": {"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/Span"}]}}},
    ...     "Span": {"type": "string"}}}
    >>> parameters({"by": ["1"], "period": ["2018"]}, schema)
    {'by': ['1'], 'period': '2018'}

    What is no such thing stays text, and what has no such name too:

    >>> parameters({"limit": ["ten"], "lmit": ["10"]}, schema)
    {'limit': 'ten', 'lmit': '10'}
    """
    definitions = schema.get("$defs", {})
    of_all = [kind for kind in _alternatives(schema, definitions) if "properties" in kind]
    properties: Schema = of_all[0]["properties"] if of_all else {}
    return {name: _value(given, properties.get(name, {}), definitions) for name, given in texts.items()}


def _value(given: Sequence[str], schema: Schema, definitions: Schema) -> Any:
    lists = [kind for kind in _alternatives(schema, definitions) if kind.get("type") == "array"]
    item = lists[0].get("items", {}) if lists else schema
    values = [_one(text, item, definitions) for text in given]
    return values if lists or len(values) > 1 else values[0]


def _one(text: str, schema: Schema, definitions: Schema) -> Any:
    if any(_is_text(kind) for kind in _alternatives(schema, definitions)):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _is_text(kind: Schema) -> bool:
    if "enum" in kind:
        return any(isinstance(each, str) for each in kind["enum"])
    return bool(kind.get("type", "string") == "string")


def _alternatives(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    """Go through what a value may be, references followed."""
    if "$ref" in schema:
        yield from _alternatives(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in schema or "oneOf" in schema:
        for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _alternatives(each, definitions)
    else:
        yield schema
