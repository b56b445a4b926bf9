from __future__ import annotations

from pathlib import Path

import click
import pytest

import meantime
from meantime import AsyncClient, AsyncJob, Client, Job, Result
from meantime.cli import main

PAGE = (Path(__file__).parents[3] / "docs" / "client.md").read_text(encoding="utf-8")


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Client, Job, Result])
def test_every_public_method_is_documented(kind: type) -> None:
    # Used by the client and the command line themselves.
    internal = {"close", "read", "pieces", "document"}
    missing = {name for name in _public(kind) - internal if name not in PAGE}
    assert not missing


def test_every_public_name_is_documented() -> None:
    assert not {name for name in meantime.__all__ if name != "AsyncJob" and f"`{name}" not in PAGE}


def test_both_clients_have_the_same_methods() -> None:
    assert _public(Client) == _public(AsyncClient)
    assert _public(Job) == _public(AsyncJob)


@pytest.mark.parametrize("name", ["ask", "jobs", "wait", "cancel"])
def test_every_client_command_is_documented_and_its_options_have_help(name: str) -> None:
    assert f"meantime {name}" in PAGE
    command = main.get_command(click.Context(main), name)
    assert command
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert options
    assert all(each.help for each in options)
