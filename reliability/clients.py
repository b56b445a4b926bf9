"""Clients that submit, read, cancel and remove jobs at random, and remember what they were told."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reliability.scene import ASKS, Ask

# What ends a connection when its server is killed.
_CUT = (OSError, http.client.HTTPException)
_BATCH = 20
# The server closes a connection that was idle for five seconds.
_IDLE_S = 2.0


class Ledger:
    """What all clients were told, over all servers on one state directory."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.acknowledged: dict[str, Ask] = {}  # by the id of the job
        self.touched: set[str] = (
            set()
        )  # jobs that a client has asked to cancel or remove, whether or not it was answered
        self.sent: set[str] = set()  # labels of all submissions, whether or not they were answered
        self.bodies: dict[str, bytes] = {}  # of results, when they were first read
        self.violations: list[str] = []
        self.attempts = 0  # jobs of all submissions

    def acknowledge(self, job_id: str, ask: Ask) -> None:
        """Note that a job was accepted."""
        with self.lock:
            if job_id in self.acknowledged:
                self.violations.append(f"{job_id} was given twice")
            self.acknowledged[job_id] = ask

    def violated(self, what: str) -> None:
        """Note that a promise was broken."""
        with self.lock:
            self.violations.append(what)


class Connection:
    """One client's connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._http = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        self._used_at_s = time.monotonic()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Send a request and read the answer."""
        sent = None if body is None else json.dumps(body).encode()
        if time.monotonic() - self._used_at_s > _IDLE_S:
            self._http.close()
        try:
            return self._send(method, path, sent, headers)
        finally:
            self._used_at_s = time.monotonic()

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        content = {"Content-Type": "application/json"} if body else {}
        self._http.request(method, path, body, {**content, **headers})
        reply = self._http.getresponse()
        return reply.status, reply.read()

    def close(self) -> None:
        """Close it."""
        self._http.close()


def submit(connection: Connection, ledger: Ledger, ask: Ask) -> tuple[int, str | None]:
    """Submit a job by the classic API. Return the status, and the id of a job that was accepted.

    A server may be short of something, or about to stop (503); any other refusal is a broken promise.
    """
    with ledger.lock:
        ledger.attempts += 1
    status, answer = connection.ask("POST", f"/api/{ask.statistic}", ask.parameters)
    if status == 200:
        job_id: str = json.loads(answer)["job_id"]
        ledger.acknowledge(job_id, ask)
        return status, job_id
    if status != 503:
        ledger.violated(f"submitting was answered {status}: {answer[:200]!r}")
    return status, None


class Client(threading.Thread):
    """Asks a server without end, until its connection is cut or ``stop`` is called."""

    def __init__(
        self, url: str, ledger: Ledger, *, seed: int, results: Path | None, has_v1: bool, removes: bool = True
    ) -> None:
        super().__init__(name=f"client {seed}")
        self._connection = Connection(url)
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311 - the same actions each time
        self._results = results
        self._has_v1 = has_v1
        self._removes = removes
        self._own: list[str] = []  # jobs that this client has submitted
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """Stop after the request that is under way."""
        self._is_stopped.set()

    def run(self) -> None:
        """Act at random until told to stop."""
        actions = [self._submit, self._submit_classic, self._submit_batch, self._read, self._look, self._remove]
        weights = [40, 15, 4, 20, 15, 6 * self._removes]
        if not self._has_v1:
            actions, weights = [self._submit_classic, self._read], [70, 30]
        try:
            while not self._is_stopped.is_set():
                self._random.choices(actions, weights)[0]()
        except _CUT:
            pass  # the server is gone: what was not answered may or may not have happened
        finally:
            self._connection.close()

    def _submit(self) -> None:
        ask, label = self._random.choice(ASKS), self._label()
        body = {"statistic": ask.statistic, "parameters": ask.parameters, "label": label}
        key = {"Idempotency-Key": label} if self._random.random() < 0.5 else {}
        made: set[str] = set()
        # Twice, as a client does that has not heard the answer.
        for _ in range(2 if key and self._random.random() < 0.3 else 1):
            status, answer = self._connection.ask("POST", "/v1/jobs", body, **key)
            if self._is_accepted(status, answer):
                job_id = json.loads(answer)["id"]
                if not made:
                    self._accepted(job_id, ask)
                made.add(job_id)
        if len(made) > 1:
            self._ledger.violated(f"the key {label} made two jobs")

    def _submit_classic(self) -> None:
        _, job_id = submit(self._connection, self._ledger, self._random.choice(ASKS))
        if job_id is not None:
            self._own.append(job_id)

    def _submit_batch(self) -> None:
        asks = self._random.choices(ASKS, k=_BATCH)
        body = [{"statistic": ask.statistic, "parameters": ask.parameters, "label": self._label()} for ask in asks]
        status, answer = self._connection.ask("POST", "/v1/jobs/batch", {"requests": body})
        if self._is_accepted(status, answer):
            for job, ask in zip(json.loads(answer)["jobs"], asks, strict=True):
                self._accepted(job["id"], ask)

    def _read(self) -> None:
        if job_id := self._any():
            status, answer = self._connection.ask("GET", f"/api/get_results/{job_id}")
            if status != 200:
                self._unexpected(status, f"reading {job_id}", answer)
            elif b'"done"' in answer[:40]:
                self._same(job_id, answer)

    def _look(self) -> None:
        """Whoever sees that a job is done finds the file of its result."""
        if job_id := self._any():
            status, answer = self._connection.ask("GET", f"/v1/jobs/{job_id}")
            if status == 200 and json.loads(answer)["state"] == "done":
                file = self._results / job_id if self._results else None  # which another host may have
                with self._ledger.lock:
                    is_touched = job_id in self._ledger.touched
                if file and not is_touched and not (file.is_file() and file.stat().st_size):
                    self._ledger.violated(f"{job_id} is done, and its file is not there")
            elif status not in (200, 404):
                self._unexpected(status, f"looking at {job_id}", answer)

    def _remove(self) -> None:
        if job_id := self._any():
            with self._ledger.lock:
                self._ledger.touched.add(job_id)
            status, answer = self._connection.ask("DELETE", f"/v1/jobs/{job_id}")
            if status not in (200, 202, 404):
                self._unexpected(status, f"removing {job_id}", answer)

    def _same(self, job_id: str, answer: bytes) -> None:
        with self._ledger.lock:
            before = self._ledger.bodies.setdefault(job_id, answer)
        if before != answer:
            self._ledger.violated(f"the result of {job_id} has changed")

    def _is_accepted(self, status: int, answer: bytes) -> bool:
        if status != 202:
            self._unexpected(status, "submitting", answer)
        return status == 202

    def _accepted(self, job_id: str, ask: Ask) -> None:
        self._own.append(job_id)
        self._ledger.acknowledge(job_id, ask)

    def _unexpected(self, status: int, doing: str, answer: bytes) -> None:
        if status != 503:  # it stops, or is still reading its data
            self._ledger.violated(f"{doing} was answered {status}: {answer[:200]!r}")

    def _label(self) -> str:
        label = str(uuid.UUID(int=self._random.getrandbits(128)))
        with self._ledger.lock:
            self._ledger.sent.add(label)
            self._ledger.attempts += 1
        return label

    def _any(self) -> str | None:
        return self._random.choice(self._own[-50:]) if self._own else None
