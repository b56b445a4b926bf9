from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.table import Table as Grid

from meantime.cli.output import Shown, atomic_file, choose_form, print_grid, write_result
from meantime.cli.terminal import output_console, plain
from meantime.client.result import Result
from meantime.errors import NotAcceptable, SettingInvalid
from meantime.formats.document import Document
from meantime.table import Column, Kind, Table
from meantime.text import visible
from tests.support import result_documents
from tests.support.logs import FakeTerminal


def test_the_format_is_what_is_asked_for_else_what_the_file_is_called_else_a_table() -> None:
    assert choose_form("csv", Path("x.json")) == "csv"
    assert choose_form(None, Path("x.VL.JSON")) == "vl.json"
    assert choose_form(None, Path("-")) == choose_form(None, None) == "table"
    with pytest.raises(NotAcceptable, match=r"\.csv, \.tsv"):
        choose_form(None, Path("x.doc"))


def test_a_binary_format_is_refused_at_a_terminal_unless_standard_output_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose_form("png", None) == "png"
    monkeypatch.setattr(sys, "stdout", FakeTerminal())
    assert choose_form("csv", None) == "csv"
    assert choose_form("png", Path("-")) == "png"
    with pytest.raises(click.UsageError, match="png cannot be shown at a terminal"):
        choose_form("png", None)


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"before")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.csv", b"before")]
    with atomic_file(path) as file:
        file.write(b"whole")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.csv", b"whole")]


def test_a_file_that_cannot_be_written_is_refused_by_its_name(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingInvalid, match=r"Cannot write .*x\.csv: No such file or directory\. Choose"),
        atomic_file(tmp_path / "absent" / "x.csv"),
    ):
        pass


def test_a_file_in_a_folder_is_named_for_what_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.UsageError, match=r"is a folder\. Say with --format"):
        choose_form(None, tmp_path)
    assert choose_form("csv", tmp_path) == "csv"
    write_result(Result(result_documents.of_names("Ohio")), "csv", tmp_path)
    [written] = tmp_path.iterdir()
    assert written.name == "states_mean-cdc-ffffffff.csv"
    assert written.read_bytes() == b"location,mean\r\nOhio,1.0\r\n"
    assert capsys.readouterr().err == f"{written}\n"


def test_a_row_is_a_line_lists_and_empty_columns_are_left_out_and_long_names_are_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    texts = [Column(name=name, kind=Kind.TEXT, meaning="") for name in ("question", "place", "lists", "flags")]
    columns = (*texts, Column(name="estimate", kind=Kind.NUMBER, meaning="", unit="percent"))
    question = "Percent of adults aged 18 years and older who have obesity"
    data = ([question], ["Ohio"], ["Iowa; Utah; " * 9], [""], [36.96])
    result = Result(
        Document(
            statistic="s",
            parameters={},
            dataset="d",
            fingerprint="f",
            method_version=1,
            table=Table(columns=columns, data=data),
            citation="c",
        )
    )
    write_result(result, "table", None)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    [row] = [line for line in shown.splitlines() if "Ohio" in line]
    assert row.split("│")[2:] == [" Ohio  ", "               37.0 ", ""]
    assert shown.endswith("Columns not shown: lists, flags. Use --wide to see them.\n")
    write_result(result, "table", None, wide=True)
    assert "not shown" not in capsys.readouterr().out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(*[st.text(max_size=12)] * 3), max_size=4),
    names=st.lists(st.sampled_from(["place", "lower end of the interval", "n"]), min_size=3, max_size=3, unique=True),
    width=st.integers(12, 60),
)
def test_a_table_is_printed_as_rich_does(
    rows: list[tuple[str, ...]],
    names: list[str],
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    justified: tuple[Literal["left", "right"], ...] = ("left", "right", "left")
    cells = [[visible(row[at]) for row in rows] for at in range(3)]
    longest = [max(map(cell_len, each), default=0) for each in cells]
    columns = [
        Shown(name, name, justify, each, long, 1)
        for name, justify, each, long in zip(names, justified, cells, longest, strict=True)
    ]
    print_grid(columns, output_console())
    printed = capsys.readouterr().out
    grid = Grid()
    for column in columns:
        grid.add_column(column.heading, justify=column.justify, min_width=1, overflow="fold")
    for row in zip(*cells, strict=True):
        grid.add_row(*map(plain, row))
    output_console().print(grid)
    assert printed == capsys.readouterr().out
