"""Parameters from a command line, where everything is text: the statistic's JSON Schema tells what each value is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

Schema = Mapping[str, Any]


def parameters(texts: Mapping[str, Sequence[str]], schema: Schema) -> dict[str, Any]:
    """Convert texts to values. A name may be repeated for a list. Whether the values are right is checked later.

    >>> schema = {"type": "object", "properties": {
    ...     "question": {"type": "string"}, "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    ...     "quantiles": {"type": "array", "items": {"type": "number"}}}}
    >>> parameters({"question": ["7"], "limit": ["10"], "quantiles": ["0.5", "0.9"]}, schema)
    {'question': '7', 'limit': 10, 'quantiles': [0.5, 0.9]}

    A schema may have alternatives and references:

    >>> schema = {"$ref": "#/$defs/Summary", "$defs": {
    ...     "Summary": {"properties": {"by": {"type": "array", "items": {"enum": ["location", "1"]}},
    ...                                "period": {"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/Span"}]}}},
    ...     "Span": {"type": "string"}}}
    >>> parameters({"by": ["1"], "period": ["2018"]}, schema)
    {'by': ['1'], 'period': '2018'}

    What does not fit the schema stays text, and so does what it does not name:

    >>> parameters({"limit": ["ten"], "lmit": ["10"]}, schema)
    {'limit': 'ten', 'lmit': '10'}
    """
    definitions = schema.get("$defs", {})
    objects = [kind for kind in _alternatives(schema, definitions) if "properties" in kind]
    properties: Schema = objects[0]["properties"] if objects else {}
    return {name: _value(each, properties.get(name, {}), definitions) for name, each in texts.items()}


# Parameters whose values are texts or years in every statistic.
_OF_TEXTS = frozenset(
    {"question", "state", "location", "locations", "reference", "category", "stratum", "years", "period"}
)


def plain(texts: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return the values where each is a text for sure, so that no schema is needed; otherwise None.

    >>> plain({"question": ["naps"], "years": ["2019"], "locations": ["Ohio", "Utah"]})
    {'question': 'naps', 'years': '2019', 'locations': ['Ohio', 'Utah']}
    >>> plain({"question": ["naps"], "limit": ["10"]})
    """
    for name, each in texts.items():
        if name not in _OF_TEXTS and any(_single_value(text, {"type": "any"}, {}) is not text for text in each):
            return None
    return {name: each[0] if len(each) == 1 else list(each) for name, each in texts.items()}


def _value(texts: Sequence[str], schema: Schema, definitions: Schema) -> Any:
    lists = [kind for kind in _alternatives(schema, definitions) if kind.get("type") == "array"]
    item = lists[0].get("items", {}) if lists else schema
    values = [_single_value(text, item, definitions) for text in texts]
    return values if lists or len(values) > 1 else values[0]


def _single_value(text: str, schema: Schema, definitions: Schema) -> Any:
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
    """Iterate over the schemas that a value may satisfy, with references resolved."""
    if "$ref" in schema:
        yield from _alternatives(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in schema or "oneOf" in schema:
        for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _alternatives(each, definitions)
    else:
        yield schema
