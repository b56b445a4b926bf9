from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime import text
from tests.support.text_cases import CASES, Case


def _column(name: str, unit: str | None, values: Sequence[float | None]) -> str:
    first = values[0]
    assert first is not None
    return text.column_format(name, unit, values)(first)


WRITERS: dict[str, Callable[..., str]] = {
    "number": text.number,
    "amount": text.amount,
    "interval": text.interval,
    "p_value": text.p_value,
    "share": text.share,
    "years": text.years,
    "column": _column,
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_number_is_written_by_the_rule(case: Case) -> None:
    arguments: list[Any] = list(case.arguments)
    assert WRITERS[case.function](*arguments) == case.written


def test_every_writer_of_numbers_has_a_case() -> None:
    assert {case.function for case in CASES} == WRITERS.keys()


def test_numbers_of_numpy_are_written_like_those_of_python() -> None:
    assert text.number(np.float64(31.05), 1) == "31.1"
    assert text.amount(np.float64(0.97), "percent") == "1.0%"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["percent", "percentage points", None]))
def test_every_finite_number_is_written_and_a_negative_one_with_a_minus_sign(value: float, unit: str | None) -> None:
    written = text.amount(value, unit)
    assert "-" not in written
    assert any(digit in written for digit in "0123456789")
    if written.startswith("−"):
        assert value < 0


@given(st.floats(1e-3, 1e12), st.floats(1e-3, 1e12))
def test_both_ends_of_an_interval_have_as_many_decimals(one: float, other: float) -> None:
    low, _, high = text.interval(min(one, other), max(one, other)).removeprefix("95% CI ").partition(" to ")
    assert len(low.partition(".")[2]) == len(high.partition(".")[2])


@given(st.floats(0, 1))
def test_a_p_value_reads_as_significant_exactly_where_it_is(p: float) -> None:
    written = text.p_value(p)
    reads = 0.0 if written.startswith("<") else 1.0 if written.startswith(">") else float(written)
    assert (reads < 0.05) == (p < 0.05)


def test_a_value_without_an_interval_stands_alone() -> None:
    assert text.with_interval(31.04, None, None, "percent") == "31.0%"
    assert text.with_interval(31.04, np.nan, np.nan, "percent") == "31.0%"


def test_a_value_and_its_interval_have_as_many_decimals() -> None:
    assert text.with_interval(9.98, 9.7, 10.31, "cups") == "10.0 cups (95% CI 9.7 to 10.3)"


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert text.listed(map(str, range(14))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 2 more"
    assert text.listed([]) == ""
    assert text.listed(["Cache, Utah", "Lake, Ohio"]) == "Cache, Utah; and Lake, Ohio"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('the "Beehive" state', '"the "Beehive" state"'),
        ("a\u00a0b", '"a\\xa0b"'),
        ("\u202etxet", '"\\u202etxet"'),
        ("\udcff\u2028", '"\\udcff\\u2028"'),
        ("x" * 201, f'"{"x" * 200}…"'),
    ],
)
def test_a_quoted_name_shows_what_cannot_be_seen_and_is_short(name: str, shown: str) -> None:
    assert text.quoted(name) == shown
    assert text.quoted(name).encode()


def test_toml_reads_back_every_character_that_is_written_as_toml() -> None:
    for each in map(chr, (*range(0x100), 0x2028, 0xFEFF, 0x1F600)):
        assert tomllib.loads(f"text = {text.toml_text(each)}") == {"text": each}


def test_a_json_pointer_escapes_what_has_a_meaning_in_it() -> None:
    assert text.json_pointer("a~b/c") == "/a~0b~1c"
    assert len(text.json_pointer("x" * 1_000_000)) == 201
