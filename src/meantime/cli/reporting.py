"""How an error is printed, and which exit code it has."""

from __future__ import annotations

import click

from meantime.errors import Fault, MeantimeError
from meantime.text import visible


def report(error: MeantimeError) -> int:
    """Print what went wrong, and return the exit code for it."""
    say(f"meantime: {error.operator_reason}", err=True)
    return 1 if error.fault is Fault.SERVER else 2


def say(text: str, *, err: bool = False) -> None:
    """Print a text that may quote a file, a server or the command; its lines stay lines."""
    click.echo(visible(text, keep="\n"), err=err)
