"""Varied requests, valid and invalid, to both APIs: each is answered as declared, and the server does not grow.

No answer may be a 5xx but 503, or have a status that the OpenAPI documents do not declare. Memory and descriptors must
not grow with the number of requests, once everything has been used that is made once.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from meantime.statistics.registry import STATISTICS
from reliability.clients import Connection
from reliability.invariants import descriptors
from reliability.outcome import Outcome
from reliability.scene import ASKS, Front, closing, write_table
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S, poll

CLIENTS = 4
# Of all requests, the first part in which whatever is made once or kept up to a bound is made and filled.
_WARMING = 0.4
# Libraries take 30 MB, and are imported when they are first needed: scipy for estimates, DuckDB for rows, and those of
# formats.
_IMPORTING = tuple(f"/v1/statistics/{path}" for path in ("estimate.xlsx", "states_mean.arrow", "states_mean/rows"))
# Fewer requests say nothing about memory.
_LEAST_FOR_MEMORY = 300
# Python and its allocator take and keep some memory by chance; a leak of 1 kB for each request is 60 MB of 100,000.
_GROWTH_MB = 24.0
# Listeners, connections that are about to close, the thread that draws.
_DESCRIPTORS = 8

_WORDS = (
    *("", "North", "National", "Sex", "Men", "Total", "2016", "2015-2018", "2018-2015", "null", "-", "%", "[b]", "{}"),
    *("\0", "é" * 300, "\u202e", "' OR 1=1", "../../etc/passwd", "x" * 3_000, "\ud800"),
)
_NUMBERS = (0, -1, 1, 10**9, 2**63 - 1, 2**63, -(2**70), 1e308, 1e-320, 0.5, 2017)
_SUFFIXES = ("json", "csv", "tsv", "md", "xlsx", "parquet", "arrow", "jsonl", "vl.json", "html", "exe", "")
_MEDIA = ("application/json", "text/csv", "*/*", "image/x-none", "a/b;q=x", "text/html,*/*;q=0.1", "application/xml")
_HEADERS: Mapping[str, Sequence[str]] = {
    "Accept": _MEDIA,
    "Prefer": ("wait=0", "wait=-1", "wait=x", "respond-async", "wait=0.01"),
    "If-None-Match": ("*", '"x"', "W/", '"', "x" * 500),
    "Range": ("bytes=0-10", "bytes=5-1", "bytes=-", "bytes=0-1,3-4", "bytes=99999999-", "lines=1-2"),
    "Idempotency-Key": ("a", "", "k" * 300, "\xe9", "a b"),
    "Accept-Encoding": ("gzip", "br", "identity;q=0", "*"),
    "Origin": ("http://localhost", "http://other.example", "null"),
    "Authorization": ("Bearer x", "Basic eDp5", "Bearer meantime_00000000_" + "A" * 43),
    "Content-Type": ("text/plain", "application/json; charset=latin-1", "", "multipart/form-data"),
    "X-Forwarded-For": ("10.0.0.1", "x", "::1"),
    "Last-Event-ID": ("1", "-1", "x", "9" * 30),
}
# Streams without an end, and what stops the server: others try these.
_LEFT_OUT = ("/v1/jobs/events", "/api/graceful_shutdown")
_ENDLESS = "/v1/jobs//events"
_BAD_BODIES = (b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 300, b'{"question": 1e999}', b"{}" * 9, b'"x"', b" ")


class Sent(NamedTuple):
    """A request, and the statuses that are declared for it; None where no document has it."""

    method: str
    target: str
    body: bytes | None
    headers: dict[str, str]
    declared: frozenset[int] | None


class Maker:
    """Makes requests at random; the same ones for the same seed."""

    def __init__(self, documents: Sequence[Mapping[str, Any]], seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same requests each time
        self._operations = [
            (method.upper(), path, frozenset(int(status) for status in operation["responses"]))
            for document in documents
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if path not in _LEFT_OUT
        ]
        self._jobs = 1

    def next(self) -> Sent:
        """Make the next request."""
        if self._is(0.03):
            return self._of_nothing()
        method, path, declared = self._random.choice(self._operations)
        statistic = self._random.choice(tuple(STATISTICS))
        target = path.replace("{name}", self._name(path, statistic)).replace("{job_id}", self._job_id())
        target = target.replace("{suffix}", self._random.choice(_SUFFIXES) if self._is(0.9) else self._encoded(_WORDS))
        target = target.replace("{code}", self._random.choice(("job-unknown", "x", "")))
        if target == _ENDLESS:
            return self.next()
        body = None
        if method == "POST":
            body = self._body(path, statistic)
        elif query := self._query(path, statistic):
            target += "?" + query
        return Sent(method, target, body, self._some_headers(method), declared if _is_declared(target, path) else None)

    def ask_of(self, count: int) -> None:
        """Name jobs up to this number."""
        self._jobs = max(1, count)

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _of_nothing(self) -> Sent:
        method = self._random.choice(("GET", "PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "DELETE", "POST", "BREW"))
        path = self._random.choice(
            ("/", "/v1/x", "/api/x", "/v1/jobs", "/livez/", "//", "/v1/%2e%2e/jobs", "/%00", "/é")
        )
        body = b"{}" if method in ("PUT", "PATCH", "POST") else None
        return Sent(method, quote(path, safe="/%"), body, self._some_headers(method), None)

    def _name(self, path: str, statistic: str) -> str:
        right = "table" if path.startswith("/v1/datasets") else statistic
        return right if self._is(0.95) else self._encoded(_WORDS)

    def _job_id(self) -> str:
        if self._is(0.8):
            return f"job_id_{self._random.randint(max(1, self._jobs - 50), self._jobs)}"
        return self._encoded(("job_id_0", "job_id_-1", "job_id_" + "9" * 40, "job_id_١", "1", "job_id_1/..", *_WORDS))

    def _encoded(self, words: Sequence[str]) -> str:
        return quote(self._random.choice(words), safe="", errors="replace")

    def _parameters(self, statistic: str) -> dict[str, Any]:
        fields = [field.name for field in msgspec.structs.fields(STATISTICS[statistic].parameters)]
        ask = self._random.choice(ASKS)
        right = {"question": ask.question, "state": ask.state or "North", "category": "Sex", "stratum": "Men"}
        values: dict[str, Any] = {name: right[name] for name in fields if name in ("question", "state")}
        values |= {name: right[name] for name in fields if name in ("category", "stratum") and self._is(0.3)}
        while self._is(0.5):
            values[self._random.choice([*fields, "nonsense"])] = self._value()
        return values

    def _value(self) -> Any:
        kind = self._random.randrange(5)
        if kind == 0:
            return self._random.choice(_NUMBERS)
        if kind == 1:
            return [self._random.choice((*_WORDS, *_NUMBERS)) for _ in range(self._random.randrange(4))]
        if kind == 2:
            return self._random.choice((None, True, False, {}, {"a": [1]}))
        return self._random.choice(_WORDS)

    def _body(self, path: str, statistic: str) -> bytes:
        if self._is(0.05):
            return self._random.choice(_BAD_BODIES)
        asked: Any
        if path.startswith("/api/"):
            name = path.removeprefix("/api/")
            asked = self._parameters(name if name in STATISTICS else statistic)
        else:
            asked = {"statistic": statistic, "parameters": self._parameters(statistic)}
            if self._is(0.2):
                asked[self._random.choice(("label", "dataset", "statistic", "parameters", "nonsense"))] = self._value()
            if path.endswith("/batch"):
                asked = {"requests": [asked] * self._random.choice((0, 1, 3))}
        return json.dumps(asked).encode()

    def _query(self, path: str, statistic: str) -> str:
        if path.startswith("/v1/statistics/"):
            values = self._parameters(statistic)
            if "rows" in path or "explanation" in path:
                values |= {"row": self._random.choice((0, 1, -1, "x", 10**9))}
        else:
            names = ("limit", "cursor", "state", "label", "row", "if", "question", "period", "created_after", "chart")
            values = {self._random.choice(names): self._value() for _ in range(self._random.randrange(3))}
        several = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        pairs = [(name, str(each)) for name, value in several.items() for each in value]
        return urlencode(pairs, errors="replace")

    def _some_headers(self, method: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if method in ("POST", "PUT", "PATCH") else {}
        while self._is(0.3):
            name = self._random.choice(tuple(_HEADERS))
            headers[name] = self._random.choice(_HEADERS[name])
        return headers


def _is_declared(target: str, path: str) -> bool:
    """Whether the document's path is the one that the target leads to: an empty name leads to another."""
    sent = target.partition("?")[0]
    return sent.count("/") == path.count("/") and not sent.endswith("/") and "//" not in sent and "/." not in sent


