"""The command line: parse, call, print. The only place that exits.

Answers go to standard output, everything else to standard error, so that an answer can be piped. Exit codes: 0 done,
1 Meantime's or the machine's fault, 2 something to mend in what was asked, in the file or in the settings.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid
from rich.text import Text

from meantime import assembly, log, settings
from meantime.client import typed
from meantime.client.blocking import Client, Job
from meantime.client.exchange import DEFAULT_URL
from meantime.client.result import Result, form_of
from meantime.client.seen import Standing
from meantime.compute import verifying
from meantime.compute.local import LocalCompute
from meantime.compute.verifying import Verdict
from meantime.dataset import sample as synthetic
from meantime.dataset import source as sources
from meantime.dataset.catalog import Catalog, Failed, Loading, Status, progress_of
from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    Fault,
    JobFailed,
    JobInterrupted,
    LoadCancelled,
    MeantimeError,
    RequestInvalid,
    ResultGone,
    ServerUnreachable,
    SettingInvalid,
    StatisticUnknown,
)
from meantime.formats import document
from meantime.formats.document import Document
from meantime.formats.forms import FORMS
from meantime.formats.markdown import rounded
from meantime.model import JobState, Request, Unwatched
from meantime.statistics import requests
from meantime.statistics.registry import STATISTICS
from meantime.statistics.requests import find
from meantime.statistics.spelling import closest, quoted, suggestion
from meantime.table import Kind, Table

# How many rejected lines, questions and so on `inspect` shows of a long list; the rest is counted.
_SHOWN = 20
# How an answer is written: as a table for a terminal, or in a form; those that are no text are no good there.
_FOR_EYES = "table"
_PRINTED = (_FOR_EYES, *(suffix for suffix, form in FORMS.items() if form.is_text))
_FORMS = (_FOR_EYES, *FORMS)
# Somebody sits and waits: a server that is being started anew is found, one that is not there is soon said not to be.
_RETRY_FOR_S = 2.0
_JOBS_SHOWN = 50
_WIDER_THAN_ANY = 100_000
_STATES = tuple(str(state) for state in JobState)
# What shells make of the end by Ctrl-C.
_INTERRUPTED = 130
# Control characters, but for the line end: in a label they could be commands to the terminal.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class _Commands(click.Group):
    """Turns our errors into one line and an exit code, in one place."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MeantimeError as error:
            ctx.exit(_say(error))
        except BrokenPipeError:
            # Whoever read our output has seen enough (`meantime ask ... | head`); that is no failure.
            _forget_output()
            ctx.exit(0)
        except OSError as error:
            # Most likely the output, on a full disk; what the system says names a file where it was another.
            click.echo(f"meantime: reading or writing failed: {error}.", err=True)
            _forget_output()
            ctx.exit(1)


def _say(error: MeantimeError) -> int:
    """Say what went wrong, and return the exit code for it."""
    # It may quote a file, or a server.
    click.echo(f"meantime: {_text(error.reason).plain}", err=True)
    return 1 if error.fault is Fault.SERVER else 2


def _forget_output() -> None:
    # What is still buffered could not be written either, and the interpreter would complain of it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="meantime", prog_name="meantime")
def main() -> None:
    """Ask a table of survey indicators a question, over HTTP or here.

    \b
    meantime serve obesity.csv             serve it on http://127.0.0.1:5000/
    meantime inspect obesity.csv           what is in it, and what could not be read
    meantime ask best5 --question obesity --data obesity.csv
    meantime jobs                          what that server has to do; ask, wait and cancel ask it too
    """  # noqa: D301 - click's mark for lines that stay as they are must be that very character
    # Standard output belongs to what was asked for.
    log.to_stderr()


def _columns_by_hand(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    by_hand: dict[str, str] = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not (role and equals and column):
            raise click.BadParameter(f"{pair!r} is not of the form ROLE=COLUMN, e.g. value=Prevalence")
        if role in by_hand:
            raise click.BadParameter(f"the role {role} has two columns, {by_hand[role]!r} and {column!r}: name one")
        by_hand[role] = column
    return by_hand


_column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=COLUMN",
    callback=_columns_by_hand,
    help="Which column has a role, where its name does not tell, e.g. value=Prevalence. May be given several times.",
)


