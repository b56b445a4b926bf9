"""A value of the wrong type is refused in a sentence, for every parameter of every statistic."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from meantime.statistics.parameters import item_of, read
from meantime.statistics.registry import STATISTICS
from tests.support.answers import refused

WRONG: tuple[Any, ...] = (
    *(None, True, 7, 0, -1, 0.5, 1e300, 10**30, float("nan"), "nonsense", "", {}, {"a": 1}),
    *([], [None], ["nonsense", 7, None], [[1]], [True], [-1], [{}], list(range(5000)), ["nonsense"] * 5000),
)
EVERY = [
    (name, field) for name, statistic in STATISTICS.items() for field in msgspec.structs.fields(statistic.parameters)
]
SENTENCE = re.compile(
    r'(The \d+(st|nd|rd|th) value of )?"\w+" must be '
    r"(a text|a list|a list of at most [\d,]+ values|true or false|one of [\w, ]+|a (whole )?number"
    r"( (from|above) [\d.,]+)?( (to|and below) [\d.,]+)?|a year such as 2020, or a text that names several"
    r"|a year such as 2020, or the first and the last year of a span: 2018-2020)(, or null)?"
    r'(, not (".*"|-?[\d.e+-]+|one of [\d,]+|a number|a list|an object|null|true or false))?\.'
    r"( Did you mean .*\?)?"
)


@pytest.mark.parametrize(("name", "field"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_what_is_wrong_with_a_parameter_is_said_in_a_sentence(name: str, field: msgspec.structs.FieldInfo) -> None:
    seen = []
    for value in WRONG:
        _, problems = read(name, STATISTICS[name].parameters, {field.name: value}, refuse_unknown=False)
        own = [each for each in problems if each.pointer.split("/")[1] == field.name and each.code == "type"]
        seen += [each.detail for each in own]
        for each in own:
            assert SENTENCE.fullmatch(each.detail), each.detail
            assert each.pointer == f"/{field.name}" or item_of(field.type) is not None
    assert seen, f"nothing is wrong for {name}.{field.name}"
    assert not any(re.search(r"`|Expected|\b(str|int|float|array)\b", detail) for detail in seen)


@pytest.mark.parametrize(
    ("statistic", "raw", "detail"),
    [
        ("summary", {"limit": "ten"}, '"limit" must be a whole number from 1 to 1,000,000, or null, not "ten".'),
        ("summary", {"limit": 0}, '"limit" must be a whole number from 1 to 1,000,000, or null, not 0.'),
        ("summary", {"limit": 10**30}, '"limit" must be a whole number from 1 to 1,000,000, or null, not a number.'),
        (
            "summary",
            {"by": ["period", "colour"]},
            'The 2nd value of "by" must be one of category, location, period, stratum, not "colour".',
        ),
        ("summary", {"by": "period"}, '"by" must be a list of at most 4 values, not "period".'),
        ("summary", {"quantiles": [0.1] * 102}, '"quantiles" must be a list of at most 101 values, not one of 102.'),
        (
            "summary",
            {"quantiles": [0.1, 0.2, 1.5]},
            'The 3rd value of "quantiles" must be a number from 0 to 1, not 1.5.',
        ),
        ("detectable", {"power": 1}, '"power" must be a number above 0.05 and below 1, not 1.'),
        ("comparison", {"margin": 0}, '"margin" must be a number above 0, or null, not 0.'),
        ("comparison", {"contains": "yes"}, '"contains" must be true or false, or null, not "yes".'),
        (
            "ranking",
            {"better": "lowr"},
            '"better" must be one of higher, lower, or null, not "lowr". Did you mean "lower"?',
        ),
        (
            "estimate",
            {"years": [2019]},
            '"years" must be a year such as 2020, or a text that names several, not a list.',
        ),
        ("estimate", {"weights": {}}, '"weights" must be one of equal, sample_size, effective_size, not an object.'),
        ("estimate", {"locations": [None]}, 'The 1st value of "locations" must be a text, not null.'),
    ],
)
def test_a_wrong_value_is_quoted_with_what_it_must_be(statistic: str, raw: dict[str, Any], detail: str) -> None:
    [problem] = refused(statistic, {"question": "Q", **raw}, None)
    assert problem.code == "type"
    assert problem.detail == detail
