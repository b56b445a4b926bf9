"""`meantime inspect`: what is in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table as Grid

from meantime import text
from meantime.cli.options import READING, column_option, set_option, setting_options
from meantime.cli.reporting import say
from meantime.cli.table_description import describe
from meantime.cli.terminal import output_console, plain
from meantime.settings import read_settings

if TYPE_CHECKING:
    from meantime.dataset.snapshot import About, Snapshot
    from meantime.dataset.summary import CategorySummary, QuestionSummary

# How many rejected lines, questions and so on are shown of a long list; the rest is counted.
_LISTED = 20
_FIRST_ROWS = 5
_COLUMN_CHARACTERS = 32
_MOST_WITHHELD = 5
_QUESTION_CHARACTERS = 40


@click.command()
@click.argument("path", metavar="[NAME=]PATH")
@column_option
@set_option
@click.option(
    "--write", is_flag=True, help="Write how PATH was understood to the TOML file next to it, if there is none."
)
@setting_options(READING)
def inspect(
    path: str, columns: dict[str, str], said: dict[str, str], write: bool, config: Path | None, **options: str
) -> None:
    """Show what is in PATH.

    That is: warnings, the worst first; columns, what each was taken for and why; the first rows as understood;
    questions, locations, strata, years; suppressed or missing values by question and place; rejected lines.
    """
    # DuckDB and NumPy take long to import.
    from meantime.cli.data_file import loaded_catalog
    from meantime.dataset.reading import source

    settings = read_settings(file=config, options=options)
    read_from = source.parse_source(path, columns, said)
    with loaded_catalog(read_from, settings) as catalog:
        snapshot = catalog.snapshot(catalog.default)
        _print_snapshot(snapshot, output_console())
    if not write:
        return
    into = source.description_path(read_from)
    _write(into, describe(snapshot.about, said))
    say(f"Wrote {into}", err=True)


def _write(path: Path, content: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise click.ClickException(f"{path} exists and was not changed. Remove it, or write into it by hand.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error


def _print_snapshot(snapshot: Snapshot, console: Console) -> None:
    from meantime.dataset.facts.column_names import find_form
    from meantime.dataset.summary import summarize, withheld_by_location, withheld_by_question_and_location

    about, summary = snapshot.about, summarize(snapshot)
    if about.synthetic:
        console.print(plain("SYNTHETIC: made by `meantime sample`. These are not real figures.", style="bold"))
    console.print(plain(about.title, style="bold"))
    facts = Grid(show_header=False, box=None)
    facts.add_row("files", plain(", ".join(about.files[:_LISTED])))
    facts.add_row(
        "read as", plain(f"{about.encoding}, delimiter {about.delimiter!r}, decimal mark {about.decimal_mark!r}")
    )
    counted = f', as counted by "{about.roles["row_count"]}"' if "row_count" in about.roles else ""
    facts.add_row("rows", plain(f"{summary.rows:,} in {summary.cells:,} cells{counted}"))
    facts.add_row("suppressed or missing", f"{summary.withheld:,}")
    facts.add_row("rejected", f"{summary.rejected:,}")
    facts.add_row("years", _in_words(*summary.years) if summary.years else "none")
    locations = text.listed((each.name for each in summary.locations), most=_LISTED)
    facts.add_row("locations", plain(f"{len(summary.locations):,}: {locations}"))
    if form := find_form(about.columns):
        facts.add_row("known form", plain(f"{form.name}, {form.address}"))
    if source := str(about.origin):
        facts.add_row("source", plain(source))
    facts.add_row("fingerprint", summary.fingerprint)
    console.print(facts)
    for warning in about.warnings:
        console.print(plain(f"Warning: {warning}"))
    _print_roles(about, summary.unused_columns, console)
    _print_first_rows(snapshot, console)
    _print_questions(summary.questions, console)
    _print_strata(summary.categories, console)
    _print_declared(about, console)
    if summary.withheld:
        _print_heading("Suppressed or missing values, by reason (counted, never treated as 0)", console)
        for reason, count in list(summary.withheld_by_reason.items())[:_LISTED]:
            console.print(plain(f"  {count:>9,}  {reason}"))
        _print_heading("Where they are: the places with the most, in all and of one question", console)
        by_place, by_both = withheld_by_location(snapshot), withheld_by_question_and_location(snapshot)
        both = {f"{place}: {question}": count for (question, place), count in by_both.items()}
        for by_name in (by_place, both) if len(summary.questions) > 1 else (by_place,):
            for name, count in sorted(by_name.items(), key=lambda item: (-item[1], item[0]))[:_MOST_WITHHELD]:
                if count:
                    console.print(plain(f"  {count:>9,}  {name}"))
            console.print()
    if about.rejected_total:
        _print_rejected(snapshot, console)


def _in_words(first: int, last: int) -> str:
    """Write a span of years in ASCII: this output is searched, and not every keyboard has a dash.

    >>> _in_words(1998, 2021), _in_words(2021, 2021)
    ('1998 to 2021', '2021')
    """
    return str(first) if first == last else f"{first} to {last}"


def _print_heading(heading: str, console: Console) -> None:
    console.print()
    console.print(plain(heading, style="bold"))


def _print_roles(about: About, unused: Sequence[str], console: Console) -> None:
    _print_heading("Columns: what each was taken for, and why", console)
    width = min(max(map(len, about.roles.values()), default=0), _COLUMN_CHARACTERS)
    for role, column in about.roles.items():
        named = f'"{about.constants[role]}"' if role in about.constants else column
        console.print(plain(f"  {role:<22} {named:<{width}}  {about.why.get(role, '')}".rstrip()))
    if about.plain:
        what = "separated thousands, signs and flags beside numbers, forms of years, spaces in names"
        console.print(
            plain(f"  {'not read as written':<22} {', '.join(about.plain)} ({what}); the rows stay as they are")
        )
    if unused:
        console.print(plain(f"  {'not used':<22} {', '.join(unused)}"))
    console.print(plain("  To change one: --column ROLE=COLUMN. To keep all of this in a file: --write."))


def _print_first_rows(snapshot: Snapshot, console: Console) -> None:
    """Show the first rows as they were understood: so a wrong column or decimal mark is seen at once."""
    import numpy as np

    from meantime.dataset.cube import ABSENT
    from meantime.dataset.first_rows import first_rows

    rows, cube = first_rows(snapshot, _FIRST_ROWS), snapshot.cube
    picked = cube.pick(np.array([row.cell for row in rows], dtype=np.int64))
    grid = Grid("line", "question", "location", "group", "years", "value", "low", "high", "respondents", "footnote")
    numbers = (picked.means, picked.low, picked.high, picked.sample_size)
    cells = (picked.keys.tolist(), picked.footnote.tolist(), (picked.rows - picked.copies).tolist())
    for row, key, footnote, several, *found in zip(rows, *cells, *(each.tolist() for each in numbers), strict=True):
        question, location, _, stratum, _, period = key
        shown = ["" if number != number else f"{number:,.8g}" for number in found]
        # Which of several rows this one is, the cell does not tell.
        grid.add_row(
            str(row.line),
            plain(cube.labels.questions[question][:_QUESTION_CHARACTERS]),
            plain(cube.labels.locations[location]),
            plain("" if stratum == ABSENT else cube.labels.strata[stratum]),
            "" if period == ABSENT else text.years(*cube.labels.periods[period]),
            *([f"one of {several:,} rows of its cell", "", "", ""] if several > 1 else shown),
            plain("" if footnote == ABSENT else cube.labels.footnotes[footnote]),
        )
    _print_heading("First rows, as understood", console)
    console.print(grid)


def _print_questions(questions: Sequence[QuestionSummary], console: Console) -> None:
    _print_heading("Questions", console)
    grid = Grid("question", "rows", "no value", "unit", "better")
    for question in questions[:_LISTED]:
        grid.add_row(
            plain(question.text),
            f"{question.rows:,}",
            f"{question.withheld:,}",
            plain(question.unit or "not set"),
            question.polarity or "not set",
        )
    console.print(grid)
    if len(questions) > _LISTED:
        console.print(f"  and {len(questions) - _LISTED:,} more")
    if any(question.polarity is None for question in questions):
        console.print(
            "  best5 and worst5 need to know whether lower or higher values are better.\n"
            "  Set it in a TOML file next to the data:\n"
            '  [questions."the full text"]\n  polarity = "lower"'
        )


def _print_strata(categories: Sequence[CategorySummary], console: Console) -> None:
    if not categories:
        return
    _print_heading("Strata", console)
    for category in categories[:_LISTED]:
        strata = text.listed(category.strata, most=_LISTED) or "(none)"
        console.print(plain(f"  {category.name}: {strata}"))


def _print_declared(about: About, console: Console) -> None:
    """Show the standard populations that the table declares, and the breaks that are not those its questions show."""
    if about.standards:
        _print_heading("Standard populations of this table", console)
        for standard in about.standards:
            groups = text.listed(standard.weights, most=_LISTED)
            console.print(plain(f"  {standard.name}: {standard.title} ({standard.source}). Groups: {groups}"))
    with_breaks = [question for question in about.questions if question.breaks is not None]
    if with_breaks:
        _print_heading("Breaks: values from the year on are not comparable with earlier ones", console)
    for question in with_breaks[:_LISTED]:
        console.print(plain(f"  {question.text}"))
        for each in question.breaks or ():
            console.print(plain(f"    {each.year}: {each.reason} ({each.source})"))
        if not question.breaks:
            console.print("    none")
    if len(with_breaks) > _LISTED:
        console.print(f"  and {len(with_breaks) - _LISTED:,} more questions")


def _print_rejected(snapshot: Snapshot, console: Console) -> None:
    about = snapshot.about
    _print_heading("Rejected lines (not counted in any number)", console)
    for rejected in about.rejected[:_LISTED]:
        console.print(plain(f"  {rejected.file}, line {rejected.line}: {rejected.reason}"))
    if about.rejected_total > _LISTED:
        console.print(f"  and {about.rejected_total - _LISTED:,} more")
    console.print(
        "  Check these lines in the file. The usual cause is a stray quote, a delimiter in unquoted text, or a\n"
        "  truncated line. Fix them at the source. All other lines were read."
    )
