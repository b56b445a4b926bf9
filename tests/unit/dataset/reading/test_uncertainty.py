"""A table may publish limits, standard errors, margins of error, coefficients of variation or variances: the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scipy import special

from meantime.dataset.snapshot import Snapshot
from meantime.errors import DescriptionInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.examples import one_case_in
from tests.support.table_files import read, write
from tests.support.whole import whole

# The columns after the value, of a value and its standard error.
Form = Callable[[float, float], tuple[float, ...]]

Z = float(special.ndtri(0.975))
Z90 = float(special.ndtri(0.95))
PERCENTS = {"Ohio": (35.4, 1.02), "Utah": (29.8, 1.31), "Iowa": (4.2, 0.55), "Maine": (91.7, 0.8)}
RATES = {"Ohio": (880.5, 9.5), "Utah": (611.0, 21.0), "Iowa": (702.4, 14.2)}


def logit_limits(value: float, se: float, z: float = Z) -> tuple[float, float]:
    center, half = special.logit(value / 100), z * se / (value * (1 - value / 100))
    return float(100 * special.expit(center - half)), float(100 * special.expit(center + half))


def linear_limits(value: float, se: float, z: float = Z) -> tuple[float, float]:
    return value - z * se, value + z * se


def table(
    folder: Path, name: str, header: str, write_cells: Callable[[float, float], tuple[float, ...]], **of: Any
) -> Snapshot:
    """A table whose columns after the value are what is published of the standard error."""
    values, unit = of.get("values", PERCENTS), of.get("unit", "%")
    lines = [f"Question,LocationDesc,Unit,Value,{header}"]
    for location, (value, se) in values.items():
        cells = ",".join(f"{number:.6f}" for number in write_cells(value, se))
        lines.append(f"Q,{location},{unit},{value},{cells}" + of.get("more", ""))
    inside = folder / name
    inside.mkdir()
    if "toml" in of:
        write(inside, of["toml"], "table.csv.toml")
    return read(write(inside, "\n".join((*lines, ""))))


def compared(of: Snapshot) -> Table:
    statistic = STATISTICS["comparison"]
    return statistic.answer(of, msgspec.convert({"question": "Q", "reference": "Ohio"}, statistic.parameters))


FORMS: list[tuple[str, Form]] = [
    ("SE", lambda _, se: (se,)),
    ("Standard Error", lambda _, se: (se,)),
    ("MOE", lambda _, se: (Z * se,)),
    ("Margin of error (90%)", lambda _, se: (Z90 * se,)),
    ("90% MOE", lambda _, se: (Z90 * se,)),
    ("CV", lambda v, se: (100 * se / v,)),
    ("Relative standard error (%)", lambda v, se: (100 * se / v,)),
    ("Coefficient of variation", lambda v, se: (se / v,)),
    ("Variance", lambda _, se: (se**2,)),
]


TABLES = [(PERCENTS, "%", logit_limits), (RATES, "rate", linear_limits)]


@pytest.fixture(scope="module")
def answers_with_limits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    """The answers of tables that publish limits, by unit."""
    folder = tmp_path_factory.mktemp("limits")
    return {
        unit: compared(table(folder, str(index), "Lower CI,Upper CI", limits, values=values, unit=unit))
        for index, (values, unit, limits) in enumerate(TABLES)
    }


@pytest.mark.parametrize(("header", "cells"), FORMS, ids=[header for header, _ in FORMS])
@pytest.mark.parametrize(
    ("values", "unit"), one_case_in(2, [(values, unit) for values, unit, _ in TABLES]), ids=["%", "rate"]
)
def test_the_answers_are_those_of_the_same_table_with_limits(
    tmp_path: Path, header: str, cells: Any, values: Any, unit: str, answers_with_limits: dict[str, Table]
) -> None:
    of_limits = answers_with_limits[unit]
    snapshot = table(tmp_path, "other", header, cells, values=values, unit=unit)
    other = compared(snapshot)
    numbers = [column.name for column in other.columns if column.kind == "number"]
    assert "difference" in numbers
    assert "p_adjusted" in numbers
    words = {"standard": "standard errors", "se": "standard errors", "variance": "variances"}
    published = words.get(header.split()[0].casefold(), "margins of error" if "M" in header else "coefficients")
    assert any(f"published {published}" in note for note in other.notes)
    assert not any("published limits" in note for note in other.notes)
    for name in numbers:
        pairs = zip(other.column(name), of_limits.column(name), strict=True)
        assert all(one == expected or one == pytest.approx(expected, rel=1e-4, abs=1e-6) for one, expected in pairs), (
            name
        )
    assert other.column("difference_low")[0] is not None


LEVELS = [
    ("Lower 90% CI,Upper 90% CI", Z90, {}),
    ("CI lower,CI upper", Z90, {"toml": "level = 90\n"}),
    ("CI lower,CI upper", float(special.ndtri(0.995)), {"toml": "level = 99\n"}),
    ("99% CI lower,99% CI upper", float(special.ndtri(0.995)), {}),
]


@pytest.mark.parametrize(("header", "z", "more"), one_case_in(2, LEVELS))
@pytest.mark.parametrize(("values", "unit", "limits"), TABLES)
def test_limits_of_another_level_are_converted(
    tmp_path: Path, header: str, z: float, more: Any, values: Any, unit: str, limits: Any
) -> None:
    snapshot = table(tmp_path, "a", header, lambda v, se: limits(v, se, z), values=values, unit=unit, **more)
    expected = [limits(*values[name]) for name in snapshot.cube.labels.locations]
    assert whole(snapshot.cube).cells.low.tolist() == pytest.approx([low for low, _ in expected], rel=1e-4)
    assert whole(snapshot.cube).cells.high.tolist() == pytest.approx([high for _, high in expected], rel=1e-4)


def test_limits_that_are_even_on_the_linear_scale_stay_even_there(tmp_path: Path) -> None:
    snapshot = table(tmp_path, "a", "Lower 90% CI,Upper 90% CI", lambda v, se: linear_limits(v, se, Z90))
    cells = whole(snapshot.cube).cells
    values = cells.moments.means(snapshot.cube.scale)
    assert (cells.low + cells.high).tolist() == pytest.approx((2 * values).tolist(), rel=1e-5)


def test_the_american_community_survey_publishes_90_percent_margins(tmp_path: Path) -> None:
    source = ",American Community Survey 2022"
    acs = table(tmp_path, "acs", "MOE,Source", lambda _, se: (Z90 * se,), more=source)
    plain = table(tmp_path, "se", "SE,Source", lambda _, se: (se,), more=source)
    assert whole(acs.cube).cells.low.tolist() == pytest.approx(whole(plain.cube).cells.low.tolist(), rel=1e-4)
    assert any("90% intervals" in warning and "American Community Survey" in warning for warning in acs.about.warnings)
    # What people write comes first.
    by_hand = table(tmp_path, "own", "MOE,Source", lambda _, se: (Z * se,), more=source, toml="level = 95\n")
    assert whole(by_hand.cube).cells.low.tolist() == pytest.approx(whole(plain.cube).cells.low.tolist(), rel=1e-4)


def test_a_margin_of_unknown_level_is_taken_for_95_percent_with_a_warning(tmp_path: Path) -> None:
    [warning] = table(tmp_path, "a", "MOE", lambda _, se: (Z * se,)).about.warnings
    assert '"MOE" is not given; 95% is assumed' in warning
    assert not table(tmp_path, "b", "95% MOE", lambda _, se: (Z * se,)).about.warnings


def test_a_cv_as_a_ratio_is_told(tmp_path: Path) -> None:
    [warning] = table(tmp_path, "a", "CV", lambda v, se: (se / v,)).about.warnings
    assert "read as ratios" in warning


def test_limits_come_before_what_else_there_is_and_a_row_without_them_has_the_rest(tmp_path: Path) -> None:
    header = "Question,LocationDesc,Unit,Value,Lower CI,Upper CI,SE"
    lines = "Q,Ohio,%,30,28,32.1,9", "Q,Utah,%,30,,,1", "Q,Iowa,%,0,,,1"
    cells = whole(read(write(tmp_path, "\n".join((header, *lines, "")))).cube).cells
    assert cells.low.tolist() == pytest.approx([0.0, 28.0, logit_limits(30, 1)[0]])
    assert cells.high.tolist() == pytest.approx([Z, 32.1, logit_limits(30, 1)[1]])


@pytest.mark.parametrize("se", ["0", "-1", "none", ""])
def test_what_is_no_standard_error_gives_no_limits(tmp_path: Path, se: str) -> None:
    cells = whole(read(write(tmp_path, f"Question,LocationDesc,Unit,Value,SE\nQ,Ohio,%,30,{se}\n")).cube).cells
    assert math.isnan(cells.low[0])
    assert math.isnan(cells.high[0])


@pytest.mark.parametrize("level", ['"90"', "0.9", "100", "true"])
def test_a_level_that_is_none_is_refused(tmp_path: Path, level: str) -> None:
    write(tmp_path, f"level = {level}\n", "table.csv.toml")
    with pytest.raises(DescriptionInvalid, match="level must be a number of percent"):
        read(write(tmp_path, "Question,LocationDesc,Value,MOE\nQ,Ohio,30,1\n"))


def test_an_explanation_names_what_the_interval_comes_from_and_reads_no_absent_columns(
    tmp_path: Path,
) -> None:
    forms: list[tuple[str, Form]] = [
        ("Margin of error (90%)", lambda _, se: (Z90 * se,)),
        ("Lower 90% CI,Upper 90% CI", linear_limits),
    ]
    for number, (header, cells) in enumerate(forms):
        snapshot = table(tmp_path, str(number), header, cells)
        prepared = check("estimate", {"question": "Q"}, snapshot)
        answer = prepared.compute(Unwatched())
        names = [column.name for column in answer.columns]
        explained = prepared.explain(answer, dict(zip(names, next(iter(answer.rows())), strict=True)))
        assert any(f"published {snapshot.about.limits_from}" in step.text for step in explained.steps)
        assert any("Standard errors" in each for each in explained.leaves_out)
