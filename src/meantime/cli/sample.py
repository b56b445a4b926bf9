"""`meantime sample`: a synthetic table."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import click

from meantime.cli.output import atomic_file
from meantime.cli.terminal import progress_bar
from meantime.dataset.samples import synthetic

_DEFAULTS = "; ".join(f"{synthetic.default_rows(level):,} for {level}" for level in synthetic.LEVELS)


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(synthetic.LEAST_ROWS, synthetic.MOST_ROWS),
    help=f"Number of rows. More rows have more places, questions, years and groups.  [default: {_DEFAULTS}]",
)
@click.option(
    "--level",
    type=click.Choice(synthetic.LEVELS),
    help="What the places are.  [default: the first with enough cells for these rows]",
)
@click.option(
    "--rows-per-cell",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Repeat each cell, newly drawn. Statistics that need one estimate of each cell refuse such a table.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=synthetic.DEFAULT_SEED,
    show_default=True,
    help="Random seed. The same seed gives the same file.",
)
@click.option(
    "--truth", type=click.Path(dir_okay=False, path_type=Path), help="Also write the true values, to this file."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [default: standard output]"
)
def sample(
    rows: int | None, level: str | None, rows_per_cell: int, seed: int, truth: Path | None, out: Path | None
) -> None:
    """Write a synthetic table with the CDC's columns, for trying things out. It says that it is synthetic."""
    of_level = cast(synthetic.Level | None, level)
    if out is not None and truth is not None and out.resolve() == truth.resolve():
        raise click.UsageError("--out and --truth name the same file. Give each its own.")
    with ExitStack() as opened, progress_bar("writing the sample") as show:
        table = opened.enter_context(atomic_file(out)) if out and str(out) != "-" else sys.stdout.buffer
        values = opened.enter_context(atomic_file(truth)) if truth else None
        synthetic.write_sample(
            table,
            rows=synthetic.default_rows(of_level) if rows is None else rows,
            level=of_level,
            rows_per_cell=rows_per_cell,
            seed=seed,
            truth=values,
            on_progress=show,
        )
