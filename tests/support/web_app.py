"""The web application for a test: real catalog, engine and stores; only the reading of files is staged."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from flask import Flask
from starlette.routing import Router
from starlette.types import ASGIApp

from meantime.access.keys import KeyRing
from meantime.compute.local import LocalCompute
from meantime.dataset import snapshot_writer
from meantime.dataset.catalog import Catalog
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.engine.engine import Engine
from meantime.engine.ports import JobStore
from meantime.engine.wiring import create_engine
from meantime.errors import MeantimeError
from meantime.log import Log
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from meantime.web.app import create_app
from meantime.web.explorer.drawing import Drawing
from meantime.web.explorer.serving import Explorer
from meantime.web.http.access import Access
from meantime.web.http.bodies import BodyMemory
from meantime.web.long_poll import JobWaiters
from meantime.web.metrics import Metrics
from tests.support import factories, flask_app
from tests.support.waiting import PATIENCE_S, wait_for

OBESITY = "Percent of adults aged 18 years and older who have obesity"
WALKS = "Walks a week"  # without polarity
KEEP_ENDED_S = 3600.0


def table() -> Snapshot:
    """Two questions, three states and the nation; Guam's only row is withheld."""
    row = factories.row
    return factories.snapshot(
        [
            row(OBESITY, "Utah", "20", category="Sex", stratum="Male"),
            row(OBESITY, "Utah", "25.5", category="Sex", stratum="Female"),
            row(OBESITY, "Ohio", "30", category="Sex", stratum="Male"),
            row(OBESITY, "National", "29.1"),
            row(OBESITY, "Guam", None, reason="~"),
            row(WALKS, "Utah", "3"),
        ],
        polarity={OBESITY: "lower"},
    )