def _setting_options(names: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for row in reversed(settings.SETTINGS):
            if row.name in names:
                default = f"default {row.default}" if row.default else "no default"
                command = click.option(
                    f"--{row.name.replace('_', '-')}",
                    row.name,
                    metavar="TEXT",
                    help=f"{row.help}  [{row.variable}; {default}]",
                )(command)
        return click.option(
            "--config",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="TOML file with settings, named as the options, with underscores.",
        )(command)

    return decorate


_READING = ("load_memory_mb", "rejected_limit")


@main.command()
@click.argument("paths", nargs=-1, metavar="[NAME=]PATH...")
@_column_option
@click.option("--verbose", "-v", is_flag=True, help="Every request at the terminal too, not only in webserver.log.")
@_setting_options([row.name for row in settings.SETTINGS])
def serve(paths: Sequence[str], columns: dict[str, str], verbose: bool, config: Path | None, **options: str) -> None:
    """Serve each PATH as a data set; without one, the built-in synthetic sample.

    PATH is a CSV, gzipped CSV or Parquet file, a folder, or a quoted glob of files of the same form. The classic API
    asks the first. Ctrl-C lets the queue drain and stops; a second one stops at once, and loses nothing. SIGHUP has the
    files read again that have changed.
    """
    chosen = settings.read(file=config, options=options)
    served = assembly.sources_to_serve(paths, columns)
    with _progress_bars() as show:
        code = assembly.serve(
            chosen,
            served,
            verbose=verbose,
            on_change=show,
            on_listening=lambda url: click.echo(f"Meantime listens at {url} (Ctrl-C stops it)", err=True),
        )
    sys.exit(code)


def _pairs(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is not of the form NAME=VALUE, e.g. limit=10")
        given.setdefault(name, []).append(value)
    return given


_url_option = click.option("--url", default=DEFAULT_URL, show_default=True, help="The server's address.")
_form_option = click.option(
    "--format", "form", type=click.Choice(_FORMS), help=f"How to write it.  [default: as --out says, or {_FOR_EYES}]"
)
_out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to, e.g. best.xlsx; standard output without."
)


@main.command()
@click.argument("statistic", metavar="STATISTIC")
@click.option("--question", help="The question in full, or any distinctive words of it.")
@click.option("--state", help="The location, for a statistic of one location.")
@click.option(
    "--parameter",
    "-p",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="Any parameter of the statistic. Several times with one name: a list.",
)
@click.option("--data", metavar="[NAME=]PATH", help="Ask this file, here, without a server.")
@click.option("--url", metavar="URL", help=f"Ask the server there.  [default: {DEFAULT_URL}]")
@click.option("--dataset", metavar="NAME", help="Which data set of the server.  [default: its first]")
@click.option("--label", help="A word of yours, by which `meantime jobs --label` finds the server's job.")
@_form_option
@_out_option
@_column_option
@_setting_options(_READING)
def ask(
    statistic: str,
    question: str | None,
    state: str | None,
    given: dict[str, list[str]],
    data: str | None,
    url: str | None,
    dataset: str | None,
    label: str | None,
    form: str | None,
    out: Path | None,
    columns: dict[str, str],
    config: Path | None,
    **options: str,
) -> None:
    """Ask STATISTIC of a file, or of a running server, and wait for the answer.

    \b
    meantime ask states_mean --question obesity --data obesity.csv
    meantime ask state_mean --question "no leisure-time" --state Utah --format json
    meantime ask summary --question obesity -p by=location -p quantiles=0.5 -p quantiles=0.9 --out obesity.xlsx
    """  # noqa: D301 - as above
    if data and (url or dataset or label):
        raise click.UsageError("--data asks a file; --url, --dataset and --label a server: give one or the other.")
    form = _form(form, out)
    texts = {name: [text] for name, text in (("question", question), ("state", state)) if text is not None} | given
    try:
        if data:
            answer = _asked_here(
                sources.parse(data, columns), settings.read(file=config, options=options), statistic, texts
            )
        else:
            answer = _asked_there(url or DEFAULT_URL, statistic, texts, dataset=dataset, label=label)
    except RequestInvalid as error:
        raise RequestInvalid(f"{error}\nParameters are given by --question, --state and -p NAME=VALUE.") from error
    _put_out(answer, form, out)


def _asked_here(
    source: sources.Source, chosen: settings.Settings, statistic: str, texts: Mapping[str, Sequence[str]]
) -> Result:
    if (row := STATISTICS.get(statistic)) is None:
        hint = suggestion(closest(statistic, tuple(STATISTICS)))
        raise StatisticUnknown(f"There is no statistic {quoted(statistic)}. {hint}There are: {', '.join(STATISTICS)}.")
    raw = typed.parameters(texts, msgspec.json.schema(row.parameters))
    # Before the file, which may take a while to read.
    checked = requests.check(statistic, raw, None, refuse_unknown=True)
    if isinstance(checked, tuple):
        raise RequestInvalid("\n".join(problem.detail for problem in checked), problems=checked)
    with _loaded(source, chosen) as catalog:
        snapshot = catalog.snapshot(catalog.default)
        labels = snapshot.cube.labels
        request = Request(
            dataset=catalog.default,
            statistic=statistic,
            parameters=_in_full(raw, labels.questions, labels.locations),
            fingerprint=snapshot.fingerprint,
            view="document",
        )
        return Result(LocalCompute(catalog).document(request, Unwatched()))


def _asked_there(
    url: str, statistic: str, texts: Mapping[str, Sequence[str]], *, dataset: str | None, label: str | None
) -> Result:
    with Client(url, retry_for_s=_RETRY_FOR_S) as client:
        raw = typed.parameters(texts, client.statistic(statistic).parameters)
        if not raw.keys().isdisjoint(_NAMED_BY_WORDS):
            asked = client.dataset(dataset)
            questions = [question.text for question in asked.questions or ()]
            raw = _in_full(raw, questions, [location.name for location in asked.locations or ()])
        job = client.submit(statistic, dataset=dataset, label=label, **raw)
        return _waited_for(job, url)


@main.command()
@_url_option
@click.option(
    "--state",
    multiple=True,
    type=click.Choice(_STATES),
    help="Only jobs in this state, or these.",
)
@click.option("--statistic", help="Only jobs of this statistic.")
@click.option("--dataset", help="Only jobs of this data set.")
@click.option("--label", help="Only jobs with exactly this label.")
@click.option("--limit", type=click.IntRange(1), default=_JOBS_SHOWN, show_default=True, help="The newest so many.")
@click.option(
    "--format",
    "form",
    type=click.Choice([_FOR_EYES, "json"]),
    default=_FOR_EYES,
    show_default=True,
    help="json: with all that is known of each.",
)
def jobs(
    url: str,
    state: Sequence[str],
    statistic: str | None,
    dataset: str | None,
    label: str | None,
    limit: int,
    form: str,
) -> None:
    """List the jobs of a running server, the newest first."""
    with Client(url, retry_for_s=_RETRY_FOR_S) as client:
        listed = client.jobs(state=state, statistic=statistic, dataset=dataset, label=label)
        known = [job.standing for job in islice(listed, limit)]
        is_more = next(listed, None) is not None
    if form == "json":
        click.echo(document.dumps(known))
        return
    grid = Grid("job", "state", "statistic", "data set", "label", "accepted")
    for job in known:
        accepted = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        words = (job.id, _state(job), job.statistic, job.dataset, job.label or "", accepted)
        grid.add_row(*(_text(word) for word in words))
    console = _console()
    console.print(grid)
    counts = Counter(job.state for job in known)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "No jobs."
    console.print(told + (", and older ones: see --limit." if is_more else ""))


def _state(job: Standing) -> str:
    return f"{job.state}, {job.progress:.0%}" if job.state is JobState.RUNNING else str(job.state)


@main.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@_url_option
@_form_option
@_out_option
@click.pass_context
def wait(ctx: click.Context, job_ids: Sequence[str], url: str, form: str | None, out: Path | None) -> None:
    """Wait until each JOB_ID has ended, and print its result. Ctrl-C stops waiting, not the job."""
    if out is not None and len(job_ids) > 1:
        raise click.UsageError("--out takes one result: wait for one job at a time.")
    form = _form(form, out)
    code = 0
    with Client(url) as client:
        found = [client.job(job_id) for job_id in job_ids]
        for job in found:
            try:
                _put_out(_waited_for(job, url), form, out)
            except (JobFailed, JobInterrupted, ResultGone) as error:
                code = max(code, _say(error))
    ctx.exit(code)


@main.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@_url_option
def cancel(job_ids: Sequence[str], url: str) -> None:
    """Cancel each JOB_ID, unless it has ended."""
    with Client(url, retry_for_s=_RETRY_FOR_S) as client:
        for job in [client.job(job_id) for job_id in job_ids]:
            outcome = job.cancel()
            click.echo(f"{job.id}: {_OUTCOMES.get(outcome, outcome).format(state=job.state)}")


_OUTCOMES = {
    "cancelled": "cancelled",
    "cancelling": "stops at its next check",
    "ended": "had ended already: {state}",
}


def _waited_for(job: Job, url: str) -> Result:
    """Wait, with a bar at a terminal, and return the result; whoever has enough is told how to find the job again."""
    where = "" if url == DEFAULT_URL else f" --url {shlex.quote(url)}"
    found_again = (
        f"{job.id} goes on without us: `meantime wait {job.id}{where}` waits for it again, "
        f"`meantime cancel {job.id}{where}` ends it."
    )
    try:
        with _bar(job.id) as show:
            job.wait(on_look=lambda known: show(known.progress))
        return job.result()
    except KeyboardInterrupt:
        click.echo(f"\n{found_again}", err=True)
        sys.exit(_INTERRUPTED)
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{error}\n{found_again}") from error


@main.command()
@click.argument("path", metavar="[NAME=]PATH")
@_column_option
@_setting_options(_READING)
def inspect(path: str, columns: dict[str, str], config: Path | None, **options: str) -> None:
    """Read PATH and say what is in it: roles, questions, locations, strata, years, withheld values, rejected lines."""
    chosen = settings.read(file=config, options=options)
    with _loaded(sources.parse(path, columns), chosen) as catalog:
        _print_findings(catalog.snapshot(catalog.default), _console())


# Exit codes of `verify`: beside 0, so that a script can tell "wrong" from "not to be judged here".
_VERDICTS = {Verdict.SAME: 0, Verdict.DIFFERS: 1, Verdict.CANNOT_TELL: 2}


@main.command()
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="RESULT")
@click.option("--data", required=True, metavar="PATH", help="The file that it was made from.")
@_column_option
@_setting_options(_READING)
def verify(result: Path, data: str, columns: dict[str, str], config: Path | None, **options: str) -> None:
    """Compute RESULT again from the data, and compare byte for byte.

    RESULT is a result as JSON: what `meantime ask --format json` prints, or a server sends. Exit code 0: the same, if
    only but for how the JSON is laid out. 1: it differs. 2: that cannot be told here, since the data are others, or the
    method is of another version.
    """
    body = result.read_bytes()
    given = verifying.read(body)
    if isinstance(given, Document):
        chosen = settings.read(file=config, options=options)
        with _loaded(sources.parse(data, columns), chosen) as catalog:
            found = verifying.verify(body, given, catalog.snapshot(catalog.default))
    else:
        found = given
    click.echo(_text(found.reason).plain)
    sys.exit(_VERDICTS[found.verdict])


