"""`meantime verify`: whether a result follows from its data."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from meantime.cli.options import READING, column_option, set_option, setting_options
from meantime.cli.reporting import say
from meantime.settings import read_settings


@click.command()
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="RESULT")
@click.option("--data", required=True, metavar="PATH", help="The data file that it was computed from.")
@column_option
@set_option
@setting_options(READING)
def verify(
    result: Path, data: str, columns: dict[str, str], said: dict[str, str], config: Path | None, **options: str
) -> None:
    """Recompute RESULT from its data, and compare byte for byte.

    RESULT is a result as JSON: what `meantime ask --format json` prints, or what a server sends.

    \b
    Exit codes:
    0  the same, except for the layout of the JSON
    1  different
    2  cannot be judged: other data, or another version of the method
    """  # noqa: D301 - click's mark for lines that stay as they are must be that very character
    # The statistics and DuckDB take long to import.
    from meantime.cli.data_file import loaded_catalog
    from meantime.compute import verifying
    from meantime.compute.verifying import VerificationOutcome
    from meantime.dataset.reading import source
    from meantime.formats.document import Document

    body = result.read_bytes()
    document = verifying.read(body)
    if isinstance(document, Document):
        settings = read_settings(file=config, options=options)
        with loaded_catalog(source.parse_source(data, columns, said), settings) as catalog:
            verification = verifying.verify(body, document, catalog.snapshot(catalog.default))
    else:
        verification = document
    say(verification.reason)
    # So that a script can tell "wrong" from "cannot be judged here".
    codes = {VerificationOutcome.SAME: 0, VerificationOutcome.DIFFERS: 1, VerificationOutcome.CANNOT_TELL: 2}
    sys.exit(codes[verification.outcome])
