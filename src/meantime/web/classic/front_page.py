"""The page at / inside Flask: what is loaded, what can be asked, and where the documents are. Plain HTML, no script.

The main server has the explorer there, which asks the v1 API; Flask does not carry that. Every text from a file is
somebody else's, and is escaped.
"""

from __future__ import annotations

import shlex
from html import escape

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Ready, Status
from meantime.dataset.snapshot import Snapshot
from meantime.engine.engine import Engine
from meantime.errors import MeantimeError
from meantime.statistics.registry import STATISTICS
from meantime.text import share
from meantime.web.classic import contract
from meantime.web.http import html_page
from meantime.web.http.replies import Reply

# A page is for reading; a table with more questions than this is for the API.
_QUESTIONS_SHOWN = 200

_DOCUMENTS = (
    '<p>For machines: <a href="/openapi.json">/openapi.json</a>. For people, in the folder <code>docs</code> of '
    "Meantime's source: <code>classic-api.md</code>, <code>settings.md</code>, <code>operating.md</code>.</p>"
)


def render(*, engine: Engine, catalog: Catalog, host: str) -> Reply:
    """Return the page as things stand. ``host`` is the name by which the reader called us, for the examples."""
    stands = {name: catalog.status(name) for name in catalog.names}
    is_loading = any(isinstance(status, Loading) for status in stands.values())
    parts = [
        "<h1>Meantime</h1><p>Statistics over indicator data, in the meantime.</p>",
        "" if engine.is_accepting else '<p class="loud">This server is shutting down: it takes no new jobs.</p>',
        "<main>",
        "<h2>What is loaded</h2>",
        *(_dataset(name, status, is_default=name == catalog.default) for name, status in stands.items()),
        "<h2>What can be asked</h2>",
        _routes(stands[catalog.default], host),
        "<h2>Documents</h2>",
        _DOCUMENTS,
        "</main>",
    ]
    return Reply(
        200,
        html_page.written(
            "".join(parts),
            title="Meantime",
            # Without a script, this is how progress moves.
            head='<meta http-equiv="refresh" content="2">' if is_loading else "",
        ),
        content_type=html_page.MEDIA_TYPE,
        headers=(*html_page.HEADERS, ("cache-control", "no-store"), ("vary", "accept")),
    )


def _dataset(name: str, status: Status, *, is_default: bool) -> str:
    note = ' <span class="soft">(the classic API asks this one)</span>' if is_default else ""
    heading = f"<h3>{escape(name)}{note}</h3>"
    match status:
        case Loading(progress=progress):
            rows = "" if progress.rows is None else f", {progress.rows:,} rows"
            percent = share(progress.share)
            return (
                f"{heading}<p>Loading: {escape(progress.phase)}, {percent}{rows}. Jobs are accepted and wait.</p>"
                f'<progress max="1" value="{progress.share:.3f}">{percent}</progress>'
            )
        case Failed(error=error):
            return f'{heading}<p class="loud">Could not be loaded: {escape(error.reason)}</p>'
        case Ready(snapshot=snapshot, reload_error=trouble):
            return heading + _stale(trouble) + _ready(snapshot)


def _stale(error: MeantimeError | None) -> str:
    if error is None:
        return ""
    what = f"Its files have changed and cannot be served, so this is what was in them before: {error.reason}"
    return f'<p class="loud">{escape(what)}</p>'


def _ready(snapshot: Snapshot) -> str:
    about, labels = snapshot.about, snapshot.cube.labels
    withheld = int(snapshot.cube.by_question.moments.withheld.sum())
    parts = []
    if about.synthetic:
        parts.append(
            '<p class="loud">Synthetic data: made up by a program. No number here is about the real world.</p>'
        )
    parts.append(
        f"<p>{escape(about.title)}. {about.rows:,} rows ({withheld:,} withheld, "
        f"{about.rejected_total:,} lines rejected), {len(labels.locations):,} locations, "
        f"{len(labels.questions):,} questions.<br>"
        f'<span class="soft">Fingerprint <code>{escape(snapshot.fingerprint)}</code></span></p>'
    )
    parts += [f'<p class="soft">{escape(warning)}</p>' for warning in about.warnings]
    shown = labels.questions[:_QUESTIONS_SHOWN]
    more = len(labels.questions) - len(shown)
    parts.append(f"<ol>{''.join(f'<li>{escape(question)}</li>' for question in shown)}</ol>")
    if more:
        parts.append(f"<p>... and {more:,} more.</p>")
    return "".join(parts)


def _routes(status: Status, host: str) -> str:
    labels = status.snapshot.cube.labels if isinstance(status, Ready) else None
    question = labels.questions[0] if labels and labels.questions else "..."
    url = f"http://{host}"
    body = msgspec.json.encode({"question": question}).decode()
    ask = f"curl {url}/api/states_mean --json {shlex.quote(body)}"
    read = f"curl {url}/api/get_results/job_id_1"
    statistics = "".join(
        f"<dt><code>POST /api/{name}</code></dt><dd>{escape(STATISTICS[name].help)}</dd>"
        for name in contract.STATISTICS
    )
    reads = "".join(
        f"<dt><code>GET {path}</code></dt><dd>{text}</dd>"
        for path, text in (
            ("/api/get_results/job_id_N", "the state of a job, and its result"),
            ('<a href="/api/jobs">/api/jobs</a>', "every job and its state"),
            ('<a href="/api/num_jobs">/api/num_jobs</a>', "how many jobs are not ended"),
            ("/api/graceful_shutdown", "take no new jobs; from this machine only, or with the key"),
            ('<a href="/readyz">/readyz</a>, <a href="/livez">/livez</a>', "how the server stands"),
            ('<a href="/metrics">/metrics</a>', "what it counts, for Prometheus"),
        )
    )
    return f"<pre>{escape(ask)}\n{escape(read)}</pre><dl>{statistics}{reads}</dl>"
