"""How a result is written: as a table for a terminal, or in any of the formats, to standard output or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid

from meantime.charts.figure import AS_IT_IS, Figure, read_figure
from meantime.cli.reporting import say
from meantime.cli.terminal import output_console, plain
from meantime.client.result import Result, form_of
from meantime.errors import RequestInvalid, SettingInvalid
from meantime.formats.document import Document
from meantime.formats.registry import FORMATS
from meantime.table import Kind, Table, cell_format
from meantime.text import visible

# How a result is written: as a table for a terminal, or in a format; those that are no text are no good there.
TABLE = "table"
_TEXTS = (TABLE, *(suffix for suffix, form in FORMATS.items() if form.is_text))
# A longer text is broken over lines where it names the row, and left out where it lists things about the row.
_LONG_TEXT = 40
# Without these columns, nobody knows what a row is about.
_ALWAYS = 2
# What rich draws around a grid, and around each cell.
_BORDER, _BETWEEN = 1, 3

form_option = click.option(
    "--format",
    "form",
    type=click.Choice((TABLE, *FORMATS)),
    help=f"Output format.  [default: by the name in --out, else {TABLE}]",
)
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, e.g. best.xlsx, or with --format a folder, for a file named for what is in it.  [default: "
    "standard output]",
)
wide_option = click.option("--wide", is_flag=True, help="Show all columns of a table, however wide it gets.")


def _look(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> tuple[str | None, Figure]:
    name, texts = None, dict[str, list[str]]()
    for pair in pairs:
        setting, equals, value = pair.partition("=")
        if equals:
            texts.setdefault(setting, []).append(value)
        else:
            name = pair
    try:
        return name, read_figure(texts, prefix="")
    except RequestInvalid as invalid:
        raise click.BadParameter(" ".join(problem.detail for problem in invalid.problems)) from invalid


chart_option = click.option(
    "--chart",
    "look",
    multiple=True,
    metavar="NAME|SETTING=VALUE",
    callback=_look,
    help="Which chart a picture shows (map), and how it looks: title, subtitle, note, source, highlight, size, width, "
    "scale, theme, limit, order, labels, ranks; e.g. --chart labels=values. See docs/charts.md.",
)


def choose_form(form: str | None, out: Path | None) -> str:
    """Decide how to write: as --format says, as the file's name says, or as a table.

    Raises:
        NotAcceptable: the file's name says no format.
    """
    if form in (None, TABLE) and out is not None and out.is_dir():
        raise click.UsageError(f"{out} is a folder. Say with --format what kind of file to write there.")
    if form is None:
        return TABLE if out is None or str(out) == "-" else form_of(out).suffix
    if form not in _TEXTS and out is None and sys.stdout.isatty():
        raise click.UsageError(
            f"{form} cannot be shown at a terminal. Name a file with --out, or use --out - to print it anyway."
        )
    return form


def write_result(
    result: Result,
    form: str,
    out: Path | None,
    look: tuple[str | None, Figure] = (None, AS_IT_IS),
    *,
    wide: bool = False,
) -> None:
    """Write a result to standard output or to a file; ``look`` is the name of a chart and how it is to look."""
    if form == TABLE:
        _print_document(result.document, output_console(), wide=wide)
        return
    pieces = result.pieces(FORMATS[form].with_chart(*look))
    if out is None and sys.stdout.isatty():
        write_text(b"".join(pieces).decode() + ("\n" if form == "json" else ""))
        return
    if out is not None and out.is_dir():
        out = out / result.file_name(form)
        say(str(out), err=True)
    with ExitStack() as opened:
        file = opened.enter_context(atomic_file(out)) if out and str(out) != "-" else sys.stdout.buffer
        file.writelines(pieces)
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


def _print_document(document: Document, console: Console, *, wide: bool) -> None:
    """Print the rows, one line each where their names allow it, with the columns that fit or with all."""
    table = document.table
    shown = _columns(table)
    kept = shown if wide else _fitting(shown, console.width)
    needed = _BORDER + sum(column.width + _BETWEEN for column in kept)
    # rich would cut what does not fit, and half a number is another number. A terminal breaks the line instead.
    print_grid(kept, output_console(needed) if needed > console.width else console)
    if len(kept) < len(shown):
        left_out = [column.name for column in shown if column not in kept]
        console.print(plain(f"Columns not shown: {', '.join(left_out)}. Use --wide to see them.", style="dim"))
    for sentence in (*table.findings, *table.notes):
        console.print(plain(sentence))
    for warning in table.warnings:
        console.print(plain(f"Warning: {warning}"))


def print_grid(columns: Sequence[Shown], console: Console) -> None:
    """Print the rows in a grid.

    rich takes half a millisecond for a row. So it draws one that is as wide as any, and the others are written like it
    where that one is a line.
    """
    rows = list(zip(*(column.cells for column in columns), strict=True))
    widest = ["x" * column.longest for column in columns]
    *head, row, foot = _drawn(columns, [widest], console).splitlines(keepends=True)
    edge = row[0]
    fields = row.strip(f"{edge}\n").split(edge)
    if not rows or [field.strip() for field in fields] != widest:
        text = _drawn(columns, rows, console)
    else:
        aligned = [
            (column.justify == "right", len(field) - _BETWEEN + 1)
            for column, field in zip(columns, fields, strict=True)
        ]
        lines = (f"{edge} {f' {edge} '.join(map(_padded, cells, aligned))} {edge}\n" for cells in rows)
        text = "".join((*head, *lines, foot))
    console.file.write(text)


def _drawn(columns: Sequence[Shown], rows: Iterable[Sequence[str]], console: Console) -> str:
    grid = Grid()
    for column in columns:
        grid.add_column(plain(column.heading), justify=column.justify, min_width=column.width, overflow="fold")
    for row in rows:
        grid.add_row(*map(plain, row))
    with console.capture() as captured:
        console.print(grid)
    return captured.get()


def _padded(cell: str, aligned: tuple[bool, int]) -> str:
    is_right, width = aligned
    space = " " * (width - cell_len(cell))
    return space + cell if is_right else cell + space


class Shown(NamedTuple):
    """A column as it is printed."""

    name: str
    heading: str
    justify: Literal["left", "right"]
    cells: list[str]  # made safe
    longest: int  # of the cells, in characters of a terminal
    width: int  # that it must have: headings are broken between words, and so are long names


def _columns(table: Table) -> list[Shown]:
    shown = []
    for column, values in zip(table.columns, table.data, strict=True):
        write = cell_format(column, values)
        cells = [visible(write(value)) for value in values]
        heading = column.name + (f" ({column.unit})" if column.unit else "")
        justify: Literal["left", "right"] = "left" if column.kind is Kind.TEXT else "right"
        longest = max(map(cell_len, cells), default=0)
        width = max(1, *(plain(word).cell_len for word in heading.split()), min(_LONG_TEXT, longest))
        shown.append(Shown(column.name, heading, justify, cells, longest, width))
    return shown


def _fitting(columns: Sequence[Shown], width: int) -> list[Shown]:
    """Choose the first columns that fit side by side: at least two, and of the others no empty ones and no lists."""
    kept: list[Shown] = []
    left = width - _BORDER
    for index, column in enumerate(columns):
        is_first = index < _ALWAYS
        if not is_first and (column.longest > _LONG_TEXT or not any(column.cells)):
            continue
        left -= column.width + _BETWEEN
        if left < 0 and not is_first:
            break
        kept.append(column)
    return kept
