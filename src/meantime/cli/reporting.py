"""How an error is printed, and which exit code it has."""

from __future__ import annotations

import click

from meantime.errors import Fault, KeyRequired, MeantimeError
from meantime.text import visible

_NO_KEY = (
    "The server needs a key. Put yours into the environment variable MEANTIME_KEY. If you have none, or it is refused, "
    "ask the server's operator."
)


def report(error: MeantimeError) -> int:
    """Print what went wrong, and return the exit code for it."""
    reason = _NO_KEY if isinstance(error, KeyRequired) else error.operator_reason
    say(f"meantime: {reason}", err=True)
    return 1 if error.fault is Fault.SERVER else 2


def say(text: str, *, err: bool = False) -> None:
    """Print a text that may quote a file, a server or the command; its lines stay lines."""
    click.echo(visible(text, keep="\n"), err=err)
