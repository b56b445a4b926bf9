"""Meantime inside a Flask application: ``create_app`` for a whole one, ``create_blueprint`` for one of your own.

The WSGI server has the listener and the signals. Here the parts are started, once per process, and stopped in order
when the process ends.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

try:
    from flask import Flask
except ModuleNotFoundError as error:
    if error.name != "flask":
        raise
    raise ImportError("meantime.flask needs Flask, which is not installed: pip install 'meantime[flask]'") from None

import click
from flask.cli import ScriptInfo
from flask.helpers import get_debug_flag
from werkzeug.serving import WSGIRequestHandler, is_running_from_reloader

from meantime.assembly import STOP_WORK_S, Parts, data_ingestor, sources_to_serve
from meantime.compute.local import LocalCompute
from meantime.dataset.catalog import Catalog
from meantime.dataset.reading.source import Source
from meantime.engine.engine import Engine
from meantime.engine.wiring import create_engine
from meantime.errors import MeantimeError, StateInUse, operator_text
from meantime.log import Log
from meantime.settings import Settings, read_settings
from meantime.stores.memory import MemoryJobStore, MemoryResultStore
from meantime.web.classic import flask_blueprint
from meantime.web.classic.flask_blueprint import create_blueprint
from meantime.web.http.access import Access
from meantime.web.metrics import Metrics

__all__ = ["Running", "create_app", "create_blueprint", "start"]

_log = structlog.get_logger("meantime")

# Which data sets: [NAME=]PATH, separated by the system's path separator. Without it, the built-in sample.
DATA_VARIABLE = "MEANTIME_DATA"
# TOML file with settings; `meantime serve` has the option --config for it.
CONFIG_VARIABLE = "MEANTIME_CONFIG"


@dataclass(frozen=True, slots=True)
class Running:
    """The running parts, and the settings that they were started with."""

    engine: Engine
    catalog: Catalog
    metrics: Metrics
    access: Access  # who may use it, for create_blueprint
    log: Log | None
    settings: Settings
    # Lets the queue drain until the deadline, then stops everything. Called automatically when the process ends.
    stop: Callable[[], None]


def create_app() -> Flask:
    """Return an application that answers all that `meantime serve` does, with the parts behind it running.

    ``flask --app meantime.flask run``, ``gunicorn --threads 8 'meantime.flask:create_app()'``.

    Raises:
        SettingInvalid: a setting has a value of the wrong form.
        DataError: a file cannot be found.
        StateInUse: another process works in the state directory.
    """
    app = Flask("meantime", static_folder=None)
    if app.logger.level == logging.NOTSET:
        # Otherwise Flask shows warnings only, and nobody sees the data set load.
        app.logger.setLevel(logging.INFO)
    if _command() is not None:
        # Flask's own server tells every client which Python it runs on.
        WSGIRequestHandler.sys_version = ""
    running = start(app.logger)
    app.extensions["meantime"] = running
    return flask_blueprint.create_app(
        engine=running.engine,
        catalog=running.catalog,
        metrics=running.metrics,
        access=running.access,
        allowed_hosts=(running.settings.host, *running.settings.allowed_hosts),
        log=running.log,
        app=app,
    )


def start(logger: logging.Logger | None = None) -> Running:
    """Start the parts, by the settings in the environment; in one process and with the same settings, once.

    ``logger``, such as an application's, gets what `meantime serve` shows at the terminal. The parts stop by
    themselves when the process ends, and end it when one of them dies: every accepted job is on disk.

    Raises:
        SettingInvalid: a setting has a value of the wrong form.
        DataError: a file cannot be found.
        StateInUse: another process works in the state directory.
    """
    try:
        return _start(logger)
    except MeantimeError as error:
        if click.get_current_context(silent=True) and _command() is not None:
            # Flask's command line has a traceback for everything else.
            raise click.ClickException(error.operator_reason) from error
        raise


_started: dict[tuple[int, Path], _Lifetime] = {}
_starting = threading.Lock()


def _start(logger: logging.Logger | None) -> Running:
    config = os.environ.get(CONFIG_VARIABLE)
    settings = read_settings(file=Path(config) if config else None)
    data = [text for text in os.environ.get(DATA_VARIABLE, "").split(os.pathsep) if text]
    sources = sources_to_serve(data)
    if _is_only_the_reloader():
        return _idle(settings, sources)
    with _starting:
        # Keyed by the process: a fork has this, but not the threads.
        key = (os.getpid(), settings.state_dir.resolve())
        lifetime = _started.get(key)
        if lifetime is None or not lifetime.is_of(settings, sources):
            lifetime = _started[key] = _Lifetime(settings, sources, logger)
        return lifetime.running


class _Lifetime:
    """The parts from their start to their end, which comes once, whatever causes it."""

    def __init__(self, settings: Settings, sources: Sequence[Source], logger: logging.Logger | None) -> None:
        self._settings = settings
        self._sources = tuple(sources)
        self._stopping = threading.Lock()
        self._is_stopped = False
        try:
            self._parts = Parts(settings, sources, on_fatal=self._on_fatal, logger=logger)
        except StateInUse as error:
            raise StateInUse(
                f"{error.reason} Several worker processes cannot share one: "
                "run one worker with threads (gunicorn --workers 1 --threads 8)."
            ) from error
        parts = self._parts
        parts.metrics.watch(parts.engine, parts.catalog)
        self.running = Running(parts.engine, parts.catalog, parts.metrics, parts.access, parts.log, settings, self.stop)
        parts.start()
        parts.load()
        # Not atexit: that comes after the interpreter has joined our threads, which are what has to be stopped. The
        # end of the main thread comes before. Not by meantime.threads, since nobody could join it.
        threading.Thread(target=self._stop_with_the_process, name="meantime-stop", daemon=True).start()
        _end_on_sigterm()

    def is_of(self, settings: Settings, sources: Sequence[Source]) -> bool:
        """Whether this runs, and with these settings."""
        return not self._is_stopped and (settings, tuple(sources)) == (self._settings, self._sources)

    def stop(self) -> None:
        """Let the queue drain until the deadline, and stop. May be called again."""
        with self._stopping:
            if self._is_stopped:
                return
            self._is_stopped = True
            engine = self._parts.engine
            engine.stop_accepting()
            deadline_s = self._settings.shutdown_deadline_s
            _log.info("stopping: the queue drains", unfinished=engine.unfinished, deadline_s=deadline_s)
            engine.wait_drained(deadline_s)
            if self._parts.stop(wait_s=STOP_WORK_S):
                # Some work does not check whether it should stop. Its jobs are given back; its threads would go on.
                os._exit(0)

    def _stop_with_the_process(self) -> None:
        threading.main_thread().join()
        self.stop()

    def _on_fatal(self, error: BaseException) -> None:
        # In a separate thread: the calling thread is one that has to be joined now.
        threading.Thread(target=self._end, args=(error,), name="meantime-fatal", daemon=True).start()

    def _end(self, error: BaseException) -> None:
        with self._stopping:
            if self._is_stopped:
                return
            self._is_stopped = True
            _log.error("stopping after a failure that only a restart recovers from", error=operator_text(error))
            try:
                self._parts.engine.stop_accepting()
                self._parts.stop(wait_s=STOP_WORK_S)
            finally:
                # The WSGI server would go on without us, and its master makes a new worker only of one that ended.
                os._exit(1)


def _end_on_sigterm() -> None:
    """Have SIGTERM end the process as Ctrl-C does, where the server (Flask's own) does not handle it."""
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return

    def end(_signum: int, _frame: FrameType | None) -> None:
        # A second one ends the process at once; what has not run is on disk.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)


def _is_only_the_reloader() -> bool:
    """Whether this process only watches files for Flask's reloader: it has the application but serves nobody."""
    command = _command()
    if command is None or command.command.name != "run" or is_running_from_reloader():
        return False
    reload = command.params.get("reload")
    return get_debug_flag() if reload is None else bool(reload)


def _command() -> click.Context | None:
    """Return the context of Flask's command line, if that is what runs us."""
    context = click.get_current_context(silent=True)
    return context if context is not None and context.find_object(ScriptInfo) is not None else None


def _idle(settings: Settings, sources: Sequence[Source]) -> Running:
    """Return parts for a process that serves nobody: they take no lock and start no thread."""
    catalog = Catalog(
        sources,
        folder=settings.state_dir / "snapshots",
        ingestor=data_ingestor(settings),
        on_death=lambda _role, _error: None,
    )
    engine = create_engine(
        jobs=MemoryJobStore(),
        results=MemoryResultStore(),
        compute=LocalCompute(catalog),
        gate=catalog,
        clock=time.time,
        threads=1,
        queue_limit=1,
        job_time_limit_s=settings.job_time_limit_s,
        keep_ended_s=settings.keep_ended_s,
        keep_ended_jobs=settings.keep_ended_jobs,
        on_fatal=lambda _error: None,
    )
    return Running(engine, catalog, Metrics(), Access(), None, settings, stop=lambda: None)
