"""A result as a chart."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from meantime.charts.layout import SOURCE
from meantime.errors import NotAcceptable
from meantime.formats.registry import FORMATS, formats_of
from meantime.formats.vegalite import check_columns, check_rows, pieces, specification
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.chart_answers import answer
from tests.support.result_documents import COUNT, LOCATION, of

RANKING = answer("ranking", years="2020", better="lower")


def test_the_usual_chart_is_written_if_no_other_is_named() -> None:
    assert b"".join(pieces(RANKING)) == b"".join(pieces(RANKING, "ranking")) != b"".join(pieces(RANKING, "estimates"))
    assert json.loads(b"".join(pieces(RANKING)))["$schema"].endswith("/v6.json")


def test_a_chart_says_what_it_is_of_and_where_it_comes_from() -> None:
    spec = specification(replace(RANKING, source="The survey of soups"))
    assert spec["title"]["text"] == ["The percent of adults who eat soup at breakfast, 2020"]
    assert RANKING.table.findings[0][:40] in spec["title"]["subtitle"][0]
    assert spec["title"]["subtitle"][-1] == "Adults, 2020, 95% confidence intervals"
    [source] = [layer["mark"]["text"] for layer in spec["layer"] if layer.get("name") == SOURCE]
    assert source[0].startswith("Not shown")
    assert source[-1] == "Source: The survey of soups"
    # It identifies the numbers, and is no text for readers.
    assert RANKING.citation not in str(spec["layer"])
    assert spec["usermeta"]["citation"] == RANKING.citation


def test_a_statistic_without_a_chart_says_which_have_one() -> None:
    with pytest.raises(NotAcceptable, match=r"summary have no chart.*ranking"):
        specification(of(Table(columns=(LOCATION,), data=(["Utah"],)), statistic="summary"))
    assert set(FORMATS) - set(formats_of("summary")) == {"vl.json", "svg", "png", "pdf"}


def test_a_chart_that_there_is_not_says_which_there_are() -> None:
    with pytest.raises(NotAcceptable, match="ranking, estimates, map"):
        specification(RANKING, "pie")


def test_a_result_of_another_version_that_lacks_what_is_drawn_is_refused_and_not_a_bug() -> None:
    old = of(Table(columns=(LOCATION, COUNT), data=(["Utah"], [3])), statistic="ranking")
    with pytest.raises(NotAcceptable, match="no column 'estimate'"):
        specification(old)


def test_only_data_that_are_synthetic_are_said_to_be() -> None:
    assert "SYNTHETIC" not in str(specification(RANKING))
    assert "SYNTHETIC" in str(specification(answer("states_mean", synthetic=True))["title"])


def test_another_chart_is_asked_of_a_form_that_is_one() -> None:
    form = FORMATS["vl.json"]
    usual, other = (b"".join(each.pieces(RANKING)) for each in (form, form.with_chart("estimates")))
    assert usual != other
    assert FORMATS["csv"].with_chart("estimates") is FORMATS["csv"]


def test_whether_a_chart_has_its_columns_is_seen_before_there_is_a_result() -> None:
    distribution = STATISTICS["distribution"]
    figures = distribution.parameters(question="Q", show="figures")
    check_columns("distribution", distribution.columns)
    with pytest.raises(NotAcceptable, match="no column 'estimate'"):
        check_columns("distribution", distribution.columns_of(figures))
    with pytest.raises(NotAcceptable, match="summary have no chart"):
        check_columns("summary", STATISTICS["summary"].columns)


@pytest.mark.parametrize(
    ("rows", "locations", "is_refused"), [(5_000, 55, False), (5_001, 55, True), (9_000, 500, False)]
)
def test_too_many_marks_are_seen_before_there_is_a_result_unless_a_chart_shows_some_of_the_locations(
    rows: int, locations: int, is_refused: bool
) -> None:
    with pytest.raises(NotAcceptable, match="5,001 rows") if is_refused else nullcontext():
        check_rows(rows, locations)
