from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from meantime.cli import main
from meantime.errors import MeantimeError, SettingInvalid, StoreBroken


def test_every_command_in_the_list_is_there_under_its_name_with_help_for_it_and_each_option() -> None:
    context = click.Context(main)
    names = main.list_commands(context)
    of_servers = {"serve", "jobs", "wait", "cancel", "key"}
    assert of_servers | {"fetch", "inspect", "ask", "statistics", "verify", "sample"} == set(names)
    for name in names:
        command = main.get_command(context, name)
        assert command
        assert command.name == name
        assert command.help
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name


def test_the_list_of_commands_says_what_each_is_for() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    assert "sample      Write a synthetic table for trying things out." in shown


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("sreve", 'Did you mean "serve"?'), ("§§§§", "The commands are serve, fetch, inspect, ask,")],
)
def test_a_command_that_does_not_exist_is_refused_with_those_that_do(typed: str, hint: str) -> None:
    ran = CliRunner().invoke(main, [typed])
    assert ran.exit_code == 2
    assert f"No such command '{typed}'. {hint}" in ran.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingInvalid("port is 'x'"), 2),
        (StoreBroken("the disk is gone"), 1),
        (StoreBroken("the disk is gone").for_operator("/srv is gone"), 1),
    ],
    ids=["something to fix", "our fault", "with a text for the operator"],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: MeantimeError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("meantime.cli.serve.serve.callback", fail)
    ran = CliRunner().invoke(main, ["serve"])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (code, "", f"meantime: {error.operator_reason}\n")
