"""The server: the parts, a listener, and the signals that stop it.

Who stops whom, and in which order: the listener is bound first and closed last, so that clients can read while the
queue drains. Then the engine gives back what runs, the catalog ends its reading process, and the log writes its last
line. What has not run is still queued at the next start.

SIGHUP has the files read again, as with any daemon; but from a terminal that was closed it stops the server: nobody
could reach it any more, and it would hold its port and its state directory.
"""

from __future__ import annotations

import asyncio
import gc
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import FrameType
from urllib.parse import urlsplit

import structlog
import uvicorn

from meantime import later, threads
from meantime.assembly import STOP_WORK_S, Parts
from meantime.dataset.load_status import Failed, Status
from meantime.dataset.reading.source import Source
from meantime.descriptors import PASSING
from meantime.errors import DataError, SettingInvalid, operator_text
from meantime.settings import Settings
from meantime.web.app import create_app
from meantime.web.connections import ConnectionLimits, Connections
from meantime.web.explorer.drawing import Drawing
from meantime.web.explorer.serving import Explorer
from meantime.web.http.bodies import BodyMemory
from meantime.web.http.hosts import is_in
from meantime.web.long_poll import JobWaiters
from meantime.web.protocol import http_protocol

_log = structlog.get_logger("meantime")

# How long open connections may take to end after the listener is closed: longer than any answer takes, and short enough
# that a client that holds its connection cannot keep the process alive.
_CLOSE_CONNECTIONS_S = 3
# Of objects that are new and still there, before the garbage collector looks at them. Nearly all that a request leaves
# behind goes by its reference count: with Python's 700, collections that find little are a twelfth of what a job costs.
_COLLECT_FROM = 10_000
_STDIN = 0
# When what was not needed to start is imported: after what waited for the start was answered, which it would delay, and
# before anybody asks for more.
_IMPORT_AFTER_S = 2.0
# How long a signal may go unnoticed that another thread was given. Looking costs some microseconds.
_SIGNAL_LOOK_S = 0.5
# How old the date header may be.
_DATE_S = 1.0


class _Reason(StrEnum):
    """Why the main thread is woken."""

    SIGNAL = "signal"
    RELOAD = "reload"
    FATAL = "fatal"
    DRAINED = "drained"
    NOTHING_LOADED = "nothing loaded"


@dataclass(frozen=True, slots=True)
class _Message:
    reason: _Reason
    signal: int = 0
    error: BaseException | None = None


