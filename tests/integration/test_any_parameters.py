"""Whatever the parameters of whichever statistic are, the request is answered or refused: never with a server error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.statistics.registry import STATISTICS
from tests.support import factories
from tests.support.web_app import OBESITY, WALKS, Served, served

_WORDS = [
    "",
    "Utah",
    "Ohio",
    "National",
    "Sex",
    "Male",
    "Total",
    "2020",
    "2018-2020",
    "2020-2018",
    "\x00",
    "é" * 300,
    "-",
]
_NUMBERS = [0, -1, 1, 10**9, -(10**9), 2**63 - 1, 2**63, -(2**63), 2**70, 1e308, -1e308, 1e-320, 0.5, 2020]
_VALUES = st.recursive(
    st.sampled_from([None, True, False, OBESITY, WALKS, *_WORDS, *_NUMBERS]) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"low": "18", "high": "33", "sample_size": 500, "unit": "%"}
    rows = [
        factories.row(OBESITY, place, str(20 + year % 7 + 3 * (group == "Male")), category="Sex", stratum=group,
                      period=(year, year), **limits)
        for place in ("Utah", "Ohio", "National")
        for year in range(2015, 2021)
        for group in ("Male", "Female")
    ]  # fmt: skip
    table = factories.snapshot(rows, polarity={OBESITY: "lower"})
    folder = tmp_path_factory.mktemp("parameters")
    with served(folder, outcomes={"table": table}, queue_limit=1_000_000) as serving:
        yield serving


@pytest.mark.parametrize("period", [-1, -(2**70), 2**70, 10**9, "-1", "1-", "9" * 400])
def test_a_year_that_cannot_be_one_is_refused(server: Served, period: object) -> None:
    for name, field in (("summary", "period"), ("estimate", "years"), ("change", "since")):
        parameters = {"question": OBESITY, field: [period] if field == "period" else period}
        asked = {"statistic": name, "parameters": parameters}
        one = server.ask("POST", "/v1/jobs", body=json.dumps(asked).encode())
        batch = server.ask("POST", "/v1/jobs/batch", body=json.dumps({"requests": [asked]}).encode())
        assert (one.status, batch.status) == (400, 400)
        assert one.json["code"] == "request-invalid"


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_parameters_are_a_server_error(server: Served, name: str, data: st.DataObject) -> None:
    names = [field.name for field in msgspec.structs.fields(STATISTICS[name].parameters)]
    parameters: dict[str, Any] = {"question": OBESITY, "category": "Sex", "stratum": "Male", "state": "Utah"}
    parameters = {field: value for field, value in parameters.items() if field in names}
    parameters |= data.draw(st.dictionaries(st.sampled_from(names), _VALUES, min_size=1, max_size=4))
    asked = {"statistic": name, "parameters": parameters}
    answer = server.ask("POST", "/v1/jobs", body=json.dumps(asked).encode())
    assert answer.status < 500, (asked, answer.body)
    query = [(field, str(each)) for field, value in parameters.items() for each in _several(value)]
    answer = server.ask("GET", f"/v1/statistics/{name}?{urlencode(query, errors='replace')}")
    assert answer.status < 500, (query, answer.body)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
