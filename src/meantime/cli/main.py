"""The command `meantime`: parse, call, print. The only place that exits.

Answers go to standard output, everything else to standard error, so that an answer can be piped. Exit codes: 0 done,
1 Meantime's or the machine's fault, 2 something to fix in the command, in the file or in the settings.

A command starts quickly: its module is imported when it is run, and what takes long to import (the web, NumPy, SciPy,
DuckDB) is imported by the function that needs it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, NamedTuple

import click

from meantime.cli.reporting import report, say
from meantime.errors import MeantimeError


class _Entry(NamedTuple):
    module: str  # in meantime.cli; it has the command under the command's name
    summary: str  # for the list of commands, which imports none of them


_COMMANDS = {
    "serve": _Entry("serve", "Serve data sets over HTTP, in the browser and as an API."),
    "fetch": _Entry("fetch", "Download a table from the web or from a data portal."),
    "inspect": _Entry("inspect", "Show what is in a file, and what could not be read."),
    "ask": _Entry("ask", "Compute one statistic, from a file or by a running server."),
    "statistics": _Entry("statistics", "List the statistics, or describe one."),
    "jobs": _Entry("jobs", "List the jobs of a running server."),
    "wait": _Entry("jobs", "Wait for jobs of a running server, and print their results."),
    "cancel": _Entry("jobs", "Cancel jobs of a running server."),
    "verify": _Entry("verify", "Check that a result follows from its data."),
    "key": _Entry("key", "Make, list and revoke the keys of a server."),
    "sample": _Entry("sample", "Write a synthetic table for trying things out."),
}


class _LazyCommands(click.Group):
    """Imports a command when it is run, and turns our errors into one line and an exit code, in one place."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"meantime.cli.{_COMMANDS[cmd_name].module}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            # It takes long to import, and is for a mistyped command only.
            from meantime.did_you_mean import closest, suggestion

            near = suggestion(closest(args[0], tuple(_COMMANDS))) or f"The commands are {', '.join(_COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {near.strip()}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MeantimeError as error:
            ctx.exit(report(error))
        except BrokenPipeError:
            # The reader of our output has closed the pipe (`meantime ask ... | head`), which is not a failure.
            _discard_output()
            ctx.exit(0)
        except OSError as error:
            # Most likely the output, on a full disk. If it was another file, the system's message names it.
            say(f"meantime: reading or writing failed: {error}.", err=True)
            _discard_output()
            ctx.exit(1)


def _discard_output() -> None:
    # What is still buffered could not be written either, and the interpreter would complain of it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="meantime", prog_name="meantime")
def main() -> None:
    """Statistics on tables of survey indicators, over HTTP or at the command line.

    \b
    meantime serve obesity.csv       serve it at http://127.0.0.1:5000/
    meantime jobs                    list that server's jobs
    meantime inspect obesity.csv     show what is in it, and what could not be read
    meantime ask best5 --question obesity --data obesity.csv
    """  # noqa: D301 - click's mark for lines that stay as they are must be that very character