class StagedIngestor:
    """Reads no file: a source becomes what was said beforehand, when ``go_on`` is set."""

    rejected_limit = 0.05

    def __init__(self, outcomes: Mapping[str, Snapshot | MeantimeError], scratch: Path) -> None:
        self._outcomes = outcomes
        self._scratch = scratch
        self.is_reading = threading.Event()
        self.go_on = threading.Event()

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,  # noqa: ARG002 - the port has it
    ) -> Path:
        on_progress(Progress(phase="reading", share=0.42, rows=1234))
        self.is_reading.set()
        wait_for(self.go_on, "the test has not let the data sets be read")
        outcome = self._outcomes[source.name]
        if isinstance(outcome, MeantimeError):
            raise outcome
        rows = [self._scratch / f"{source.name}-{number}" for number, _ in enumerate(outcome.about.files)]
        for path in rows:
            path.write_bytes(b"")
        return snapshot_writer.write_snapshot(outcome.cube, outcome.about, rows, into)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running application, and the parts that tests use."""

    app: Router | Flask
    engine: Engine
    catalog: Catalog
    metrics: Metrics
    ingestor: StagedIngestor
    decided: threading.Event  # every data set is ready or failed
    results: MemoryResultStore

    def load(self) -> None:
        """Let the data sets be loaded, and wait until they are."""
        self.ingestor.go_on.set()
        wait_for(self.decided, "a data set is neither ready nor failed")

    def ask(self, method: str, target: str, **more: Any) -> Answer:
        """Send one request; see ``send``."""
        if isinstance(self.app, Flask):
            return Answer(*flask_app.send(self.app, method, target, **more))
        return asyncio.run(asyncio.wait_for(send(self.app, method, target, **more), PATIENCE_S))

    def post(self, statistic: str, **parameters: Any) -> Answer:
        """Submit a request for a statistic as a well-behaved client does."""
        return self.ask("POST", f"/api/{statistic}", body=json.dumps(parameters).encode())

    def result(self, statistic: str, **parameters: Any) -> Answer:
        """Submit a request for a statistic, wait for the job, and return the answer with its result."""
        job_id = self.post(statistic, **parameters).json["job_id"]
        assert self.engine.wait_drained(30)
        return self.ask("GET", f"/api/get_results/{job_id}")


# What serves the contract: the main server's ASGI application, Flask, or Flask's blueprint inside somebody else's
# application and under another prefix. The answers are the same.
FRAMEWORKS = ("asgi", "flask", "blueprint")
_framework = ContextVar("framework", default="asgi")


@contextmanager
def using_framework(name: str) -> Iterator[None]:
    """Serve with another framework while the block runs."""
    token = _framework.set(name)
    try:
        yield
    finally:
        _framework.reset(token)


@contextmanager
def served(
    tmp_path: Path,
    *,
    outcomes: Mapping[str, Snapshot | MeantimeError] | None = None,
    admin_key: str | None = None,
    access: Access | None = None,
    allowed_hosts: Sequence[str] = (),
    log: Log | None = None,
    queue_limit: int = 1000,
    keep_ended_jobs: int = 1000,
    jobs: JobStore | None = None,
    memory: BodyMemory | None = None,
    origins: Sequence[str] = (),
    proxies: Sequence[str] = (),
    is_loaded: bool = True,
) -> Iterator[Served]:
    """Serve ``outcomes``, by default the table above, loaded or still being read."""
    outcomes = outcomes or {"table": table()}
    sources = []
    for name in outcomes:
        path = tmp_path / f"{name}.csv"
        path.write_text("read by nobody")
        sources.append(Source(name=name, path=str(path)))
    ingestor = StagedIngestor(outcomes, tmp_path)
    failures: list[object] = []
    catalog = Catalog(
        sources, folder=tmp_path / "snapshots", ingestor=ingestor, on_death=lambda *what: failures.append(what)
    )
    undecided, decided = set(outcomes), threading.Event()

    def note(name: str) -> None:
        undecided.discard(name)
        if not undecided:
            decided.set()

    metrics, results, compute = Metrics(), MemoryResultStore(), LocalCompute(catalog)
    engine = create_engine(
        jobs=jobs or MemoryJobStore(),
        results=results,
        compute=compute,
        gate=catalog,
        clock=time.time,
        threads=2,
        queue_limit=queue_limit,
        job_time_limit_s=60,
        keep_ended_s=KEEP_ENDED_S,
        keep_ended_jobs=keep_ended_jobs,
        observer=metrics,
        on_fatal=failures.append,
    )
    makers: Mapping[str, Callable[..., Router | Flask]] = {
        "asgi": partial(
            create_app,
            compute=compute,
            keep_ended_s=KEEP_ENDED_S,
            waiters=JobWaiters(),
            memory=memory,
            allowed_origins=origins,
            trusted_proxies=proxies,
            explorer=Explorer(Drawing(tmp_path / "explorer"), frame_ancestors="'none'"),
        ),
        "flask": flask_app.whole_app,
        "blueprint": flask_app.blueprint_in_a_foreign_app,
    }
    app = makers[_framework.get()](
        engine=engine,
        catalog=catalog,
        metrics=metrics,
        access=access or Access(KeyRing(None, admin_key)),
        allowed_hosts=allowed_hosts,
        log=log,
    )
    engine.start()  # hangs itself on the catalog; what is noted below comes after the engine has heard
    catalog.on_open(note)
    catalog.start()
    serving = Served(app, engine, catalog, metrics, ingestor, decided, results)
    try:
        wait_for(ingestor.is_reading, "nobody has begun to read a data set")
        if is_loaded:
            serving.load()
        yield serving
    finally:
        engine.stop()
        ingestor.go_on.set()  # what is still read then comes too late for anybody
        catalog.close()
    assert not failures


async def send(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    body: bytes | Sequence[bytes] = b"",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    peer: str | None = "127.0.0.1",
    without: Sequence[str] = (),
    is_cut_short: bool = False,
) -> Answer:
    """Send one request as an HTTP server would: ``target`` as it is on the wire, ``body`` in one or in many pieces.

    Host and Content-Type are those of a well-behaved client, unless they are in ``headers`` or ``without``. A body that
    is cut short ends with the connection.
    """
    path, _, query = target.partition("?")
    header_list = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
    names = {name.lower() for name, _ in header_list} | set(without)
    pieces = [body] if isinstance(body, bytes) else list(body)
    header_list += [("host", "localhost:5000")] if "host" not in names else []
    if method == "POST" and "content-type" not in names:
        header_list.append(("content-type", "application/json"))
    if method == "POST" and isinstance(body, bytes) and "content-length" not in names:
        header_list.append(("content-length", str(len(body))))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in header_list],
        "client": (peer, 50_000) if peer else None,
        "server": ("127.0.0.1", 5000),
        "state": {},
    }
    waiting = [
        {"type": "http.request", "body": piece, "more_body": is_cut_short or number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        if not is_cut_short:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return {"type": "http.disconnect"}

    async def collect(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, collect)
    if not sent:
        return Answer(0, {}, b"")  # the client has disconnected
    [start, *rest] = sent
    names_and_values = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    assert len({name for name, _ in names_and_values}) == len(names_and_values), names_and_values
    return Answer(start["status"], dict(names_and_values), b"".join(part.get("body", b"") for part in rest))
