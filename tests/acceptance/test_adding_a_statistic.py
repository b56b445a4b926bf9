"""A statistic is added by one file in ``families`` and its page; everything else finds it there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meantime import Client
from tests.support.added_statistic import MeantimeWithExcess
from tests.support.excess import STATISTIC
from tests.support.server_process import RunningServer
from tests.support.statistic_pages import assert_documented, page_of

OBESITY = "Percent of adults aged 18 years and older who have obesity"


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> MeantimeWithExcess:
    return MeantimeWithExcess(tmp_path_factory.mktemp("added"))


@pytest.fixture(scope="module")
def server(added: MeantimeWithExcess) -> Iterator[RunningServer]:
    with added.serving() as running:
        yield running


def test_the_api_lists_describes_and_answers_it(server: RunningServer) -> None:
    listed = server.client.get("/v1/statistics").json()["statistics"]
    assert listed[-1]["name"] == "excess"
    described = server.client.get("/v1/statistics/excess").json()
    assert "threshold" in json.dumps(described["parameters"])
    params = {"question": OBESITY, "threshold": "33"}
    answer = server.client.get("/v1/statistics/excess", params=params).json()
    assert answer["columns"][-1]["name"] == "excess"
    assert answer["findings"][0].endswith(" locations are above 33.0.")
    job = server.client.post(
        "/v1/jobs", json={"statistic": "excess", "parameters": {"question": OBESITY, "threshold": 33}}
    )
    assert job.status_code == 202


def test_its_chart_is_drawn(server: RunningServer) -> None:
    chart = server.client.get("/v1/statistics/excess.vl.json", params={"question": OBESITY})
    assert chart.status_code == 200
    assert "layer" in json.dumps(chart.json())


def test_the_openapi_document_has_its_parameters(server: RunningServer) -> None:
    schemas: dict[str, Any] = server.client.get("/v1/openapi.json").json()["components"]["schemas"]
    assert "threshold" in schemas["Excess"]["properties"]


def test_a_row_of_it_is_explained_with_a_program_and_leads_to_the_rows_of_the_file(server: RunningServer) -> None:
    params = {"question": OBESITY, "row": "0"}
    explanation = server.client.get("/v1/statistics/excess/explanation", params=params).json()
    assert explanation["steps"][-1]["text"] == "The threshold is subtracted."
    assert "own_value - 30.0" in json.dumps(explanation)
    rows = server.client.get("/v1/statistics/excess/rows", params=params).json()
    assert len(rows["rows"]) == 1


def test_the_client_asks_it(server: RunningServer) -> None:
    with Client(server.url) as client:
        assert client.statistics["excess"].help == STATISTIC.help
        assert client.ask("excess", question=OBESITY, threshold=33.0).findings


def test_the_command_line_asks_it_of_a_file_and_of_a_server(added: MeantimeWithExcess, server: RunningServer) -> None:
    for source in (("--data", str(added.sample)), ("--url", server.url)):
        command = added.run(
            "ask", "excess", "--question", OBESITY, "--parameter", "threshold=33", *source, "--format", "json"
        )
        assert command.returncode == 0, command.stderr
        assert json.loads(command.stdout)["statistic"] == "excess"


def test_the_documentation_check_names_it_until_it_has_a_page(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"excess is not documented: there is no docs/statistics/excess\.md"):
        assert_documented(STATISTIC, tmp_path)
    page = tmp_path / page_of(STATISTIC)
    page.write_text("# excess\n\n**How far is each location above a value?**\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"does not describe the parameters \['threshold'\] of excess"):
        assert_documented(STATISTIC, tmp_path)
    page.write_text("# excess\n\nEstimate minus `threshold`.\n", encoding="utf-8")
    assert_documented(STATISTIC, tmp_path)
