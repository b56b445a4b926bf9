"""`meantime statistics`: what can be asked, and with which parameters."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table as Grid

from meantime.cli.option_names import option
from meantime.cli.server import QUICK_RETRY_S
from meantime.cli.terminal import output_console, plain
from meantime.client.blocking import Client
from meantime.client.models import ColumnInfo, StatisticEntry, StatisticExample, StatisticInfo
from meantime.did_you_mean import closest, suggestion
from meantime.errors import StatisticUnknown
from meantime.text import quoted


@click.command()
@click.argument("name", required=False)
@click.option(
    "--url", metavar="URL", help="List those of the server at this address.  [default: those of this program]"
)
def statistics(name: str | None, url: str | None) -> None:
    """List the statistics, or describe the one called NAME: its parameters, its columns, and an example."""
    console = output_console()
    if url is None:
        found = _described(name) if name is not None else _listed()
    else:
        with Client(url, retry_for_s=QUICK_RETRY_S) as client:
            found = client.statistic(name) if name is not None else client.statistics.values()
    if isinstance(found, StatisticInfo):
        _print_statistic(found, console)
    else:
        _print_list(found, console)


def _listed() -> Iterable[StatisticEntry]:
    # The statistics take a second to import.
    from meantime.statistics.registry import STATISTICS

    return [StatisticEntry(name=row.name, help=row.help, estimates=row.estimates) for row in STATISTICS.values()]


def _described(name: str) -> StatisticInfo:
    from meantime.statistics.registry import STATISTICS

    if (row := STATISTICS.get(name)) is None:
        near = suggestion(closest(name, tuple(STATISTICS)))
        raise StatisticUnknown(f"There is no statistic {quoted(name)}. {near}List them with `meantime statistics`.")
    columns = tuple(
        ColumnInfo(name=each.name, kind=each.kind, unit=each.unit, meaning=each.meaning) for each in row.columns
    )
    return StatisticInfo(
        name=row.name,
        help=row.help,
        estimates=row.estimates,
        parameters=row.parameters_schema,
        columns=columns,
        method_version=row.method_version,
        example=StatisticExample(parameters=dict(row.example)),
    )


def _print_list(entries: Iterable[StatisticEntry], console: Console) -> None:
    grid = Grid(show_header=False, box=None)
    for each in entries:
        grid.add_row(plain(each.name, style="bold"), plain(each.help))
    console.print(grid)
    console.print(plain("`meantime statistics NAME` describes one."))


def _print_statistic(info: StatisticInfo, console: Console) -> None:
    console.print(plain(info.name, style="bold"))
    console.print(plain(info.help))
    console.print(plain(f"What it estimates: {info.estimates}"))
    parameters = Grid("parameter", "default", "meaning", title="Parameters", title_justify="left", title_style="bold")
    required = info.parameters.get("required", ())
    for name, schema in info.parameters["properties"].items():
        default = "required" if name in required else _typed(schema.get("default"))
        parameters.add_row(plain(option(name)), plain(default), plain(schema.get("description", "")))
    console.print(parameters)
    columns = Grid("column", "unit", "meaning", title="Columns", title_justify="left", title_style="bold")
    for column in info.columns:
        columns.add_row(plain(column.name), plain(column.unit or ""), plain(column.meaning))
    console.print(columns)
    console.print(plain("An example, with --data FILE to compute it from a file:"))
    console.print(plain(f"  {_command(info.name, info.example.parameters)}"))


def _typed(default: object) -> str:
    """Write a default as it is typed; nothing for what is empty, which the meaning explains."""
    if default is None:
        return ""
    values = default if isinstance(default, list | tuple) else [default]
    return " ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _command(statistic: str, parameters: Mapping[str, Any]) -> str:
    """Return the command that asks for an example.

    >>> _command("trend", {"question": "have obesity", "locations": ["Ohio", "Utah"]})
    "meantime ask trend --question 'have obesity' -p locations=Ohio -p locations=Utah"
    """
    words = ["meantime", "ask", statistic]
    for name, value in parameters.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            typed = option(name)
            words += [typed, str(each)] if typed.startswith("--") else ["-p", f"{name}={each}"]
    return shlex.join(words)