@main.command()
@click.option("--rows", type=int, default=assembly.SAMPLE_ROWS, show_default=True, help="20,000 to 100,000,000.")
@click.option("--seed", type=int, default=assembly.SAMPLE_SEED, show_default=True, help="The same seed, the same file.")
@click.option("--truth", type=click.Path(dir_okay=False, path_type=Path), help="Write the true values to this file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to; standard output without it.")
def sample(rows: int, seed: int, truth: Path | None, out: Path | None) -> None:
    """Write a synthetic table in the CDC's schema, for trying things out. It says that it is synthetic."""
    if out is not None and truth is not None and out.resolve() == truth.resolve():
        raise click.UsageError("--out and --truth are the same file: give each its own.")
    with ExitStack() as opened, _bar("writing the sample") as show:
        table = opened.enter_context(_written(out)) if out and str(out) != "-" else sys.stdout.buffer
        values = opened.enter_context(_written(truth)) if truth else None
        synthetic.write_sample(table, rows=rows, seed=seed, truth=values, on_progress=show)


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes its name only when it is whole; what has the name already stays until then.

    Raises:
        SettingInvalid: it cannot be made there.
    """
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced.
            with path.open("wb") as file:
                yield file
            return
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        file = part.open("xb")
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be written: {error.strerror}. Name another file.") from error
    try:
        with file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Console(Console):
    """Standard output for people and pipes."""

    def on_broken_pipe(self) -> None:
        # rich would end with exit code 1; whoever closed the pipe has seen enough, and that is no failure.
        raise BrokenPipeError


def _console() -> Console:
    # A pipe has no width; rich would take 80 characters, in which the questions of the CDC have three lines each.
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    return _Console(width=wide, soft_wrap=True)


@contextmanager
def _loaded(source: sources.Source, chosen: settings.Settings) -> Iterator[Catalog]:
    """A catalog with one data set, read now, in a folder that goes away afterwards.

    Raises:
        MeantimeError: the file cannot become a data set.
    """
    decided = threading.Event()
    with tempfile.TemporaryDirectory(prefix="meantime-") as folder, _progress_bars() as show:
        catalog = Catalog(
            [source],
            folder=Path(folder),
            ingestor=assembly.data_ingestor(chosen),
            on_death=lambda _role, _error: decided.set(),
        )
        # SIGTERM as Ctrl-C: the folder and the reading process must not outlive us.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        catalog.on_change(show or _Lines())
        catalog.on_open(lambda _name: decided.set())
        try:
            catalog.start()
            try:
                decided.wait()
            except KeyboardInterrupt:
                raise LoadCancelled("Reading was cancelled; nothing was kept.") from None
            status = catalog.status(source.name)
            if isinstance(status, Failed):
                raise status.error
            yield catalog
        finally:
            catalog.close()
            signal.signal(signal.SIGTERM, before)


# Parameters for which words of a location's name will do. Not `locations`: there a word may be a set of them.
_LOCATION_BY_WORDS = ("state", "location", "reference")
_NAMED_BY_WORDS = ("question", *_LOCATION_BY_WORDS)


def _in_full(raw: Mapping[str, Any], questions: Sequence[str], locations: Sequence[str]) -> dict[str, Any]:
    """Put full names where words of them were given, one by one in a list.

    Raises:
        RequestInvalid: the words fit none, or more than one; the message lists the closest.
    """
    full = dict(raw)
    for name, known in ({"question": questions} | dict.fromkeys(_LOCATION_BY_WORDS, locations)).items():
        words = raw.get(name)
        if isinstance(words, str):
            full[name] = _named(name, words, known)
        elif isinstance(words, list):
            full[name] = [_named(name, each, known) for each in words]
    return full


def _named(name: str, words: str, known: Sequence[str]) -> str:
    found = find(words, known)
    if len(found) == 1 or words == "":
        return found[0] if found else words
    # Where nothing is like it, what there is: somebody who asks for a word of another table sees that.
    near = found or closest(words, known) or tuple(known)
    listed = "".join(f"\n  {text}" for text in near[:_SHOWN])
    why = "fits more than one" if found else "fits none"
    which = f" {'Those' if found else 'The closest'} are:{listed}" if near else ""
    raise RequestInvalid(f"The {name} {words!r} {why}.{which}")


def _form(form: str | None, out: Path | None) -> str:
    """Decide how to write: as was said, as the file's name says, or for eyes."""
    if form is None:
        return _FOR_EYES if out is None or str(out) == "-" else form_of(out).suffix
    if form not in _PRINTED and out is None and sys.stdout.isatty():
        raise click.UsageError(
            f"{form} is nothing for a terminal: name a file with --out, or - to have it all the same."
        )
    return form


