"""`meantime serve`: the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from meantime.cli.options import column_option, setting_options
from meantime.cli.reporting import say
from meantime.settings import SETTINGS, read_settings


@click.command()
@click.argument("paths", nargs=-1, metavar="[NAME=]PATH...")
@column_option
@click.option(
    "--verbose", "-v", is_flag=True, help="Show every request at the terminal too, not only in webserver.log."
)
@setting_options([row.name for row in SETTINGS])
def serve(paths: Sequence[str], columns: dict[str, str], verbose: bool, config: Path | None, **options: str) -> None:
    """Serve each PATH as a data set, or the built-in synthetic sample if there is none.

    PATH is a CSV, gzipped CSV or Parquet file, a folder, or a quoted glob of files in the same format. The classic API
    answers from the first data set. Ctrl-C lets queued jobs finish, then stops; a second Ctrl-C stops at once, and no
    job is lost. SIGHUP rereads the files that have changed.
    """
    # What a server is made of takes a second to import.
    from meantime import server
    from meantime.assembly import sources_to_serve
    from meantime.cli.load_progress import load_bars
    from meantime.log.capture import plain_stderr

    # What the server and the processes that it starts write is for its owner alone.
    os.umask(0o077)
    settings = read_settings(file=config, options=options)
    sources = sources_to_serve(paths, columns)
    with plain_stderr(), load_bars() as show:
        code = server.serve(
            settings,
            sources,
            verbose=verbose,
            on_change=show,
            on_listening=lambda url: say(f"Meantime listens at {url} (Ctrl-C stops it)", err=True),
        )
    sys.exit(code)
