"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from meantime.settings import SETTINGS


def _pairs(form: str, example: str) -> Callable[[click.Context, click.Parameter, Sequence[str]], dict[str, str]]:
    """Return a callback that reads pairs of a form such as ROLE=COLUMN; a role with two columns is refused."""
    key, _, value = form.lower().partition("=")

    def read(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for pair in pairs:
            name, equals, text = pair.partition("=")
            if not (name and equals and text):
                raise click.BadParameter(f"{pair!r} is not of the form {form}, e.g. {example}")
            if name in found:
                raise click.BadParameter(f"the {key} {name} has two {value}s, {found[name]!r} and {text!r}. Name one")
            found[name] = text
        return found

    return read


column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=COLUMN",
    callback=_pairs("ROLE=COLUMN", "value=Prevalence"),
    help="Which column has a role, if its name does not tell, e.g. value=Prevalence. Can be repeated.",
)


set_option = click.option(
    "--set",
    "said",
    multiple=True,
    metavar="KEY=TEXT",
    callback=_pairs("KEY=TEXT", 'location="United States"'),
    help="What the file does not say: question, location, title, source, publisher, url, license, updated; delimiter, "
    "decimal_mark, thousands, missing, ignore_case, encoding, level; or version_query, of a table in a database. Can "
    "be repeated; comes before the TOML file next to the data.",
)


def setting_options(names: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for each of these settings, and ``--config``."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for row in reversed(SETTINGS):
            if row.name in names:
                default = f"; default: {row.default}" if row.default else ""
                # Without a value, a setting that is on or off is turned on.
                more: dict[str, Any] = {"is_flag": False, "flag_value": "yes"} if row.expected == "yes or no" else {}
                command = click.option(
                    f"--{row.name.replace('_', '-')}",
                    row.name,
                    metavar="TEXT",
                    **more,
                    help=f"{row.help}  [env: {row.variable}{default}]",
                )(command)
        return click.option(
            "--config",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="TOML file of settings, named like the options but with underscores.",
        )(command)

    return decorate


# The settings of a command that reads a file.
READING = ("load_memory_mb", "rejected_limit")
