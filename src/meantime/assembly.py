"""Settings become the running parts. The one file that knows every concrete class; it owns the signals.

Who stops whom, and in which order: the listener is bound first and closed last, so that clients can read while the
queue drains. Then the engine gives back what runs, the catalog ends its reading process, and the log writes its last
line. What has not run is still queued at the next start.

SIGHUP has the files read again, as with any daemon; but from a terminal that was closed it stops the server, as it
always did: nobody could reach it any more, and it would hold its port and its state directory.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn

from meantime import threads
from meantime.compute.local import LocalCompute
from meantime.dataset import sample, source
from meantime.dataset.catalog import WAITING, Catalog, Failed, Loading, Ready, Status, progress_of
from meantime.dataset.ingest import DataIngestor
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source import Source
from meantime.engine.engine import Engine
from meantime.errors import DataError, MeantimeError, SettingInvalid
from meantime.formats import arrow, parquet, xlsx  # noqa: F401 - else the first who asks for one stalls all others
from meantime.log import Log
from meantime.settings import Settings
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from meantime.stores.state_lock import StateLock
from meantime.web.app import create_app
from meantime.web.explorer.drawing import Drawing
from meantime.web.explorer.serving import Explorer
from meantime.web.metrics import Metrics
from meantime.web.v1.waiting import let_go
from meantime.web.wire import http_protocol

_log = structlog.get_logger("meantime")

# How long open connections may take to end after the listener is closed: longer than any answer of ours takes, and
# short enough that a client that holds its connection cannot keep the process alive.
_CLOSE_CONNECTIONS_S = 3
# How long running work gets to reach its next check when the server stops; then its jobs are given back under it.
STOP_WORK_S = 5.0
_STDIN = 0


@dataclass(frozen=True, slots=True)
class _Told:
    """Why the main thread is woken."""

    what: str  # signal, reload, fatal, drained, nothing-loaded
    signal: int = 0
    error: BaseException | None = None


def data_ingestor(settings: Settings) -> DataIngestor:
    """Make the reader of files that these settings describe."""
    return DataIngestor(memory_mb=settings.load_memory_mb, rejected_limit=settings.rejected_limit)


def built_in_sample(settings: Settings) -> Source:
    """Write the built-in synthetic sample into the state directory, which is there, once; return it as a source."""
    path = settings.state_dir / f"sample-{sample.DEFAULT_ROWS}-{sample.DEFAULT_SEED}.csv"
    if not path.exists():
        # Renamed when whole: a sample cut short by a crash must not be served at the next start.
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            sample.write_sample(out, rows=sample.DEFAULT_ROWS, seed=sample.DEFAULT_SEED)
        part.rename(path)
    return Source(name="sample", path=str(path))


def sources_to_serve(paths: Sequence[str], columns: Mapping[str, str] | None = None) -> list[Source]:
    """Return each ``[NAME=]PATH`` as a source.

    Raises:
        SettingInvalid: two have one name.
        SourceUnreadable: a file is absent. Said now, not after the server has started.
    """
    served = [source.parse(path, columns or {}) for path in paths]
    for name, times in Counter(one.name for one in served).items():
        if times > 1:
            raise SettingInvalid(f"{times} data sets are named {name!r}; give them names: NAME=PATH.")
    for one in served:
        source.files(one)
    return served


def serve(
    settings: Settings,
    sources: Sequence[Source],
    *,
    verbose: bool = False,
    on_change: Callable[[str, Status], None] | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Run the server until it is told to stop; return the exit code.

    ``on_change`` shows how the data sets load; without it, the log has lines of that.

    0: stopped as asked. 1: a part of the server died, or the store broke; start it again. 130 and 143: stopped at once
    by a second signal.

    Raises:
        DataError, LoadFailed: no data set could be loaded, and why.
        StateInUse: another server works in this state directory.
        StoreTooNew: the state was written by a newer Meantime.
        SettingInvalid: the port is taken, or the interface does not exist.
    """
    return _Server(settings, sources, verbose=verbose).run(on_change=on_change, on_listening=on_listening)


