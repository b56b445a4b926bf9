"""`meantime jobs`, `wait` and `cancel`: the jobs of a running server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click
from rich.table import Table as Grid

from meantime.charts.figure import Figure
from meantime.cli.output import (
    TABLE,
    chart_option,
    choose_form,
    form_option,
    out_option,
    wide_option,
    write_result,
    write_text,
)
from meantime.cli.reporting import report, say
from meantime.cli.server import QUICK_RETRY_S, result_of, url_option
from meantime.cli.terminal import output_console, plain
from meantime.client.blocking import Client
from meantime.client.jobs import JobStatus
from meantime.errors import JobFailed, JobInterrupted, ResultGone
from meantime.formats import document
from meantime.model import JobState
from meantime.text import share

_JOBS_SHOWN = 50
_STATES = tuple(str(state) for state in JobState)
_OUTCOMES = {
    "cancelled": "cancelled",
    "cancelling": "stopping",
    "ended": "already ended: {state}",
}


@click.command()
@url_option
@click.option(
    "--state",
    multiple=True,
    type=click.Choice(_STATES),
    help="Only jobs in this state. Can be repeated.",
)
@click.option("--statistic", help="Only jobs of this statistic.")
@click.option("--dataset", help="Only jobs of this data set.")
@click.option("--label", help="Only jobs with exactly this label.")
@click.option("--limit", type=click.IntRange(1), default=_JOBS_SHOWN, show_default=True, help="How many jobs to list.")
@click.option(
    "--format",
    "form",
    type=click.Choice([TABLE, "json"]),
    default=TABLE,
    show_default=True,
    help="json has everything that is known about each job.",
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
    """List the jobs of a running server, newest first."""
    with Client(url, retry_for_s=QUICK_RETRY_S) as client:
        matching = client.jobs(state=state, statistic=statistic, dataset=dataset, label=label)
        listed = [job.standing for job in islice(matching, limit)]
        is_more = next(matching, None) is not None
    more = f"Older jobs are not listed. Use --limit to list more than {len(listed):,}." if is_more else ""
    if form == "json":
        write_text(document.dumps(listed).decode() + "\n")
        if more:
            say(more, err=True)
        return
    grid = Grid("job", "state", "statistic", "data set", "label", "submitted")
    for job in listed:
        submitted = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        cells = (job.id, _state(job), job.statistic, job.dataset, job.label or "", submitted)
        grid.add_row(*(plain(cell) for cell in cells))
    console = output_console()
    console.print(grid)
    counts = Counter(job.state for job in listed)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "No jobs."
    console.print(f"{summary}. {more}" if more else summary)


def _state(job: JobStatus) -> str:
    return f"{job.state}, {share(job.progress)}" if job.state is JobState.RUNNING else str(job.state)


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@url_option
@form_option
@out_option
@chart_option
@wide_option
@click.pass_context
def wait(
    ctx: click.Context,
    job_ids: Sequence[str],
    url: str,
    form: str | None,
    out: Path | None,
    look: tuple[str | None, Figure],
    wide: bool,
) -> None:
    """Wait for each JOB_ID to end, and print its result. Ctrl-C stops the waiting, not the job."""
    if out is not None and len(job_ids) > 1:
        raise click.UsageError("--out takes one result. Wait for one job at a time.")
    form = choose_form(form, out)
    code = 0
    with Client(url) as client:
        awaited = [client.job(job_id) for job_id in job_ids]
        for job in awaited:
            try:
                write_result(result_of(job, url), form, out, look, wide=wide)
            except (JobFailed, JobInterrupted, ResultGone) as error:
                code = max(code, report(error))
    ctx.exit(code)


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@url_option
def cancel(job_ids: Sequence[str], url: str) -> None:
    """Cancel each JOB_ID that has not ended."""
    with Client(url, retry_for_s=QUICK_RETRY_S) as client:
        for job in [client.job(job_id) for job_id in job_ids]:
            outcome = job.cancel()
            say(f"{job.id}: {_OUTCOMES.get(outcome, outcome).format(state=job.state)}")