def serve(
    settings: Settings,
    sources: Sequence[Source],
    *,
    verbose: bool = False,
    on_change: Callable[[str, Status], None] | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Run the server until a signal stops it; return the exit code.

    ``on_change`` shows how the data sets load; without it, the log has lines of it.

    0: stopped as requested. 1: a part of the server died, or the store broke; start it again. 130 and 143: stopped at
    once by a second signal.

    Raises:
        DataError: no data set can be loaded, since the files are at fault, and why.
        StateInUse: another server works in this state directory.
        StoreTooNew: the state was written by a newer Meantime.
        SettingInvalid: the port is taken, or the interface does not exist.
    """
    return _Server(settings, sources, verbose=verbose).run(on_change=on_change, on_listening=on_listening)


class _Server:
    """The parts and their listener, until the main thread stops them."""

    def __init__(self, settings: Settings, sources: Sequence[Source], *, verbose: bool) -> None:
        self._settings = settings
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._is_stopping = threading.Event()
        self._is_at_terminal = os.isatty(_STDIN)
        # The port before the parts, and those before anything runs: whatever is refused is one line.
        self._socket = _bind(settings.host, settings.port)
        self._parts = Parts(
            settings, sources, on_fatal=self._on_fatal, verbose=verbose, listens_at=self.url.rstrip("/")
        )
        self._engine = self._parts.engine
        self._waiters = JobWaiters()
        memory = BodyMemory()
        limits = ConnectionLimits(connections=self._parts.max_connections)
        app = create_app(
            engine=self._engine,
            catalog=self._parts.catalog,
            compute=self._parts.compute,
            metrics=self._parts.metrics,
            waiters=self._waiters,
            explorer=Explorer(
                Drawing(settings.state_dir.resolve() / "explorer"), frame_ancestors=settings.frame_ancestors
            ),
            keep_ended_s=settings.keep_ended_s,
            access=self._parts.access,
            allowed_hosts=(settings.host, *settings.allowed_hosts, *_host_of(settings.host_address)),
            allowed_origins=settings.allowed_origins,
            trusted_proxies=settings.trusted_proxies,
            log=self._parts.log,
            memory=memory,
            uploads=self._parts.uploads,
            host_results=self._parts.host_results,
        )
        is_proxy = partial(is_in, networks=settings.trusted_proxies)
        self._listener = _Listener(app, self._socket, Connections(limits, memory, is_proxy=is_proxy))

    def run(
        self, *, on_change: Callable[[str, Status], None] | None, on_listening: Callable[[str], None] | None
    ) -> int:
        with _interpreter_for_serving(), self._signals():
            self._parts.start()
            # After the parts, which log what failed.
            self._parts.catalog.on_change(self._note_when_nothing_loaded)
            http = threads.start("http", self._listener.listen, on_death=lambda _, error: self._on_fatal(error))
            self._listener.listening.wait()
            _log.debug("listening", url=self.url, state_dir=str(self._settings.state_dir), pid=os.getpid())
            if on_listening:
                on_listening(self.url)
            try:
                # Reading starts when the server already answers: a large file must not look like a server that hangs.
                self._parts.load(on_change=on_change)
            except BaseException:
                self._listener.end()
                http.join()
                raise
            importing = threads.start("import", self._import_soon, on_death=lambda _, error: self._on_fatal(error))
            code = self._wait_for_stop()
            self._is_stopping.set()
            importing.join()
            self._stop(http, code)
        self._raise_if_nothing_loaded()
        return code

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        # An address to listen on is not one to connect to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def _import_soon(self) -> None:
        """Import what start-up left out; else the first request that needs it would wait, and others with it."""
        while not self._is_stopping.wait(_IMPORT_AFTER_S):
            try:
                later.import_soon()
            except OSError as error:
                if error.errno not in PASSING:
                    raise
                continue  # connections may have taken all descriptors; there are some again when clients go
            gc.freeze()  # see _interpreter_for_serving
            return

    def _wait_for_stop(self) -> int:
        """Wait for a signal to stop, or another reason to; return the exit code."""
        while (message := self._next_message()).reason is _Reason.RELOAD:
            if self._terminal_was_closed():
                return self._drain(message.signal)
            _log.info("reading the files that have changed", signal="SIGHUP")
            self._parts.reload()
        match message.reason:
            case _Reason.SIGNAL:
                return self._drain(message.signal)
            case _Reason.FATAL:
                _log.error(
                    "stopping after a failure that only a restart recovers from", error=operator_text(message.error)
                )
        return 1

    def _next_message(self) -> _Message:
        """Wait for a message.

        Python handles a signal in this thread, but the system may give it to another one, for instance while this one
        has not yet taken the signal before. That does not wake this thread, so it looks by itself now and then.
        """
        while True:
            with suppress(queue.Empty):
                return self._messages.get(timeout=_SIGNAL_LOOK_S)

    def _terminal_was_closed(self) -> bool:
        return self._is_at_terminal and not os.isatty(_STDIN)

    def _nothing_is_loaded(self) -> bool:
        return len(self._parts.failed()) == len(self._parts.catalog.names)

    def _note_when_nothing_loaded(self, _name: str, status: Status) -> None:
        if isinstance(status, Failed) and self._nothing_is_loaded():
            self._messages.put(_Message(_Reason.NOTHING_LOADED))

    def _raise_if_nothing_loaded(self) -> None:
        if not self._nothing_is_loaded():
            return
        failed = self._parts.failed()
        if len(failed) == 1:
            raise next(iter(failed.values()))
        reasons = "".join(f"\n  {name}: {error.operator_reason}" for name, error in failed.items())
        raise DataError(f"None of the data sets could be loaded:{reasons}")

    def _drain(self, signum: int) -> int:
        self._engine.stop_accepting()
        deadline_s = self._settings.shutdown_deadline_s
        _log.info(
            "stopping: the queue drains; a second signal stops at once",
            signal=signal.Signals(signum).name,
            unfinished=self._engine.unfinished,
            deadline_s=deadline_s,
        )

        def drain() -> None:
            self._engine.wait_drained(deadline_s)
            self._messages.put(_Message(_Reason.DRAINED))

        draining = threads.start("drain", drain, on_death=lambda _, error: self._on_fatal(error))
        while (message := self._next_message()).reason not in (_Reason.DRAINED, _Reason.FATAL):
            if message.reason is _Reason.SIGNAL:
                self._stop_at_once(message.signal)
        draining.join()
        return 1 if message.reason is _Reason.FATAL else 0

    def _stop_at_once(self, signum: int) -> None:
        """End the process now. Nothing is lost: what was running is given back, what waits is on disk already."""
        _log.warning("stopped at once by a second signal", unfinished=self._engine.unfinished)
        self._engine.stop(wait_s=0)
        self._parts.log.close()
        # Threads may still compute, and the listener may still hold clients: only this does not wait for them.
        os._exit(128 + signum)

    def _stop(self, http: threading.Thread, code: int) -> None:
        self._engine.stop_accepting()
        # The listener waits for open answers: those that follow jobs have no end of their own.
        self._waiters.close()
        self._listener.end()
        http.join()
        if self._parts.stop(wait_s=STOP_WORK_S):
            # Some work does not check whether it should stop. Its jobs are given back; its threads would go on.
            os._exit(code)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        reasons = {
            signal.SIGINT: _Reason.SIGNAL,
            signal.SIGTERM: _Reason.SIGNAL,
            signal.SIGHUP: _Reason.RELOAD,
        }

        def handle(signum: int, _frame: FrameType | None) -> None:
            self._messages.put(_Message(reasons[signal.Signals(signum)], signal=signum))

        # Handlers only leave a message: what follows needs locks that the interrupted code may hold.
        before = {signum: signal.signal(signum, handle) for signum in reasons}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def _on_fatal(self, error: BaseException) -> None:
        self._messages.put(_Message(_Reason.FATAL, error=error))


class _Listener(uvicorn.Server):
    """uvicorn on a socket that is bound already, in a thread of Meantime: there it leaves the signals alone."""

    def __init__(self, app: object, bound: socket.socket, connections: Connections) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # an ASGI application by protocol; uvicorn's alias is narrower
                log_config=None,
                http=http_protocol(connections),
                ws="none",
                access_log=False,
                server_header=False,
                # Who may stop the server depends on the real peer's address; nothing else does.
                proxy_headers=False,
                timeout_graceful_shutdown=_CLOSE_CONNECTIONS_S,
            )
        )
        self.listening = threading.Event()
        self._bound = bound
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    def listen(self) -> None:
        """Serve until ``end`` is called."""
        try:
            self.run(sockets=[self._bound])
        finally:
            self.listening.set()  # after a failed start too: nobody must wait for it for ever

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.listening.set()

    def end(self) -> None:
        """Have ``listen`` return soon."""
        self.should_exit = True
        # Before there is a loop, it looks before it waits; after it, nothing waits.
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether to end, which was most of what an idle server took. At 0 it renews
        # the date header.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _DATE_S)


@contextmanager
def _interpreter_for_serving() -> Iterator[None]:
    """Set the interpreter up for one loop that answers while threads work.

    Measured with 32 clients: freezing and short turns together gave three times the submissions a second, at a quarter
    of the p99.
    """
    # What exists now stays to the end; unfrozen, each full collection goes through all of it and stalls the loop.
    gc.collect()
    gc.freeze()
    collected_from = gc.get_threshold()
    gc.set_threshold(_COLLECT_FROM, *collected_from[1:])
    # A worker keeps the interpreter for this long while the loop waits; the default, 5 ms, is ten answers.
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
        gc.set_threshold(*collected_from)
        # DuckDB's module takes what is still frozen when the interpreter ends for a leak, and prints a long warning.
        gc.unfreeze()


def _host_of(address: str | None) -> tuple[str, ...]:
    """Return the name by which other hosts ask this one, if it has one for them."""
    host = urlsplit(address or "").hostname
    return (host,) if host else ()


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts, so that a taken one is one clear line."""
    try:
        [(family, kind, proto, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        bound = socket.socket(family, kind, proto)
    except OSError as error:
        raise SettingInvalid(f"host {host!r} is not an address of this machine: {error.strerror or error}") from error
    # A server that was just stopped leaves connections behind that would hold the port for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingInvalid(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port or --host."
        ) from error
    return bound