def _put_out(answer: Result, form: str, out: Path | None) -> None:
    if form == _FOR_EYES:
        _print_answer(answer.document, _console())
        return
    with ExitStack() as opened:
        file = opened.enter_context(_written(out)) if out and str(out) != "-" else sys.stdout.buffer
        file.writelines(answer.pieces(FORMS[form]))
        if form == "json":
            file.write(b"\n")  # the other texts end their lines themselves
        file.flush()


def _print_answer(answer: Document, console: Console) -> None:
    table = answer.table
    names = [column.name + (f" ({column.unit})" if column.unit else "") for column in table.columns]
    grid = Grid()
    for column, name in zip(table.columns, names, strict=True):
        grid.add_column(_text(name), justify="left" if column.kind is Kind.TEXT else "right")
    for row in table.rows():
        grid.add_row(*(_for_people(cell) for cell in row))
    if _needs(grid, console) <= console.width:
        console.print(grid)
    else:
        _print_row_by_row(table, names, console)
    for said in (*table.findings, *table.notes):
        console.print(_text(said))
    for warning in table.warnings:
        console.print(_text(f"Beware: {warning}"))


def _needs(grid: Grid, console: Console) -> int:
    """Return how many characters wide a grid must be for no word in it to be cut: half a number is another number."""
    as_wide_as_it_likes = console.options.update(width=_WIDER_THAN_ANY)
    return console.measure(grid, options=as_wide_as_it_likes).minimum


