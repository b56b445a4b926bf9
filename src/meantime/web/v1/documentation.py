"""The API's documentation: a page for people, the OpenAPI document, and a page for each kind of problem.

All are generated from the table of endpoints and problems.toml, need no network and no script, and do not change while
the server runs.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec

from meantime.errors import PathUnknown
from meantime.statistics.registry import STATISTICS
from meantime.web.backend import Backend
from meantime.web.http import conditional, html_page, problems
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.http.replies import JSON, Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1 import openapi

# Long enough to save repeated requests, short enough for a new version of the server to show soon.
_CACHE_CONTROL = "public, max-age=300"

_FAULTS: Mapping[str, str] = {
    "caller": "the caller, who changes the request",
    "data": "the owner of the data, who fixes the file",
    "operator": "the operator of the server",
    "server": "the server or its machine",
}


def documented(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints, and those of the documentation, which describes itself too."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi.document(every))

    # One page for each host name in the examples. Bounded, because the port can be anything.
    @lru_cache(8)
    def pages(host: str) -> bytes:
        return _documentation(every, host)

    async def read_document(_: Backend, request: HttpRequest) -> Reply:
        return _cacheable(request, document(), JSON)

    async def read_documentation(_: Backend, request: HttpRequest) -> Reply:
        return _cacheable(request, pages(request.header("host") or ""), html_page.MEDIA_TYPE, html_page.HEADERS)

    every = (*endpoints, *_rows(read_documentation=read_documentation, read_document=read_document))
    return every


async def read_problem(_: Backend, request: HttpRequest) -> Reply:
    """GET /v1/problems/{code}: what a kind of problem means, and what to do."""
    code = request.path_params["code"]
    if code not in problems.PAGES:
        raise PathUnknown(f"There is no kind of problem {code[:100]!r}; GET /v1 lists all of them.")
    return _cacheable(request, _page_of(code), html_page.MEDIA_TYPE, html_page.HEADERS)


def markdown_of(code: str) -> str:
    """Return the page about a kind of problem in Markdown, for docs/problems."""
    text = problems.PAGES[code]
    status, fault = _facts(code)
    return (
        f"# {text.title}\n\n`{code}`, status {status}. Responsible: {fault}.\n\n{text.happened}\n\n**What to do.** "
        f"{text.next}\n"
    )


def _cacheable(request: HttpRequest, body: bytes, media_type: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return conditional.answer(request, body, *headers, media_type=media_type, cache_control=_CACHE_CONTROL)


# The pages


def _page_of(code: str) -> bytes:
    text = problems.PAGES[code]
    status, fault = _facts(code)
    return html_page.render(
        f'<p><a href="/v1">Meantime, the v1 API</a></p><main><h1>{escape(text.title)}</h1>'
        f"<p><code>{escape(code)}</code>, status {status}. Responsible: {escape(fault)}.</p>"
        f"<p>{_inline(text.happened)}</p><h2>What to do</h2><p>{_inline(text.next)}</p></main>",
        title=f"{text.title} - Meantime",
    )


def _facts(code: str) -> tuple[int, str]:
    kind = problems.kind_of(code)
    fault = "depends on the job" if code == "job-failed" else _FAULTS[problems.fault_of(kind)]
    return problems.status_of(kind), fault


def _documentation(endpoints: Sequence[Endpoint], host: str) -> bytes:
    url = f"http://{host}"
    tags = {tag: [one for one in endpoints if one.tag == tag] for tag in openapi.TAGS}
    return html_page.render(
        "".join(
            (
                "<h1>Meantime, the v1 API</h1>",
                f"<p>{_inline(_WELCOME)}</p>",
                '<p>For machines: <a href="/v1/openapi.json">/v1/openapi.json</a>. To explore the data: '
                '<a href="/">the explorer</a>. The classic API: <a href="/openapi.json">/openapi.json</a>.</p>'
                "<nav><ul>",
                *(_contents(tag, rows) for tag, rows in tags.items() if rows),
                '<li><a href="#parameters">parameters of the statistics</a></li>',
                '<li><a href="#problems">problems</a></li></ul></nav><main>',
                *(_section(tag, rows, url) for tag, rows in tags.items() if rows),
                _statistics(),
                _problems(),
                "</main>",
            )
        ),
        title="Meantime, the v1 API",
    )


_WELCOME = (
    "Statistics over tables of survey indicators. A question gets an immediate answer (statistics) or becomes a "
    "durable job: once accepted, it survives a crash of the server. There is no need to poll: with `Prefer: "
    "wait=60` a response waits for a job to end, and event streams report every change. Every error is a problem "
    "(RFC 9457) that says what to do."
)


def _contents(tag: str, rows: Iterable[Endpoint]) -> str:
    links = ", ".join(f'<a href="#{row.name}">{escape(row.summary)}</a>' for row in rows)
    return f'<li><a href="#tag-{tag}">{tag}</a>: {links}</li>'


def _section(tag: str, rows: Iterable[Endpoint], url: str) -> str:
    return f'<h2 id="tag-{tag}">{tag}</h2><p>{_inline(openapi.TAGS[tag])}</p>' + "".join(
        _endpoint(row, url) for row in rows
    )


def _endpoint(row: Endpoint, url: str) -> str:
    outcomes = "".join(
        f"<dt>{outcome.status}</dt><dd>{_inline(outcome.description)}{_forms(outcome)}</dd>" for outcome in row.outcomes
    )
    return (
        f'<section><h3 id="{row.name}">{escape(row.summary)}</h3>'
        f"<p><code>{row.method} {escape(row.path)}</code></p><p>{_inline(row.description)}</p>"
        f"<pre>{escape(_curl(row, url))}</pre>"
        f"{_parameters(row)}<p>Responses:</p><dl>{outcomes}</dl>{_refusals(row)}</section>"
    )


def _refusals(row: Endpoint) -> str:
    by_status: dict[int, list[str]] = defaultdict(list)
    # Those that any request may get are listed once for all endpoints.
    for kind in dict.fromkeys(row.problems):
        if kind not in openapi.EVERYWHERE:
            by_status[problems.status_of(kind)].append(_link(problems.code_of(kind)))
    if not by_status:
        return ""
    text = "; ".join(f"{status} {', '.join(links)}" for status, links in sorted(by_status.items()))
    return f"<p>Problems: {text}.</p>"


def _parameters(row: Endpoint) -> str:
    described = [
        (
            parameter.name,
            f"in the {parameter.where}{', required' if parameter.required or parameter.where == 'path' else ''}",
            parameter.description,
        )
        for parameter in row.parameters
    ]
    if row.body is not None:
        described += [(name, f"in the body{needed}", text) for name, needed, text in _fields(row.body)]
    if not described:
        return ""
    return (
        "<p>Parameters:</p><dl>"
        + "".join(
            f'<dt><code>{escape(name)}</code></dt><dd><span class="soft">{where}.</span> {_inline(text)}</dd>'
            for name, where, text in described
        )
        + "</dl>"
    )


def _fields(kind: Any) -> list[tuple[str, str, str]]:
    """Return the fields of a type from its JSON Schema: name, whether it is required, description."""
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    schema = components[kind.__name__]
    return [
        (name, ", required" if name in schema["required"] else "", described.get("description", ""))
        for name, described in schema["properties"].items()
    ]


def _forms(outcome: Outcome) -> str:
    if not outcome.content:
        return ""
    return f'<br><span class="soft">{", ".join(map(escape, outcome.content))}</span>'


def _statistics() -> str:
    rows = "".join(
        f'<dt><a href="/v1/statistics/{quote(statistic.name)}"><code>{escape(statistic.name)}</code></a></dt>'
        f"<dd>{escape(statistic.help)}<br>"
        + ", ".join(
            f"<code>{escape(name)}</code>{' (required)' if needed else ''}"
            for name, needed, _ in _fields(statistic.parameters)
        )
        + "</dd>"
        for statistic in STATISTICS.values()
    )
    about = "For details of the parameters, and for what the numbers estimate, see the address of each statistic."
    return f'<h2 id="parameters">parameters of the statistics</h2><p>{about}</p><dl>{rows}</dl>'


def _problems() -> str:
    rows = "".join(
        f"<dt>{_facts(code)[0]} {_link(code)}</dt><dd>{escape(text.title)}</dd>"
        for code, text in sorted(problems.PAGES.items(), key=lambda item: (_facts(item[0])[0], item[0]))
    )
    everywhere = ", ".join(_link(problems.code_of(kind)) for kind in openapi.EVERYWHERE)
    return f'<h2 id="problems">problems</h2><p>Any request may get {everywhere}.</p><dl>{rows}</dl>'


def _link(code: str) -> str:
    return f'<a href="/v1/problems/{code}"><code>{code}</code></a>'


def _inline(text: str) -> str:
    """Return a sentence as HTML; backticks mark code.

    >>> _inline("`a<b` & c")
    '<code>a&lt;b</code> &amp; c'
    """
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text, quote=False)).replace("\n", "<br>")


def _curl(row: Endpoint, url: str) -> str:
    """Return a curl command for an endpoint, with the examples of its parameters."""
    path = row.path
    query = []
    options = []
    for parameter in row.parameters:
        if parameter.where == "path":
            value = str(parameter.name.upper() if parameter.example is None else parameter.example)
            path = path.replace(f"{{{parameter.name}}}", quote(value, safe=""))
        elif parameter.where == "query" and (parameter.required or parameter.name in _SHOWN_IN_QUERY):
            query.append((parameter.name, parameter.example))
        elif parameter.where == "header" and parameter.example is not None and parameter.name in _SHOWN_HEADERS:
            options += ["-H", shlex.quote(f"{parameter.name}: {parameter.example}")]
    address = f"{url}{path}" + (f"?{urlencode(query, doseq=True, quote_via=quote)}" if query else "")
    if row.body_example is not None:
        options += ["--json", shlex.quote(msgspec.json.encode(row.body_example).decode())]
    elif row.body_media:
        options += ["-H", shlex.quote(f"Content-Type: {row.body_media}"), "--data-binary", "@obesity.csv"]
    elif row.method != "GET":
        options += ["-X", row.method]
    if any("text/event-stream" in outcome.content for outcome in row.outcomes):
        options.append("-N")
    return " ".join(("curl", shlex.quote(address), *options))


# Only those that make a better example.
_SHOWN_HEADERS = ("Prefer", "Accept")
_SHOWN_IN_QUERY = ("question",)


# The rows

_HEADERS = (
    Header(name="ETag", description="Identifies exactly these bytes."),
    Header(name="Cache-Control", description=f"`{_CACHE_CONTROL}`."),
)
_UNCHANGED = Outcome(status=304, description="The client's copy is current.", headers=_HEADERS)


def _rows(*, read_documentation: Any, read_document: Any) -> tuple[Endpoint, ...]:
    def row(
        name: str, path: str, summary: str, description: str, media_type: str, kind: Any, handle: Any, **more: Any
    ) -> Endpoint:
        parameters: tuple[Parameter, ...] = more.pop("parameters", ())
        return Endpoint(
            name=name,
            method="GET",
            path=path,
            tag="server",
            summary=summary,
            description=description,
            handle=handle,
            parameters=(*parameters, conditional.IF_NONE_MATCH),
            is_open=True,
            outcomes=(
                Outcome(status=200, description="The document.", content={media_type: kind}, headers=_HEADERS),
                _UNCHANGED,
            ),
            **more,
        )

    return (
        row(
            "get_documentation",
            "/v1",
            "Documentation",
            "A web page with every endpoint and examples. It needs no network and no scripts.",
            "text/html",
            None,
            read_documentation,
        ),
        row(
            "get_openapi",
            "/v1/openapi.json",
            "OpenAPI document",
            "OpenAPI 3.1: every endpoint, type, header and problem, with examples.",
            JSON,
            dict[str, Any],
            read_document,
        ),
        row(
            "get_problem",
            "/v1/problems/{code}",
            "Get the page about a kind of problem",
            "A web page at the address that is the `type` of such problems: what happened, and what to do.",
            "text/html",
            None,
            read_problem,
            parameters=(
                Parameter(
                    name="code",
                    where="path",
                    kind=Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]*$")],
                    description="The `code` of the problem.",
                    required=True,
                    example="request-invalid",
                ),
            ),
            problems=(PathUnknown,),
        ),
    )
