"""How a result is written: as a table for a terminal, or in any of the formats, to standard output or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from meantime.cli.terminal import output_console, plain
from meantime.client.result import Result, form_of
from meantime.errors import SettingInvalid
from meantime.formats.document import Document
from meantime.formats.registry import FORMATS
from meantime.table import Kind, cell_format
from meantime.text import visible

# How a result is written: as a table for a terminal, or in a format; those that are no text are no good there.
TABLE = "table"
_TEXTS = (TABLE, *(suffix for suffix, form in FORMATS.items() if form.is_text))
_WIDER_THAN_ANY = 100_000

form_option = click.option(
    "--format",
    "form",
    type=click.Choice((TABLE, *FORMATS)),
    help=f"Output format.  [default: by the name in --out, else {TABLE}]",
)
out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, e.g. best.xlsx.  [default: standard output]",
)


def choose_form(form: str | None, out: Path | None) -> str:
    """Decide how to write: as --format says, as the file's name says, or as a table.

    Raises:
        NotAcceptable: the file's name says no format.
    """
    if form is None:
        return TABLE if out is None or str(out) == "-" else form_of(out).suffix
    if form not in _TEXTS and out is None and sys.stdout.isatty():
        raise click.UsageError(
            f"{form} cannot be shown at a terminal. Name a file with --out, or use --out - to print it anyway."
        )
    return form


def write_result(result: Result, form: str, out: Path | None) -> None:
    """Write a result to standard output or to a file."""
    if form == TABLE:
        _print_document(result.document, output_console())
        return
    if out is None and sys.stdout.isatty():
        write_text(b"".join(result.pieces(FORMATS[form])).decode() + ("\n" if form == "json" else ""))
        return
    with ExitStack() as opened:
        file = opened.enter_context(atomic_file(out)) if out and str(out) != "-" else sys.stdout.buffer
        file.writelines(result.pieces(FORMATS[form]))
        if form == "json":
            file.write(b"\n")  # the other texts end their lines themselves
        file.flush()


def write_text(text: str) -> None:
    """Write a text for programs to standard output: as it is, but at a terminal, where people read it, made safe."""
    if sys.stdout.isatty():
        text = visible(text, keep="\n\t")
    # Not by click, which takes what looks like a color out of the data.
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes its name only when it is whole; what has the name already stays until then.

    Raises:
        SettingInvalid: it cannot be made there.
    """
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced.
            with path.open("wb") as file:
                yield file
            return
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        file = part.open("xb")
    except OSError as error:
        raise SettingInvalid(f"Cannot write {path}: {error.strerror}. Choose another file.") from error
    try:
        with file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _print_document(document: Document, console: Console) -> None:
    table = document.table
    names = [column.name + (f" ({column.unit})" if column.unit else "") for column in table.columns]
    grid = Grid()
    for column, name in zip(table.columns, names, strict=True):
        grid.add_column(plain(name), justify="left" if column.kind is Kind.TEXT else "right")
    writers = [cell_format(column, cells) for column, cells in zip(table.columns, table.data, strict=True)]
    rows = [[plain(write(cell)) for write, cell in zip(writers, row, strict=True)] for row in table.rows()]
    for row in rows:
        grid.add_row(*row)
    if _width_of(grid, console) <= console.width:
        console.print(grid)
    else:
        _print_row_by_row(rows, names, console)
    for sentence in (*table.findings, *table.notes):
        console.print(plain(sentence))
    for warning in table.warnings:
        console.print(plain(f"Warning: {warning}"))


def _width_of(grid: Grid, console: Console) -> int:
    """Return how many characters wide a grid must be for no word in it to be cut: half a number is another number."""
    unlimited = console.options.update(width=_WIDER_THAN_ANY)
    return console.measure(grid, options=unlimited).minimum


def _print_row_by_row(rows: Sequence[Sequence[Text]], names: Sequence[str], console: Console) -> None:
    for row in rows:
        record = Grid(show_header=False, box=None)
        for name, cell in zip(names, row, strict=True):
            record.add_row(plain(name), cell)
        console.print(record)
        console.print()
