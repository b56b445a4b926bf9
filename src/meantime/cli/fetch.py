"""`meantime fetch`: a table from the web, as a file."""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path

import click

from meantime.cli.options import setting_options
from meantime.cli.reporting import say
from meantime.cli.terminal import progress_bar
from meantime.settings import read_settings


@click.command()
@click.argument("address")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write. What has this name stays until the new file is complete.  [default: as in the address]",
)
@setting_options(["download_limit_mb"])
def fetch(address: str, out: Path | None, config: Path | None, **options: str) -> None:
    """Download the table at ADDRESS, and check that it is complete.

    ADDRESS is a URL of a file, or a table of a data portal (Socrata): cdc:hn4x-zwk7, data.cdc.gov/hn4x-zwk7, or the
    address of its page. Of a portal's table all rows come, and its title, publisher and license are written to a
    TOML file next to it.
    """
    from meantime.dataset.download.address import parse_address
    from meantime.dataset.download.keeping import fetch_table
    from meantime.errors import SourceUnreadable

    parsed = parse_address(address)
    if parsed is None:
        raise SourceUnreadable(
            f"{address!r} is not an address. Give one that begins with https://, or a portal and the id of a table, "
            "such as cdc:hn4x-zwk7."
        )
    settings = read_settings(file=config, options=options)
    path = out or Path(parsed.file_name)
    cancelled = threading.Event()
    # The download runs in an event loop, which an exception in the middle would leave in disorder.
    before = {signum: signal.signal(signum, lambda *_: cancelled.set()) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        with progress_bar(f"downloading {parsed.shown}") as show:
            downloaded = fetch_table(
                parsed, path, limit_mb=settings.download_limit_mb, on_share=show, cancelled=cancelled
            )
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    rows = "" if downloaded.rows is None else f"{downloaded.rows:,} rows, "
    say(f"{path}: {rows}{downloaded.size_bytes / 2**20:,.1f} MB")
    say(f"Look at it with `meantime inspect {shlex.quote(str(path))}`.", err=True)