class Parts:
    """The running parts without a listener: what a server of whatever kind needs to answer the classic API.

    Without sources it serves the built-in sample.

    Made and started once per process; one set works in a state directory. ``on_fatal`` hears, in whatever thread it
    happens, that a part died or the store broke: the process must end, and recovers from disk when started again.
    ``logger``, where it is given, gets what the terminal would.

    Raises:
        StateInUse: another process works in this state directory.
        StoreTooNew: the state was written by a newer Meantime.
        SettingInvalid: the state directory cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        *,
        on_fatal: Callable[[BaseException], None],
        verbose: bool = False,
        logger: logging.Logger | None = None,
    ) -> None:
        state = settings.state_dir.resolve()
        self._on_fatal = on_fatal
        # First of all, and what makes the folder, durably: nothing in it is touched by who does not hold it.
        self._lock = StateLock(state)
        self.log = Log(
            state,
            size_mb=settings.log_size_mb,
            files=settings.log_files,
            verbose=verbose,
            logger=logger,
            on_death=self._on_death,
        )
        self.metrics = Metrics()
        self.catalog = Catalog(
            sources or [built_in_sample(settings)],
            folder=state / "snapshots",
            ingestor=data_ingestor(settings),
            on_death=self._on_death,
        )
        self.compute = LocalCompute(self.catalog)
        results = ResultFiles(state / "results")  # before the store, whose thread runs from its making on
        self._jobs = SqliteJobStore(state / "jobs.sqlite3", on_broken=on_fatal)
        self.engine = Engine(
            jobs=self._jobs,
            results=results,
            compute=self.compute,
            gate=self.catalog,
            clock=time.time,
            threads=settings.threads,
            queue_limit=settings.queue_limit,
            job_time_limit_s=settings.job_time_limit_s,
            keep_ended_s=settings.keep_ended_s,
            keep_ended_jobs=settings.keep_ended_jobs,
            observer=self.metrics,
            on_fatal=on_fatal,
        )
        self._progress_said = ("", "", 0)
        self._ready_said: dict[str, Snapshot] = {}  # as the log last said

    def start(self) -> None:
        """Take up the jobs of the last run. Files are read after ``load``.

        Raises:
            SettingInvalid: webserver.log cannot be written.
            StoreBroken: the jobs cannot be read.
        """
        with self._stopped_on_error():
            try:
                self.log.start()
            except OSError as error:
                raise SettingInvalid(
                    f"The log cannot be written in the state_dir: {error}. Remove what is there, or set another one."
                ) from error
            self.catalog.on_change(self._note_change)
            self.engine.start()

    def load(self, *, on_change: Callable[[str, Status], None] | None = None) -> None:
        """Start to read the files; ``on_change`` shows how it goes, without it the log has lines of that."""
        with self._stopped_on_error():
            self.catalog.on_change(on_change or self._note_progress)
            self.catalog.start()

    def reload(self) -> None:
        """Have every data set read again whose files have changed. The log says what has come of it."""
        for name in self.catalog.names:
            self.catalog.reload(name)

    def failed(self) -> dict[str, MeantimeError]:
        """Return why each data set failed that could not be loaded, and is not just being read again."""
        statuses = {name: self.catalog.status(name) for name in self.catalog.names}
        return {
            name: status.error
            for name, status in statuses.items()
            if isinstance(status, Failed) and status.reloading is None
        }

    @contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        """Stop what was started, if not all of it could be: its threads would hold the process for ever."""
        try:
            yield
        except BaseException:
            self.stop(wait_s=0)
            raise

    def stop(self, *, wait_s: float) -> int:
        """Give back what runs, stop reading, close everything; return how many threads still run.

        With any, the process ends only by os._exit: they compute without looking whether they should stop.
        """
        still_running = self.engine.stop(wait_s=wait_s)
        self.catalog.close()
        _log.info("stopped", unfinished=self.engine.unfinished)
        self.log.close()
        self._lock.release()
        return still_running

    def _note_change(self, name: str, status: Status) -> None:
        match status:
            case _ if _is_being_read(status):
                return
            case Ready(reload_error=MeantimeError() as error):
                _log.error("reload failed; what was served still is", dataset=name, reason=error.reason)
            case Ready(snapshot=snapshot) if self._ready_said.get(name) is snapshot:
                _log.info("nothing new to reload", dataset=name, fingerprint=snapshot.fingerprint)
            case Ready(snapshot=snapshot):
                self._ready_said[name] = snapshot
                _log.info(
                    "data set ready",
                    dataset=name,
                    rows=snapshot.about.rows,
                    rejected=snapshot.about.rejected_total,
                    synthetic=snapshot.about.synthetic,
                    fingerprint=snapshot.fingerprint,
                )
            case Failed(error=error):
                _log.error("data set failed to load", dataset=name, reason=error.reason)
        if not any(isinstance(self.catalog.status(other), Loading) for other in self.catalog.names):
            # Not before every data set is decided: until then the sweep would not know which snapshots are current.
            self.catalog.sweep(self._jobs.fingerprints())

    def _note_progress(self, name: str, status: Status) -> None:
        progress = progress_of(status)
        if progress is None or not _is_being_read(status):
            return
        # A line for each phase and each tenth: enough to see that it goes on, few enough to read.
        step = (name, progress.phase, int(progress.share * 10))
        if step != self._progress_said:
            self._progress_said = step
            _log.info("loading", dataset=name, phase=progress.phase, percent=int(progress.share * 100))

    def _on_death(self, role: str, error: BaseException) -> None:
        _log.error("a thread died", role=role, exc_info=error)
        self._on_fatal(error)


class _Server:
    """The parts behind a listener of ours, until the main thread is told to stop."""

    def __init__(self, settings: Settings, sources: Sequence[Source], *, verbose: bool) -> None:
        self._settings = settings
        self._told: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        self._is_at_terminal = os.isatty(_STDIN)
        # The port before the parts, and those before anything runs: whatever is refused is refused in one line.
        self._socket = _bind(settings.host, settings.port)
        self._parts = Parts(settings, sources, on_fatal=self._on_fatal, verbose=verbose)
        self._engine = self._parts.engine
        app = create_app(
            engine=self._engine,
            catalog=self._parts.catalog,
            compute=self._parts.compute,
            metrics=self._parts.metrics,
            explorer=Explorer(
                Drawing(settings.state_dir.resolve() / "explorer"), frame_ancestors=settings.frame_ancestors
            ),
            keep_ended_s=settings.keep_ended_s,
            admin_key=settings.admin_key,
            allowed_hosts=(settings.host, *settings.allowed_hosts),
            log=self._parts.log,
        )
        self._listener = _Listener(app, self._socket)

    def run(
        self, *, on_change: Callable[[str, Status], None] | None, on_listening: Callable[[str], None] | None
    ) -> int:
        with _interpreter_for_serving(), self._signals():
            self._parts.start()
            # Behind the parts' own note of what failed, which it looks at.
            self._parts.catalog.on_change(self._look_whether_settled)
            http = threads.start("http", self._listener.listen, on_death=lambda _, error: self._on_fatal(error))
            self._listener.listening.wait()
            _log.debug("listening", url=self.url, state_dir=str(self._settings.state_dir), pid=os.getpid())
            if on_listening:
                on_listening(self.url)
            try:
                # Reading starts when the server already answers: a large file must not look like a server that hangs.
                self._parts.load(on_change=on_change)
            except BaseException:
                self._listener.should_exit = True
                http.join()
                raise
            code = self._until_told()
            self._stop(http, code)
        self._raise_if_nothing_loaded()
        return code

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def _until_told(self) -> int:
        """Wait for the word to stop, or for a reason to; return the exit code."""
        while (told := self._told.get()).what == "reload":
            if self._terminal_was_closed():
                return self._drain(told.signal)
            _log.info("the files are read again where they have changed", signal="SIGHUP")
            self._parts.reload()
        match told.what:
            case "signal":
                return self._drain(told.signal)
            case "fatal":
                _log.error("stopping after a failure that only a restart recovers from", error=repr(told.error))
        return 1

    def _terminal_was_closed(self) -> bool:
        return self._is_at_terminal and not os.isatty(_STDIN)

    def _nothing_is_loaded(self) -> bool:
        return len(self._parts.failed()) == len(self._parts.catalog.names)

    def _look_whether_settled(self, _name: str, status: Status) -> None:
        if isinstance(status, Failed) and self._nothing_is_loaded():
            self._told.put(_Told("nothing-loaded"))

    def _raise_if_nothing_loaded(self) -> None:
        if not self._nothing_is_loaded():
            return
        failed = self._parts.failed()
        if len(failed) == 1:
            raise next(iter(failed.values()))
        reasons = "".join(f"\n  {name}: {error.reason}" for name, error in failed.items())
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
            self._told.put(_Told("drained"))

        draining = threads.start("drain", drain, on_death=lambda _, error: self._on_fatal(error))
        while (told := self._told.get()).what not in ("drained", "fatal"):
            if told.what == "signal":
                self._stop_at_once(told.signal)
        draining.join()
        return 1 if told.what == "fatal" else 0

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
        let_go(self._engine)
        self._listener.should_exit = True
        http.join()
        if self._parts.stop(wait_s=STOP_WORK_S):
            # Work that does not look whether it should stop: its jobs are given back, its threads would hold us.
            os._exit(code)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        words = {signal.SIGINT: "signal", signal.SIGTERM: "signal", signal.SIGHUP: "reload"}

        def tell(signum: int, _frame: FrameType | None) -> None:
            self._told.put(_Told(words[signal.Signals(signum)], signal=signum))

        # Handlers only leave a note: what follows needs locks that the interrupted code may hold.
        before = {signum: signal.signal(signum, tell) for signum in words}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def _on_fatal(self, error: BaseException) -> None:
        self._told.put(_Told("fatal", error=error))


def _is_being_read(status: Status) -> bool:
    """Whether this is news of reading, and not of what it has come to. That another one waits behind it is neither."""
    return isinstance(status, Loading) or progress_of(status) not in (None, WAITING)


class _Listener(uvicorn.Server):
    """uvicorn on a socket that is bound already, in a thread of ours: there it leaves the signals alone."""

    def __init__(self, app: object, bound: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # an ASGI application by protocol; uvicorn's alias is narrower
                log_config=None,
                http=http_protocol(),
                ws="none",
                access_log=False,
                server_header=False,
                # Who may stop the server is told by the real peer; nobody else asks where a request came from.
                proxy_headers=False,
                timeout_graceful_shutdown=_CLOSE_CONNECTIONS_S,
            )
        )
        self.listening = threading.Event()
        self._bound = bound

    def listen(self) -> None:
        """Serve until ``should_exit`` is set."""
        try:
            self.run(sockets=[self._bound])
        finally:
            self.listening.set()  # whoever waits for a start that failed must not wait for ever

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def _interpreter_for_serving() -> Iterator[None]:
    """Set the interpreter up for one loop that answers beside threads that work.

    Measured with 32 clients: with both, three times the submissions a second, at a quarter of the p99.
    """
    # What is there now stays to the end; unfrozen, each full collection goes through all of it and stalls the loop.
    gc.collect()
    gc.freeze()
    # A worker keeps the interpreter for this long while the loop waits; the default, 5 ms, is ten answers.
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
        # DuckDB's module takes what is still frozen when the interpreter ends for a leak, and says so at length.
        gc.unfreeze()


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts, so that a taken one is one clear line."""
    try:
        [(family, kind, proto, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        bound = socket.socket(family, kind, proto)
    except OSError as error:
        raise SettingInvalid(f"host {host!r} is no interface of this machine: {error.strerror or error}") from error
    # A server that was just stopped leaves connections behind that would hold the port for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingInvalid(
            f"{host}:{port} cannot be listened on: {error.strerror}. Take another one with --port or --host."
        ) from error
    return bound
