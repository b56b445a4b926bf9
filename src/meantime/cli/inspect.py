"""`meantime inspect`: what is in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table as Grid

from meantime import text
from meantime.cli.options import READING, column_option, setting_options
from meantime.cli.terminal import output_console, plain
from meantime.settings import read_settings

if TYPE_CHECKING:
    from meantime.dataset.snapshot import Snapshot

# How many rejected lines, questions and so on are shown of a long list; the rest is counted.
_LISTED = 20


@click.command()
@click.argument("path", metavar="[NAME=]PATH")
@column_option
@setting_options(READING)
def inspect(path: str, columns: dict[str, str], config: Path | None, **options: str) -> None:
    """Show what is in PATH.

    That is: columns and their roles, questions, locations, strata, years, suppressed or missing values, rejected lines.
    """
    # DuckDB and NumPy take long to import.
    from meantime.cli.data_file import loaded_catalog
    from meantime.dataset.reading import source

    settings = read_settings(file=config, options=options)
    with loaded_catalog(source.parse_source(path, columns), settings) as catalog:
        _print_snapshot(catalog.snapshot(catalog.default), output_console())


def _print_snapshot(snapshot: Snapshot, console: Console) -> None:
    about, cube = snapshot.about, snapshot.cube
    labels = cube.labels
    if about.synthetic:
        console.print(plain("SYNTHETIC: made by `meantime sample`. These are not real figures.", style="bold"))
    console.print(plain(about.title, style="bold"))
    facts = Grid(show_header=False, box=None)
    facts.add_row("files", plain(", ".join(about.files[:_LISTED])))
    facts.add_row(
        "read as", plain(f"{about.encoding}, delimiter {about.delimiter!r}, decimal mark {about.decimal_mark!r}")
    )
    facts.add_row("rows", f"{about.rows:,} in {len(cube.cells):,} cells")
    withheld = cube.withheld_by_reason()
    facts.add_row("suppressed or missing", f"{sum(withheld.values()):,}")
    facts.add_row("rejected", f"{about.rejected_total:,}")
    years = labels.periods
    facts.add_row("years", text.years(years[0].first, max(year.last for year in years)) if years else "none")
    facts.add_row("locations", f"{len(labels.locations):,}: {text.listed(labels.locations, most=_LISTED)}")
    facts.add_row("fingerprint", snapshot.fingerprint)
    console.print(facts)
    _print_roles(snapshot, console)
    _print_questions(snapshot, console)
    _print_strata(snapshot, console)
    for warning in about.warnings:
        console.print(plain(f"Warning: {warning}"))
    if withheld:
        console.print(plain("\nSuppressed or missing values, by reason (counted, never treated as 0)", style="bold"))
        for reason, count in list(withheld.items())[:_LISTED]:
            console.print(plain(f"  {count:>9,}  {reason}"))
    if about.rejected_total:
        _print_rejected(snapshot, console)


def _print_roles(snapshot: Snapshot, console: Console) -> None:
    console.print(plain("\nRoles", style="bold"))
    for role, column in snapshot.about.roles.items():
        console.print(plain(f"  {role:<22} {column}"))
    unused = [column for column in snapshot.about.columns if column not in snapshot.about.roles.values()]
    if unused:
        console.print(plain(f"  {'not used':<22} {', '.join(unused)}"))


def _print_questions(snapshot: Snapshot, console: Console) -> None:
    console.print(plain("\nQuestions", style="bold"))
    grid = Grid("question", "rows", "unit", "better")
    cube = snapshot.cube
    moments = cube.by_question.moments
    for question, rows in zip(
        snapshot.about.questions[:_LISTED], (moments.count + moments.withheld).tolist(), strict=False
    ):
        grid.add_row(
            plain(question.text), f"{rows:,}", plain(question.unit or "not set"), question.polarity or "not set"
        )
    console.print(grid)
    if len(snapshot.about.questions) > _LISTED:
        console.print(f"  and {len(snapshot.about.questions) - _LISTED:,} more")
    if any(question.polarity is None for question in snapshot.about.questions):
        console.print(
            plain(
                "  best5 and worst5 need to know whether lower or higher values are better.\n"
                "  Set it in a TOML file next to the data:\n"
                '  [questions."the full text"]\n  polarity = "lower"'
            )
        )


def _print_strata(snapshot: Snapshot, console: Console) -> None:
    cube = snapshot.cube
    pairs = sorted({(category, stratum) for category, stratum in cube.by_stratum.keys[:, 2:].tolist() if category >= 0})
    if not pairs:
        return
    console.print(plain("\nStrata", style="bold"))
    by_category: dict[str, list[str]] = {}
    for category, stratum in pairs:
        names = by_category.setdefault(cube.labels.categories[category], [])
        names.append(cube.labels.strata[stratum] if stratum >= 0 else "(none)")
    for name, strata in list(by_category.items())[:_LISTED]:
        console.print(plain(f"  {name}: {text.listed(strata, most=_LISTED)}"))


def _print_rejected(snapshot: Snapshot, console: Console) -> None:
    about = snapshot.about
    console.print(plain("\nRejected lines (not counted in any figure)", style="bold"))
    for rejected in about.rejected[:_LISTED]:
        console.print(plain(f"  {rejected.file}, line {rejected.line}: {rejected.reason}"))
    if about.rejected_total > _LISTED:
        console.print(f"  and {about.rejected_total - _LISTED:,} more")
    console.print(
        plain(
            "  Check these lines in the file. The usual cause is a stray quote, a delimiter in unquoted text, or a\n"
            "  truncated line. Fix them at the source. All other lines were read."
        )
    )
