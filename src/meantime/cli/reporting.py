"""How an error is printed, and which exit code it has."""

from __future__ import annotations

import re

import click

from meantime.errors import Fault, MeantimeError

# Control characters, but for the line end: in a label they could be commands to the terminal.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def report(error: MeantimeError) -> int:
    """Print what went wrong, and return the exit code for it."""
    # It may quote a file, or a server.
    click.echo(f"meantime: {printable(error.operator_reason)}", err=True)
    return 1 if error.fault is Fault.SERVER else 2


def printable(text: str) -> str:
    r"""Escape what a terminal could take for a command.

    >>> print(printable("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