def requests(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Send ``number`` requests over several connections, and watch statuses, memory and descriptors."""
    table = write_table(folder / "table.csv")
    violations: list[str] = []
    statuses: Counter[int] = Counter()
    server = RunningServer(
        f"table={table}",
        state_dir=folder / "state",
        command=front.command,
        # What is kept for each job is kept for the last ones only.
        MEANTIME_KEEP_ENDED_JOBS="200",
        MEANTIME_QUEUE_LIMIT="200",
        MEANTIME_SHUTDOWN_DEADLINE_S="2",
        MEANTIME_LOG_SIZE_MB="1",
    )
    with closing(server):
        server.ready()
        documents = [server.client.get(path).json() for path in ("/v1/openapi.json", "/openapi.json")]
        for path in _IMPORTING:
            server.client.get(path, params=ASKS[0].parameters).raise_for_status()
        warming = int(number * _WARMING)
        before = _send(server, documents, warming, f"{seed} warm", violations, statuses)
        after = _send(server, documents, number - warming, f"{seed}", violations, statuses)
        if number >= _LEAST_FOR_MEMORY and after.memory_mb - before.memory_mb > _GROWTH_MB:
            violations.append(f"memory has grown from {before.memory_mb:.0f} to {after.memory_mb:.0f} MB")
        if after.descriptors - before.descriptors > _DESCRIPTORS:
            violations.append(f"there were {before.descriptors} descriptors, and there are {after.descriptors}")
        log = "".join(server.output)
        if "Traceback" in log or "unforeseen" in log:
            violations.append(f"the server wrote: {log[-1_000:]}")
        if code := server.end():
            violations.append(f"the server ended with {code}")
    told = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    return Outcome(
        f"varied requests, {front.name}",
        f"{sum(statuses.values()):,} ({told}); memory after warming {before.memory_mb:.0f} MB, at the end "
        f"{after.memory_mb:.0f} MB; descriptors {before.descriptors} and {after.descriptors}",
        violations,
    )


class _Size(NamedTuple):
    memory_mb: float
    descriptors: int


def _send(
    server: RunningServer,
    documents: Sequence[Mapping[str, Any]],
    number: int,
    seed: str,
    violations: list[str],
    statuses: Counter[int],
) -> _Size:
    makers = [Maker(documents, f"{seed} {each}") for each in range(CLIENTS)]
    clients = [_Client(server.url, maker, number // CLIENTS, violations) for maker in makers]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
        statuses.update(client.statuses)
    # What was accepted is done, and what was open is closed, before anything is measured.
    with contextlib.closing(Connection(server.url)) as connection:
        poll(lambda: json.loads(connection.ask("GET", "/api/num_jobs")[1])["num_jobs"], lambda waiting: waiting == 0)
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[1])
    return _Size(pages * 4096 / 2**20, descriptors(server.process.pid))


class _Client(threading.Thread):
    def __init__(self, url: str, maker: Maker, number: int, violations: list[str]) -> None:
        super().__init__(name="requests")
        self.statuses: Counter[int] = Counter()
        self._address = url.removeprefix("http://").rstrip("/")
        self._maker = maker
        self._number = number
        self._violations = violations

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE_S)
        try:
            self._ask_all(connection)
        finally:
            connection.close()

    def _ask_all(self, connection: http.client.HTTPConnection) -> None:
        for _ in range(self._number):
            sent = self._maker.next()
            try:
                status, answer = self._ask(connection, sent)
            except (OSError, http.client.HTTPException):
                connection.close()  # closed while idle, or after an error; a second time it is no chance
                try:
                    status, answer = self._ask(connection, sent)
                except (OSError, http.client.HTTPException) as error:
                    self._violations.append(f"{sent}: no answer: {error!r}"[:600])
                    return
            self.statuses[status] += 1
            self._look(sent, status, answer)

    @staticmethod
    def _ask(connection: http.client.HTTPConnection, sent: Sent) -> tuple[int, bytes]:
        connection.request(sent.method, sent.target, sent.body, sent.headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def _look(self, sent: Sent, status: int, answer: bytes) -> None:
        if status in (200, 202) and sent.method == "POST" and b"job_id_" in answer:
            self._maker.ask_of(int(answer.partition(b"job_id_")[2].split(b'"')[0]))
        # A copy that is still current may be said to be for every GET (RFC 9110, 13.1.2).
        is_current = status == 304 and "If-None-Match" in sent.headers
        is_declared = sent.declared is None or status in sent.declared or is_current
        if (status >= 500 and status not in (501, 503)) or not is_declared or b"Traceback" in answer:
            self._violations.append(f"{sent}: {status} {answer[:200]!r}"[:900])
