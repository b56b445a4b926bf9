"""Make data with only what a test is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from meantime.dataset.cube import ABSENT, Cells, Cube, Labels, Moments, Period, ValueType, exact, roll_up
from meantime.dataset.snapshot import About, Polarity, QuestionMetadata, Snapshot


def row(question: str = "Q", location: str = "Utah", value: str | None = "1", **more: Any) -> dict[str, Any]:
    """One row of a table; ``value`` None is withheld. More: category, stratum, value_type, unit, period, low, high,
    sample_size, footnote, reason.
    """
    return {"question": question, "location": location, "value": value, **more}


def cube(rows: Iterable[Mapping[str, Any]]) -> Cube:
    """The cube of rows, each first made its own group."""
    rows_list = list(rows)
    places: dict[str, dict[Any, int]] = {
        name: {} for name in ("questions", "locations", "categories", "strata", "value_types", "periods")
    }
    reasons: dict[str, int] = {}
    footnotes: dict[str, int] = {}

    def code(name: dict[Any, int], label: Any) -> int:
        return ABSENT if label is None else name.setdefault(label, len(name))

    values = [None if r["value"] is None else Decimal(r["value"]) for r in rows_list]
    scale = max([0, *(-_exponent(v) for v in values if v is not None)])
    numbers = [0 if v is None else int(v.scaleb(scale)) for v in values]
    keys = [
        [
            code(places["questions"], r["question"]),
            code(places["locations"], r["location"]),
            code(places["categories"], r.get("category")),
            code(places["strata"], r.get("stratum")),
            code(places["value_types"], ValueType(r.get("value_type", ""), r.get("unit", ""))),
            code(places["periods"], Period(*r["period"]) if "period" in r else None),
        ]
        for r in rows_list
    ]
    withheld = [index for index, value in enumerate(values) if value is None]
    reason_codes = [code(reasons, rows_list[index].get("reason", "empty")) for index in withheld]
    count = np.array([value is not None for value in values], dtype=np.int64)
    cells = Cells(
        keys=np.array(keys, dtype=np.int64).reshape(len(rows_list), 6),
        moments=Moments(
            count=count,
            total=exact(numbers),
            squares=exact([n * n for n in numbers]),
            minimum=exact(numbers),
            maximum=exact(numbers),
            withheld=1 - count,
        ),
        low=np.array([r.get("low", np.nan) for r in rows_list], dtype=np.float64),
        high=np.array([r.get("high", np.nan) for r in rows_list], dtype=np.float64),
        sample_size=np.array([r.get("sample_size", np.nan) for r in rows_list], dtype=np.float64),
        footnote=np.array([code(footnotes, r.get("footnote")) for r in rows_list], dtype=np.int64),
        withheld_cell=np.array(withheld, dtype=np.int64),
        withheld_reason=np.array(reason_codes, dtype=np.int64),
        withheld_count=np.ones(len(withheld), dtype=np.int64),
    )
    labels = Labels(
        **{name: tuple(known) for name, known in places.items()},
        reasons=tuple(reasons),
        footnotes=tuple(footnotes),
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
    return Snapshot(
        fingerprint="f" * 64,
        cube=rolled,
        about=About(
            title="A table for a test",
            synthetic=False,
            roles={"question": "Question", "location": "LocationDesc", "value": "Data_Value"},
            columns=("Question", "LocationDesc", "Data_Value"),
            questions=tuple(
                QuestionMetadata(text=text, unit=unit, polarity=(polarity or {}).get(text))
                for text in rolled.labels.questions
            ),
            rows=rolled.rows,
            rejected_total=0,
            rejected=(),
            files=("test.csv",),
            encoding="utf-8",
            delimiter=",",
            decimal_mark=".",
        ),
    )
