"""A table in JSON becomes a text file: rows as objects or lists, or a cube in JSON-stat 2.

Numbers keep their digits. A row has the number of its object, counted from 2, as if the names were the first line.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from meantime.dataset.reading.arrangement import free_name
from meantime.dataset.reading.columns import STRATA, YEARS
from meantime.errors import SourceUnreadable

# More values than these are no table that somebody publishes as JSON-stat, but a number that was written as a size.
_MOST_VALUES = 50_000_000
_STAT_ROLES = {"geo": ("location",), "time": YEARS, "metric": ("question",)}


@dataclass(frozen=True, slots=True)
class JsonTable:
    """What a file in JSON says beside its rows."""

    roles: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


class _Rows(NamedTuple):
    columns: Sequence[str]
    rows: Iterator[Sequence[object]]
    about: JsonTable = JsonTable()


def begins_like_json(head: bytes) -> bool:
    """Whether a file begins with an object or a list of objects or lists.

    >>> begins_like_json(b' [{"a": 1}]'), begins_like_json(b'{"value": []}'), begins_like_json(b"[a],b")
    (True, True, False)
    """
    start = head.removeprefix(b"\xef\xbb\xbf").split()
    text = b"".join(start[:2])[:2]
    return text[:1] in (b"{", b"[") and text[1:2] in (b'"', b"{", b"[")


def read_json(path: Path, into: Path, *, name: str) -> JsonTable:
    """Write the table to ``into`` as CSV, and return what the file says of it.

    Raises:
        SourceUnreadable: it is not JSON, or has no rows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = _table(_decoded(text))
    except RecursionError as error:
        raise SourceUnreadable(f"{name} is nested too deeply to be a table.") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SourceUnreadable(f"{name} begins like JSON but cannot be read as a table in it ({error}).") from error
    if table is None:
        raise SourceUnreadable(
            f"{name} is JSON without rows that Meantime knows: a list of objects or of lists, an object with one "
            "such list, or JSON-stat 2. Save its table in one of these forms, or as CSV."
        )
    with into.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        # Text on one line, so that lines have the numbers of the rows.
        writer.writerows([" ".join(_text(value).splitlines()) for value in row] for row in table.rows)
    return table.about


def _decoded(text: str) -> Any:
    options: dict[str, Any] = {"parse_float": str, "parse_int": str}
    try:
        return json.loads(text, **options)
    except ValueError:
        # An object a line.
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line, **options) for line in lines]


def _table(content: Any) -> _Rows | None:
    if isinstance(content, dict):
        if content.get("class") == "dataset" and "dimension" in content:
            return _from_json_stat(content)
        if columns := _socrata_columns(content):
            return _Rows(columns, iter(content["data"]))
        rows = (each for each in content.values() if isinstance(each, list) and each)
        lists = [each for each in rows if isinstance(each[0], dict | list)]
        return _table(lists[0]) if len(lists) == 1 else None
    if not isinstance(content, list) or not content:
        return None
    if all(isinstance(each, dict) for each in content):
        columns = list(dict.fromkeys(itertools.chain.from_iterable(content)))
        return _Rows(columns, ([row.get(column) for column in columns] for row in content))
    if all(isinstance(each, list) for each in content) and all(isinstance(each, str) for each in content[0]):
        return _Rows(content[0], iter(content[1:]))
    return None


def _socrata_columns(content: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns in the ``rows.json`` of a Socrata portal; none if it is not one."""
    try:
        return [column["name"] for column in content["meta"]["view"]["columns"]] if "data" in content else []
    except (KeyError, TypeError):
        return []


def _from_json_stat(content: Mapping[str, Any]) -> _Rows:
    ids, sizes = list(content["id"]), [int(size) for size in content["size"]]
    if prod(sizes) > _MOST_VALUES or min(sizes) < 0:
        raise ValueError(f"it says that it has {prod(sizes):,} values")
    dimensions = [content["dimension"][each] for each in ids]
    names = _different([str(of.get("label") or each) for each, of in zip(ids, dimensions, strict=True)])
    labels = [_labels(of) for of in dimensions]
    if [len(each) for each in labels] != sizes:
        raise ValueError("its sizes are not those of its dimensions")
    value, status = _at(content["value"]), _at(content.get("status") or {})
    kinds = {each: kind for kind, members in (content.get("role") or {}).items() for each in members}
    units = _units(dimensions[ids.index(metric)]) if (metric := _only(kinds, "metric")) in ids else []
    roles = {"value": _different([*names, "Value"])[-1]}
    # Of the dimensions that divide the numbers further.
    divisions = iter(STRATA)
    for each, name, size in zip(ids, names, sizes, strict=True):
        for role in _STAT_ROLES.get(kinds.get(each, ""), ()):
            roles.setdefault(role, name)
        if each not in kinds and size > 1 and (role := next(divisions, "")):
            roles[role] = name

    def rows() -> Iterator[Sequence[object]]:
        for at, place in enumerate(itertools.product(*map(range, sizes))):
            unit = [units[place[ids.index(metric)]]] if units else []
            said = status(at)
            if value(at) is not None or said:
                yield [*(of[position] for of, position in zip(labels, place, strict=True)), value(at), said, *unit]

    added = ["Value", "Status", *(["Unit"] if units else [])]
    columns = _different([*names, *added])
    roles["footnote_symbol"] = columns[len(names) + 1]
    return _Rows(columns, rows(), JsonTable(roles, str(content.get("label") or "")))


def _members(dimension: Mapping[str, Any]) -> list[str]:
    """Return the names of what a dimension has, in the order of the values."""
    category = dimension["category"]
    index = category.get("index") or list(category.get("label") or {})
    return sorted(index, key=lambda each: int(index[each])) if isinstance(index, dict) else index


def _labels(dimension: Mapping[str, Any]) -> list[str]:
    named = dimension["category"].get("label") or {}
    return [str(named.get(each, each)) for each in _members(dimension)]


def _units(dimension: Mapping[str, Any]) -> list[str]:
    units = dimension["category"].get("unit") or {}
    of_members = [units.get(each) or {} for each in _members(dimension)]
    texts = [str(unit.get("base") or unit.get("label") or "") for unit in of_members]
    return texts if any(texts) else []


def _only(kinds: Mapping[str, str], kind: str) -> str:
    found = [each for each, of in kinds.items() if of == kind]
    return found[0] if len(found) == 1 else ""


def _at(values: Any) -> Any:
    """Return a function of the position: values are a list, an object by position, or one for all."""
    if isinstance(values, list):
        return lambda at: values[at] if at < len(values) else None
    if isinstance(values, dict):
        return lambda at: values.get(str(at))
    return lambda _: values


def _different(names: Sequence[str]) -> list[str]:
    different: list[str] = []
    for each in names:
        different.append(free_name(each, different))
    return different


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
