"""Every number is explained, and the programs that come with an explanation give the same number."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meantime.dataset.facts.questions import built_in_questions
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.explain.explanation import Explanation
from meantime.statistics.explain.source_rows import row_of
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from meantime.table import Cell
from tests.support.real_data import BY_SEX, real_file
from tests.support.table_files import read
from tests.support.waiting import PATIENCE_S

_PRECISION = 1e-9
OBESITY = "Percent of adults aged 18 years and older who have obesity"
WOMEN = {"category": "Sex", "stratum": "Female"}


class File(NamedTuple):
    """A file and its snapshot."""

    path: Path
    snapshot: Snapshot


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> File:
    folder = tmp_path_factory.mktemp("sample")
    path = folder / "sample.csv"
    whole = io.BytesIO()
    write_sample(whole, rows=20_000, seed=1)
    # Every program reads the file, so it has the rows of the questions that are asked and no others.
    asked = {str(value) for row in STATISTICS.values() for value in row.example.values()} & set(built_in_questions())
    header, *lines = whole.getvalue().decode().splitlines(keepends=True)
    kept = [line for line in lines if any(question in line for question in asked)]
    assert len(kept) < len(lines) / 2
    path.write_text(header + "".join(kept), encoding="utf-8", newline="")
    return File(path, read(path, into=folder))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> File:
    path = real_file(BY_SEX)
    return File(path, read(path, into=tmp_path_factory.mktemp("real")))


def explained(file: File, statistic: AnyStatistic, **more: Any) -> list[tuple[dict[str, Cell], Explanation]]:
    """Ask, and explain the first row of the answer and the last."""
    prepared = check(statistic.name, {**statistic.example, **more}, file.snapshot)
    answer = prepared.compute(Unwatched())
    rows = [row_of(answer, index) for index in sorted({0, len(answer) - 1})]
    return [(row, prepared.explain(answer, row)) for row in rows]


def ran(explanation: Explanation, file: File) -> dict[str, float]:
    """Run the Python program over the file."""
    scope: dict[str, Any] = {}
    program = explanation.python.replace(f'PATH = "{file.path.name}"', f"PATH = {str(file.path)!r}")
    assert program != explanation.python
    exec(compile(program, "program", "exec"), scope)  # noqa: S102 - it is ours
    result: dict[str, float] = scope["result"]
    return result


def assert_explained(file: File, row: dict[str, Cell], explanation: Explanation) -> None:
    assert explanation.title
    assert explanation.steps
    assert explanation.assumptions or explanation.leaves_out
    result = ran(explanation, file)
    assert tuple(result) == explanation.computes
    assert result or explanation.leaves_out
    for column, value in result.items():
        assert value == pytest.approx(row[column], rel=_PRECISION, abs=1e-12), column


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_the_program_of_every_statistic_gives_its_number(row: AnyStatistic, sample: File) -> None:
    for row_values, explanation in explained(sample, row):
        assert_explained(sample, row_values, explanation)


@pytest.mark.parametrize(
    ("statistic", "more"),
    [
        ("estimate", {"by": ["period"]}),
        ("estimate", {"by": ["stratum"], "years": "2019"}),
        ("estimate", {"basis": "all_rows"}),
        ("estimate", {"years": "2018..2022", "weights": "sample_size"}),
        ("estimate", {"years": "2018..2022", "interval_scale": "linear"}),
        ("comparison", {"years": "2018..2022"}),
        ("comparison", {"shares": "geography", "contains": True}),
        ("change", {"since": "2011..2013", "years": "2021..2023"}),
        ("distribution", {"show": "figures"}),
        ("trend", {"breaks": [2015]}),
        ("association", {"years": "2021..2023"}),
        ("sensitivity", {"show": "figures"}),
        ("estimate", {"standard": ["us_2000"], "years": "2023"}),
        ("comparison", {"standard": ["us_2000"], "category": "Age (years)"}),
        ("ranking", {"standard": ["us_2000"]}),
    ],
)
def test_so_do_other_ways_of_asking(statistic: str, more: dict[str, Any], sample: File) -> None:
    for row_values, explanation in explained(sample, STATISTICS[statistic], **more):
        assert_explained(sample, row_values, explanation)


@pytest.fixture(scope="module")
def copies(sample: File, tmp_path_factory: pytest.TempPathFactory) -> File:
    header, *lines = sample.path.read_text(encoding="utf-8").splitlines(keepends=True)
    folder = tmp_path_factory.mktemp("copies")
    path = folder / "copies.csv"
    path.write_text(header + "".join(lines + lines[::2]), encoding="utf-8", newline="")
    file = File(path, read(path, into=folder))
    assert file.snapshot.about.copies == len(lines[::2])
    return file


@pytest.mark.parametrize("statistic", ["estimate", "trend", "comparison", "state_mean"])
def test_so_do_those_over_a_file_with_copies_of_rows(statistic: str, copies: File) -> None:
    for row_values, explanation in explained(copies, STATISTICS[statistic]):
        assert_explained(copies, row_values, explanation)


def test_the_programs_of_standardized_values_over_several_years_give_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "ages.csv"
    lines = ["Question,LocationDesc,Year,Data_Value,Low_Confidence_Limit,High_Confidence_Limit,Category,Stratum"]
    for year in range(2015, 2021):
        for base, age in ((20, "18-44"), (30, "45-64"), (41, "65+")):
            value = base + (year - 2015) * 0.5 + (year * base) % 7 / 10
            lines.append(f"Percent who nap,Utah,{year},{value:.1f},{value - 2:.1f},{value + 2:.1f},Age,{age}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file = File(path, read(path, into=tmp_path))
    asked = {"question": "Percent who nap", "standard": ["us_2000"]}
    [(row_values, explanation)] = explained(file, STATISTICS["trend"], **asked)
    assert explanation.computes == ("slope",)
    assert_explained(file, row_values, explanation)
    [(row_values, explanation)] = explained(file, STATISTICS["estimate"], **asked, years="2018..2020")
    assert explanation.computes == ("estimate", "se", "low", "high")
    assert_explained(file, row_values, explanation)


def test_a_difference_is_explained_with_its_numbers(sample: File) -> None:
    _, explanation = explained(sample, STATISTICS["comparison"])[0]
    assert {"difference", "difference_low", "difference_high", "p"} <= set(explanation.computes)
    text = "\n".join(step.text for step in explanation.steps)
    for words in ("Alabama minus National", "MOVER", "touches 0", "Conclusion: no clear difference."):
        assert words in text
    assert "d = 30.9 - 33.1 = −2.2" in {step.formula for step in explanation.steps}


@pytest.mark.parametrize(
    "statistic", ["estimate", "comparison", "change", "target", "ranking", "trend", "distribution"]
)
def test_so_do_those_over_the_real_file(statistic: str, real: File) -> None:
    for row_values, explanation in explained(real, STATISTICS[statistic], **WOMEN):
        assert_explained(real, row_values, explanation)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R here to run the program in R")
@pytest.mark.parametrize("statistic", ["states_mean", "diff_from_mean", "estimate", "comparison", "target", "trend"])
def test_the_program_in_r_runs_too(statistic: str, sample: File) -> None:
    row, explanation = explained(sample, STATISTICS[statistic])[0]
    program = explanation.r.replace(f'PATH <- "{sample.path.name}"', f'PATH <- "{sample.path}"')
    checks = "\n".join(
        f'cat("{name}", format(result[["{name}"]], digits = 15), "\\n")' for name in explanation.computes
    )
    done = subprocess.run(
        [shutil.which("Rscript") or "Rscript", "-"],
        input=f"{program}\n{checks}",
        text=True,
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        timeout=PATIENCE_S,
    )
    lines = [line.split() for line in done.stdout.splitlines()[-len(explanation.computes) :]]
    for name, value in lines:
        assert float(value) == pytest.approx(row[name], rel=_PRECISION), name
