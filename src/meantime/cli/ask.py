"""`meantime ask`: one statistic, computed here from a file, or by a running server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from meantime.charts.figure import Figure
from meantime.cli.option_names import in_options
from meantime.cli.options import READING, column_option, set_option, setting_options
from meantime.cli.output import chart_option, choose_form, form_option, out_option, wide_option, write_result
from meantime.client.address import DEFAULT_URL
from meantime.client.result import Result
from meantime.errors import RequestInvalid
from meantime.later import quick_imports
from meantime.settings import read_settings


def _pairs(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is not of the form NAME=VALUE, e.g. limit=10")
        values.setdefault(name, []).append(value)
    return values


@click.command()
@click.argument("statistic", metavar="STATISTIC")
@click.option("--question", help="The question in full, or distinctive words from it.")
@click.option(
    "--state",
    help="The location, for a statistic about one location: in full, its abbreviation (OH), or distinctive words.",
)
@click.option(
    "--parameter",
    "-p",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="Any parameter of the statistic; `meantime statistics NAME` lists them. Repeat a name to give a list.",
)
@click.option("--data", metavar="[NAME=]PATH", help="Compute from this file, without a server.")
@click.option(
    "--cache/--no-cache",
    "cached",
    default=True,
    help="Keep what was read of the file in your cache folder, and ask that as long as the file is unchanged.  "
    "[default: cache]",
)
@click.option("--url", metavar="URL", help=f"Address of the server to ask.  [default: {DEFAULT_URL}]")
@click.option("--dataset", metavar="NAME", help="Which of the server's data sets.  [default: the first]")
@click.option("--label", help="Your own label for the server's job, to find it with `meantime jobs --label`.")
@form_option
@out_option
@chart_option
@wide_option
@column_option
@set_option
@setting_options(READING)
def ask(
    statistic: str,
    question: str | None,
    state: str | None,
    parameters: dict[str, list[str]],
    data: str | None,
    cached: bool,
    url: str | None,
    dataset: str | None,
    label: str | None,
    form: str | None,
    out: Path | None,
    look: tuple[str | None, Figure],
    wide: bool,
    columns: dict[str, str],
    said: dict[str, str],
    config: Path | None,
    **options: str,
) -> None:
    """Compute STATISTIC from a file, or have a running server compute it, and print the result.

    \b
    meantime ask states_mean --question obesity --data obesity.csv
    meantime ask state_mean --question "no leisure-time" --state Utah --format json
    meantime ask summary --question obesity -p by=location -p quantiles=0.5 -p quantiles=0.9 --out obesity.xlsx
    meantime ask ranking --question obesity --data obesity.csv --out obesity.png --chart highlight=Ohio
    """  # noqa: D301 - click's mark for lines that stay as they are must be that very character
    if data and (url or dataset or label):
        raise click.UsageError(
            "--data is for a file; --url, --dataset and --label are for a server. Use one or the other."
        )
    form = choose_form(form, out)
    texts = {name: [text] for name, text in (("question", question), ("state", state)) if text is not None} | parameters
    try:
        if data:
            # What a server would do takes long to import; and structlog needs nothing of rich.
            with quick_imports(without="rich"):
                from meantime.cli.ask_file import ask_file
                from meantime.dataset.reading import source

            settings = read_settings(file=config, options=options)
            table = source.parse_source(data, columns, said)
            result = ask_file(table, settings, statistic, texts, cached=cached)
        else:
            result = _ask_server(url or DEFAULT_URL, statistic, texts, dataset=dataset, label=label)
    except RequestInvalid as error:
        raise RequestInvalid(in_options(error, statistic), problems=error.problems) from error
    write_result(result, form, out, look, wide=wide)


def _ask_server(
    url: str, statistic: str, texts: Mapping[str, Sequence[str]], *, dataset: str | None, label: str | None
) -> Result:
    from meantime.cli.server import QUICK_RETRY_S, result_of
    from meantime.client import arguments
    from meantime.client.blocking import Client

    with Client(url, retry_for_s=QUICK_RETRY_S) as client:
        raw = arguments.plain(texts)
        if raw is None:
            raw = arguments.parameters(texts, client.statistic(statistic).parameters)
        started = client.start(statistic, dataset=dataset, label=label, **raw)
        return started if isinstance(started, Result) else result_of(started, url)