def _print_row_by_row(table: Table, names: Sequence[str], console: Console) -> None:
    for row in table.rows():
        record = Grid(show_header=False, box=None)
        for name, cell in zip(names, row, strict=True):
            record.add_row(_text(name), _for_people(cell))
        console.print(record)
        console.print()


def _text(words: str, style: str = "") -> Text:
    """Words for the terminal, some from a file: nothing in them is markup, or a command to the terminal."""
    return Text(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", words), style=style)


def _for_people(cell: object) -> Text:
    if cell is None:
        return _text("")
    return _text(rounded(cell) if isinstance(cell, float) else str(cell))


def _print_findings(snapshot: Snapshot, console: Console) -> None:
    about, cube = snapshot.about, snapshot.cube
    labels = cube.labels
    if about.synthetic:
        console.print(_text("SYNTHETIC: made by `meantime sample`; these are not real figures.", style="bold"))
    console.print(_text(about.title, style="bold"))
    facts = Grid(show_header=False, box=None)
    facts.add_row("files", _text(", ".join(about.files[:_SHOWN])))
    facts.add_row(
        "read as", _text(f"{about.encoding}, delimiter {about.delimiter!r}, decimal mark {about.decimal_mark!r}")
    )
    facts.add_row("rows", f"{about.rows:,} in {len(cube.cells):,} cells")
    withheld = cube.withheld_by_reason()
    facts.add_row("withheld", f"{sum(withheld.values()):,}")
    facts.add_row("rejected", f"{about.rejected_total:,}")
    years = labels.periods
    facts.add_row("years", f"{years[0].first} to {max(year.last for year in years)}" if years else "none given")
    facts.add_row("locations", f"{len(labels.locations):,}: {_listed(labels.locations)}")
    facts.add_row("fingerprint", snapshot.fingerprint)
    console.print(facts)
    _print_roles(snapshot, console)
    _print_questions(snapshot, console)
    _print_strata(snapshot, console)
    for warning in about.warnings:
        console.print(_text(f"Beware: {warning}"))
    if withheld:
        console.print(_text("\nWithheld values, by reason (kept and counted, never taken as 0)", style="bold"))
        for reason, count in list(withheld.items())[:_SHOWN]:
            console.print(_text(f"  {count:>9,}  {reason}"))
    if about.rejected_total:
        _print_rejected(snapshot, console)


def _print_roles(snapshot: Snapshot, console: Console) -> None:
    console.print(_text("\nRoles", style="bold"))
    for role, column in snapshot.about.roles.items():
        console.print(_text(f"  {role:<22} {column}"))
    unused = [column for column in snapshot.about.columns if column not in snapshot.about.roles.values()]
    if unused:
        console.print(_text(f"  {'not used':<22} {', '.join(unused)}"))


def _print_questions(snapshot: Snapshot, console: Console) -> None:
    console.print(_text("\nQuestions", style="bold"))
    grid = Grid("question", "rows", "unit", "good values")
    cube = snapshot.cube
    moments = cube.by_question.moments
    for question, rows in zip(
        snapshot.about.questions[:_SHOWN], (moments.count + moments.withheld).tolist(), strict=False
    ):
        grid.add_row(
            _text(question.text), f"{rows:,}", _text(question.unit or "not said"), question.polarity or "not said"
        )
    console.print(grid)
    if len(snapshot.about.questions) > _SHOWN:
        console.print(f"  and {len(snapshot.about.questions) - _SHOWN:,} more")
    if any(question.polarity is None for question in snapshot.about.questions):
        console.print(
            _text(
                "  best5 and worst5 need to know which values are good. Say it in a TOML file beside the data:\n"
                '  [questions."the full text"]\n  polarity = "lower"'
            )
        )


def _print_strata(snapshot: Snapshot, console: Console) -> None:
    cube = snapshot.cube
    pairs = sorted({(category, stratum) for category, stratum in cube.by_stratum.keys[:, 2:].tolist() if category >= 0})
    if not pairs:
        return
    console.print(_text("\nStrata", style="bold"))
    by_category: dict[str, list[str]] = {}
    for category, stratum in pairs:
        names = by_category.setdefault(cube.labels.categories[category], [])
        names.append(cube.labels.strata[stratum] if stratum >= 0 else "(none)")
    for name, strata in list(by_category.items())[:_SHOWN]:
        console.print(_text(f"  {name}: {_listed(strata)}"))


def _print_rejected(snapshot: Snapshot, console: Console) -> None:
    about = snapshot.about
    console.print(_text("\nRejected lines (not in any number)", style="bold"))
    for rejected in about.rejected[:_SHOWN]:
        console.print(_text(f"  {rejected.file}, line {rejected.line}: {rejected.reason}"))
    if about.rejected_total > _SHOWN:
        console.print(f"  and {about.rejected_total - _SHOWN:,} more")
    console.print(
        _text(
            "  Look at these lines in the file: a stray quote, a delimiter inside an unquoted text or a line that was\n"
            "  cut is the usual cause. Mend them at the source; the other lines are read all the same."
        )
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    # "Washington, Utah" is one place.
    between = "; " if any(", " in name for name in names) else ", "
    return between.join(names[:_SHOWN]) + (f"{between}and {more:,} more" if more > 0 else "")


@contextmanager
def _progress_bars() -> Iterator[Callable[[str, Status], None] | None]:
    """Bars at a terminal; elsewhere nothing to show them with."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with _bars(console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, status: Status) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=1.0)
            if (progress := progress_of(status)) is None:
                bars.update(tasks[name], visible=False)
            else:
                described = f"{name}: {progress.phase}"
                bars.update(tasks[name], completed=progress.share, description=described, visible=True)

        yield show


class _Lines:
    """A line for each phase of reading, where there is no terminal for a bar."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, name: str, status: Status) -> None:
        if isinstance(status, Loading) and status.progress.phase != self._said:
            self._said = status.progress.phase
            click.echo(f"{name}: {self._said}", err=True)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _share: None
        return
    with _bars(console) as bars:
        task = bars.add_task(what, total=1.0)
        yield lambda share: bars.update(task, completed=share)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
