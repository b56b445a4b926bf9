"""Make data with only what a test is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from meantime.dataset.cube import ABSENT, Cube, Period, ValueType
from meantime.dataset.rolling_up import roll_up
from meantime.dataset.samples import made_table
from meantime.dataset.snapshot import Polarity, QuestionMetadata, Snapshot


def row(question: str = "Q", location: str = "Utah", value: str | None = "1", **more: Any) -> dict[str, Any]:
    """One row of a table; ``value`` None is withheld. More: category, stratum, value_type, unit, period, low, high,
    sample_size, footnote, reason.
    """
    return {"question": question, "location": location, "value": value, **more}


def cube(rows: Iterable[Mapping[str, Any]]) -> Cube:
    """The cube of rows, each first made its own group."""
    rows_list = list(rows)
    reasons: dict[str, int] = {}
    footnotes: dict[str, int] = {}

    def code(known: dict[str, int], label: str | None) -> int:
        return ABSENT if label is None else known.setdefault(label, len(known))

    values = [None if r["value"] is None else Decimal(r["value"]) for r in rows_list]
    scale = max([0, *(-_exponent(v) for v in values if v is not None)])
    numbers = [None if v is None else int(v.scaleb(scale)) for v in values]
    footnote_codes = [code(footnotes, r.get("footnote")) for r in rows_list]
    reason_codes = [code(reasons, r.get("reason", "empty")) for r in rows_list if r["value"] is None]
    row_keys = [
        made_table.RowKey(
            question=r["question"],
            location=r["location"],
            category=r.get("category"),
            stratum=r.get("stratum"),
            value_type=ValueType(r.get("value_type", ""), r.get("unit", "")),
            period=Period(*r["period"]) if "period" in r else None,
        )
        for r in rows_list
    ]
    labels, keys = made_table.coded(row_keys, reasons=tuple(reasons), footnotes=tuple(footnotes))
    cells = made_table.cells_of(
        keys,
        numbers,
        low=[r.get("low", np.nan) for r in rows_list],
        high=[r.get("high", np.nan) for r in rows_list],
        sample_size=[r.get("sample_size", np.nan) for r in rows_list],
        footnotes=footnote_codes,
        reasons=reason_codes,
    )
    return roll_up(labels, cells, scale=scale)


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return min(exponent, 0)


def snapshot(
    rows: Iterable[Mapping[str, Any]],
    *,
    polarity: Mapping[str, Polarity] | None = None,
    unit: str = "percent",
) -> Snapshot:
    """A snapshot of rows, with a made-up fingerprint."""
    return snapshot_of(cube(rows), polarity=polarity, unit=unit)


def snapshot_of(rolled: Cube, *, polarity: Mapping[str, Polarity] | None = None, unit: str = "percent") -> Snapshot:
    """The same of a cube."""
    return made_table.snapshot_of(
        rolled,
        fingerprint="f" * 64,
        title="A table for a test",
        file="test.csv",
        questions=tuple(
            QuestionMetadata(text=text, unit=unit, polarity=(polarity or {}).get(text))
            for text in rolled.labels.questions
        ),
    )
