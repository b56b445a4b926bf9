"""`meantime serve`: the server."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from meantime.cli.options import column_option, set_option, setting_options
from meantime.cli.reporting import say
from meantime.later import quick_imports
from meantime.settings import SETTINGS, Settings, read_settings


@click.command()
@click.argument("paths", nargs=-1, metavar="[NAME=]PATH...")
@column_option
@set_option
@click.option(
    "--verbose", "-v", is_flag=True, help="Show every request at the terminal too, not only in webserver.log."
)
@setting_options([row.name for row in SETTINGS])
def serve(
    paths: Sequence[str],
    columns: dict[str, str],
    said: dict[str, str],
    verbose: bool,
    config: Path | None,
    **options: str,
) -> None:
    """Serve each PATH as a data set, or the built-in synthetic sample if there is none.

    PATH is a CSV, gzipped CSV, Parquet, XLSX, JSON or zip file, a folder, or a quoted glob of files in the same format;
    or a table on the web: a URL, or a portal and an id such as cdc:hn4x-zwk7 (see `meantime fetch --help`); or files in
    object storage: s3://BUCKET/PATH; or a table in a database: postgresql://HOST/DATABASE?table=SCHEMA.TABLE; or a TOML
    file with the address of one. The classic API answers from the first data set. Ctrl-C lets queued jobs finish, then
    stops; a second Ctrl-C stops at once, and no job is lost. SIGHUP rereads the files that have changed.
    """
    # What a server is made of takes long to import, and structlog would import rich too, for which it has no use here.
    with quick_imports(without="rich"):
        from meantime import server
        from meantime.assembly import sources_to_serve
        from meantime.cli.load_progress import load_bars
        from meantime.log.capture import plain_stderr

    # What the server and the processes that it starts write is for its owner alone.
    os.umask(0o077)
    settings = read_settings(file=config, options=options)
    sources = sources_to_serve(paths, columns, said)
    with plain_stderr(), load_bars() as show:
        code = server.serve(
            settings,
            sources,
            verbose=verbose,
            on_change=show,
            on_listening=lambda url: say(_welcome(url, settings), err=True),
        )
    sys.exit(code)


def _welcome(url: str, settings: Settings) -> str:
    """Return where the server is, and, if others than this machine can reach it, what they may do."""
    from meantime.access.keys import KeyFile
    from meantime.web.http.hosts import is_loopback

    listens = f"Meantime listens at {url} (Ctrl-C stops it)"
    if is_loopback(settings.host):
        return listens
    listens += f"\nOther machines can reach it ({settings.host}). "
    if settings.allow_anonymous:
        return listens + (
            "Warning: requests need no key. Anybody there may read all data and results, submit jobs, and cancel and "
            "remove the jobs of all who use no key either."
        )
    number = len(KeyFile(settings.state_dir.resolve()).read()) + (settings.admin_key is not None)
    if not number:
        return listens + (
            "Each request needs a key, and there is none yet: make one with `meantime key create --role submit "
            f"--state-dir {shlex.quote(str(settings.state_dir))}`, or start with --allow-anonymous."
        )
    return f"{listens}Each request needs a key; there {'is 1' if number == 1 else f'are {number}'}."
