"""What the commands that ask a running server share."""

from __future__ import annotations

import shlex
import sys

import click

from meantime.cli.reporting import say
from meantime.cli.terminal import progress_bar
from meantime.client.blocking import Job
from meantime.client.result import Result
from meantime.client.retries import DEFAULT_URL
from meantime.errors import ServerUnreachable

# Somebody is waiting: long enough for a server that restarts, short enough to report soon that there is none.
QUICK_RETRY_S = 2.0
# The exit code that shells give a command ended by Ctrl-C.
_INTERRUPTED = 130

url_option = click.option("--url", default=DEFAULT_URL, show_default=True, metavar="URL", help="The server's address.")


def result_of(job: Job, url: str) -> Result:
    """Wait, with a bar at a terminal, and return the result; on Ctrl-C, tell how to find the job again."""
    where = "" if url == DEFAULT_URL else f" --url {shlex.quote(url)}"
    next_steps = (
        f"{job.id} continues on the server.\n"
        f"  meantime wait {job.id}{where}    waits for it again\n"
        f"  meantime cancel {job.id}{where}  cancels it"
    )
    try:
        with progress_bar(job.id) as show:
            job.wait(on_look=lambda known: show(known.progress))
        return job.result()
    except KeyboardInterrupt:
        say(f"\n{next_steps}", err=True)
        sys.exit(_INTERRUPTED)
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{error}\n{next_steps}") from error
