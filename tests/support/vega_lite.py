"""What the schema of Vega-Lite allows. Altair brings it, and would take a thousand times as long to look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs


def assert_layers(spec: Mapping[str, Any]) -> None:
    """Claim that this is a specification of layers, as whoever reads its JSON sees it."""
    _schema().validate(json.loads(json.dumps(spec)))


@cache
def _schema() -> jsonschema_rs.Validator:
    altair = find_spec("altair")
    assert altair is not None
    [folder] = altair.submodule_search_locations or []
    [path] = Path(folder).glob("vegalite/*/schema/vega-lite-schema.json")
    whole = json.loads(path.read_text(encoding="utf-8"), object_hook=_with_an_address)
    return jsonschema_rs.validator_for({**whole, "$ref": "#/definitions/TopLevelLayerSpec"})


def _with_an_address(part: dict[str, Any]) -> dict[str, Any]:
    """Quote what a reference may not contain: the schema names definitions as TypeScript does, `Dict<string>`."""
    reference = part.get("$ref")
    return {**part, "$ref": quote(reference, safe="#/")} if isinstance(reference, str) else part
