"""The classic shapes: keys, order and numbers as they are encoded."""

from __future__ import annotations

import msgspec
import pytest

from meantime.formats import classic_json
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.factories import row, snapshot

TABLE = snapshot(
    [
        row(location="Utah", value="0.3", category="Sex", stratum="Male"),
        row(location="Coeur d'Alène", value="0.1", category="Age (years)", stratum='18 - "24"'),
        row(location="Coeur d'Alène", value="0.1", category="Sex"),
    ],
    polarity={"Q": "lower"},
)
ASKED = {"question": "Q", "state": "Coeur d'Alène"}


def encoded(name: str) -> str:
    table = STATISTICS[name].answer(TABLE, msgspec.convert(ASKED, STATISTICS[name].parameters))
    return classic_json.encode(name, table, ASKED).decode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("states_mean", """{"Coeur d'Alène":0.1,"Utah":0.3}"""),
        ("state_mean", """{"Coeur d'Alène":0.1}"""),
        ("best5", """{"Coeur d'Alène":0.1,"Utah":0.3}"""),
        ("worst5", """{"Utah":0.3,"Coeur d'Alène":0.1}"""),
        ("global_mean", '{"global_mean":0.16666666666666666}'),
        ("diff_from_mean", """{"Coeur d'Alène":0.06666666666666667,"Utah":-0.13333333333333333}"""),
        ("state_diff_from_mean", """{"Coeur d'Alène":0.06666666666666667}"""),
        (
            "mean_by_category",
            r"""{"(\"Coeur d'Alène\", 'Age (years)', '18 - \"24\"')":0.1,"(\"Coeur d'Alène\", 'Sex', '')":0.1,"""
            """"('Utah', 'Sex', 'Male')":0.3}""",
        ),
        (
            "state_mean_by_category",
            r"""{"Coeur d'Alène":{"('Age (years)', '18 - \"24\"')":0.1,"('Sex', '')":0.1}}""",
        ),
    ],
)
def test_each_statistic_has_its_shape_to_the_byte(name: str, data: str) -> None:
    assert encoded(name) == data


def test_a_state_none_of_whose_rows_has_a_category_is_there_with_nothing() -> None:
    table = snapshot([row()])
    statistic = STATISTICS["state_mean_by_category"]
    raw = {"question": "Q", "state": "Utah"}
    computed = statistic.answer(table, msgspec.convert(raw, statistic.parameters))
    assert classic_json.encode("state_mean_by_category", computed, raw) == b'{"Utah":{}}'


def test_a_statistic_that_is_not_one_of_the_nine_has_no_classic_shape() -> None:
    with pytest.raises(KeyError):
        classic_json.encode("no_such", Table(columns=(), data=()), {})
