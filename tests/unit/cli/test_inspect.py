"""What `meantime inspect` shows of a table."""

from __future__ import annotations

import dataclasses
import io
import tomllib

import msgspec
from rich.console import Console

from meantime.cli import inspect
from meantime.dataset.cube import Period
from tests.support.factories import row, snapshot


def test_warnings_come_before_roles_and_then_the_first_cells_as_understood() -> None:
    year = Period(2019, 2020)
    of = snapshot(
        [
            row("Tea", "Avalon", "2288", low=2000.0, high=2500.0, footnote="e", period=year),
            row("Tea", "Borduria", None, reason="*", category="Sex", stratum="Women"),
        ]
    )
    of = dataclasses.replace(of, about=msgspec.structs.replace(of.about, warnings=("A guess was made.",)))
    out = io.StringIO()
    inspect._print_snapshot(of, Console(file=out, width=200))
    shown = out.getvalue()
    assert shown.index("Warning: A guess was made.") < shown.index("Roles") < shown.index("First cells, as understood")
    [avalon] = [line for line in shown.splitlines() if "Avalon" in line and "2,288" in line]
    assert [each.strip() for each in avalon.strip("│").split("│")] == [
        *("Tea", "Avalon", "", "2019–2020", "2,288", "2,000", "2,500", "", "e"),
    ]
    [borduria] = [line for line in shown.splitlines() if "Borduria" in line and "Women" in line]
    assert [each.strip() for each in borduria.strip("│").split("│")] == ["Tea", "Borduria", "Women", *[""] * 6]


def test_the_description_that_is_written_says_how_the_table_was_understood() -> None:
    about = msgspec.structs.replace(snapshot([row()]).about, title='The "best"', delimiter=";", encoding="utf-8")
    said = {"missing": "-99, N", "thousands": ",", "level": "90"}
    content = tomllib.loads(inspect._description(about, said))
    assert content["missing"] == [-99, "N"]
    assert (content["title"], content["delimiter"], content["thousands"], content["level"]) == (
        'The "best"',
        ";",
        ",",
        90,
    )
    assert content["columns"] == about.roles
    assert "columns" not in tomllib.loads(inspect._description(about, said, with_columns=False))
