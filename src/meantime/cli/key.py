"""`meantime key`: who may use a server."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table as Grid

from meantime.access.keys import KeyFile, Role
from meantime.cli.options import setting_options
from meantime.cli.reporting import say
from meantime.cli.terminal import output_console, plain
from meantime.settings import read_settings

_WHERE = setting_options(["state_dir"])


def _file(config: Path | None, state_dir: str | None) -> KeyFile:
    return KeyFile(read_settings(file=config, options={"state_dir": state_dir}).state_dir.resolve())


@click.group()
def key() -> None:
    """Make, list and revoke the keys of a server.

    As soon as a server has a key, or listens on more than the loopback interface, each request needs one. Changes take
    effect at once, also on a running server.
    """


@key.command()
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    required=True,
    help="read: data and results. submit: also jobs, and removing its own. operate: everything.",
)
@click.option("--name", default="", help="Whose key it is, for the list.")
@_WHERE
def create(role: str, name: str, config: Path | None, state_dir: str | None) -> None:
    """Make a key and print it. It is shown this once: only a hash of it is kept."""
    made, token = KeyFile.create(_file(config, state_dir), Role(role), name=name, at_s=time.time())
    say(f"Key {made.id} with the role {made.role}. It is not shown again:", err=True)
    say(token)


@key.command("list")
@_WHERE
def list_keys(config: Path | None, state_dir: str | None) -> None:
    """List the keys, without their secrets."""
    keys = _file(config, state_dir).read()
    if not keys:
        say("There are no keys.")
        return
    grid = Grid("id", "role", "name", "created")
    for each in keys:
        created = datetime.fromtimestamp(each.created_at_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        grid.add_row(*(plain(cell) for cell in (each.id, each.role, each.name, created)))
    output_console().print(grid)


@key.command()
@click.argument("key_id", metavar="ID")
@_WHERE
def revoke(key_id: str, config: Path | None, state_dir: str | None) -> None:
    """Revoke the key with this ID. Its jobs stay; only a key with the role operate can remove them then."""
    revoked = _file(config, state_dir).revoke(key_id)
    say(f"Revoked {revoked.id} ({revoked.role}).")
