"""The page at /: what is loaded, what can be asked, and where the documents are. Plain HTML, no script.

It lives until there is an explorer. Every text from a file is somebody else's, and is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from html import escape

import msgspec

from meantime.dataset.catalog import Catalog, Failed, Loading, Ready, Status
from meantime.dataset.snapshot import Snapshot
from meantime.engine.engine import Engine
from meantime.statistics.registry import STATISTICS
from meantime.web import classic
from meantime.web.reply import Reply

# A page is for reading; a table with more questions than this is for the API.
_QUESTIONS_SHOWN = 200

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d5d9de, #3a4048); --soft: light-dark(#f4f5f7, #1d2126);
  --loud: light-dark(#8a4b00, #ffb454); --link: light-dark(#0b5bbf, #7db4ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 52rem; line-height: 1.5;
  font-family: system-ui, sans-serif; overflow-wrap: anywhere;
  background: light-dark(#fff, #14171a); color: light-dark(#1b1f24, #e4e7eb); }
h1 { margin: 0; font-size: 1.75rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
p { margin: .5rem 0; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
  white-space: pre-wrap; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; margin: 0; }
dt { grid-column: 1; } dd { grid-column: 2; margin: 0; }
@media (max-width: 34rem) { dl { display: block; } dd { margin: 0 0 .6rem; } }
ol { padding-left: 1.5rem; }
progress { width: 100%; height: 1rem; }
.loud { border: 2px solid var(--loud); border-radius: 6px; padding: .5rem .75rem; color: var(--loud);
  font-weight: 600; }
.soft { opacity: .75; }
"""

_DOCUMENTS = (
    '<p>For machines: <a href="/openapi.json">/openapi.json</a>. For people, in the folder <code>docs</code> of '
    "Meantime's source: <code>classic-api.md</code>, <code>settings.md</code>, <code>operating.md</code>.</p>"
)

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    (
        "content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("vary", "accept"),
)


def render(*, engine: Engine, catalog: Catalog, host: str) -> Reply:
    """Return the page as things stand. ``host`` is the name by which the reader called us, for the examples."""
    stands = {name: catalog.status(name) for name in catalog.names}
    is_loading = any(isinstance(status, Loading) for status in stands.values())
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Without a script, this is how progress moves.
        '<meta http-equiv="refresh" content="2">' if is_loading else "",
        f"<title>Meantime</title><style>{_STYLE}</style></head><body>",
        "<h1>Meantime</h1><p>Statistics over indicator data, in the meantime.</p>",
        "" if engine.is_accepting else '<p class="loud">This server is shutting down: it takes no new jobs.</p>',
        "<main>",
        "<h2>What is loaded</h2>",
        *(_dataset(name, status, is_default=name == catalog.default) for name, status in stands.items()),
        "<h2>What can be asked</h2>",
        _routes(stands[catalog.default], host),
        "<h2>Documents</h2>",
        _DOCUMENTS,
        "</main></body></html>",
    ]
    # A file's name may hold bytes that are no text.
    page = "".join(parts).encode("utf-8", "backslashreplace")
    return Reply(200, page, content_type="text/html; charset=utf-8", headers=_HEADERS)


def _dataset(name: str, status: Status, *, is_default: bool) -> str:
    note = ' <span class="soft">(the classic API asks this one)</span>' if is_default else ""
    heading = f"<h3>{escape(name)}{note}</h3>"
    match status:
        case Loading(progress=progress):
            rows = "" if progress.rows is None else f", {progress.rows:,} rows"
            percent = f"{progress.share:.0%}"
            return (
                f"{heading}<p>Loading: {escape(progress.phase)}, {percent}{rows}. Jobs are accepted and wait.</p>"
                f'<progress max="1" value="{progress.share:.3f}">{percent}</progress>'
            )
        case Failed(error=error):
            return f'{heading}<p class="loud">Could not be loaded: {escape(error.reason)}</p>'
        case Ready(snapshot=snapshot):
            return heading + _ready(snapshot)


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
        f"<dt><code>POST /api/{name}</code></dt><dd>{escape(STATISTICS[name].help)}</dd>" for name in classic.STATISTICS
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
