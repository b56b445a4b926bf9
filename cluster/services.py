"""The services of deploy/compose.yaml as processes of this machine; the storage is moto's server there and here.

Their commands are those of the file, with addresses, ports and folders of this machine in place of the containers'.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import yaml

from tests.support.object_storage import ObjectStorage, running_storage
from tests.support.postgresql import PASSWORD, PostgresServer

_DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
_STOP_S = 60


class Services:
    """The services, started one by one, and all ended with the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared, self.certificates = folder / "shared", folder / "certificates"
        self._services: Mapping[str, Any] = yaml.safe_load((_DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
        listening = ("scheduler", "server-1", "server-2", "reader-1", "reader-2", "balancer")
        self._ports = {name: _free_port() for name in listening}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._database: PostgresServer | None = None
        self._storage: ObjectStorage | None = None
        self._ended_last = ExitStack()
        for made in (self.shared, self.certificates):
            made.mkdir(parents=True)
        _make_certificate(self.certificates)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes, the last one first."""
        for name in reversed(list(self.processes)):
            self.kill(name, signal.SIGTERM if kind is None else signal.SIGKILL)
        self._ended_last.close()
        if self._database:
            self._database.admin.close()
            self._database.stop(signal.SIGQUIT)
            shutil.rmtree(self._database.folder, ignore_errors=True)

    @property
    def names(self) -> Sequence[str]:
        """The services in the order in which they need each other."""
        return list(self._services)

    def url(self, name: str) -> str:
        """Return the address of a service that speaks HTTP."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def start(self, name: str) -> None:
        """Start a service; what it says goes into a file in the folder."""
        if name == "database":
            self._database = _start_database()
            return
        if name == "storage":
            self._storage = self._ended_last.enter_context(running_storage(self.folder / "storage.log"))
            return
        environment = self._services[name].get("environment", {})
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    **{variable: self._here(text, name) for variable, text in environment.items()},
                    "MEANTIME_STATE_DIR": str(self.folder / f"{name}-state"),
                },
                start_new_session=True,
            )

    def fill(self) -> None:
        """Put the shared files into the storage, and their rows into a table of the database, as texts."""
        if self._storage is None or self._database is None:
            raise RuntimeError("the storage and the database come first")
        self._storage.client.create_bucket(Bucket="meantime")
        connection = psycopg.connect(f"{self._database.url('meantime')}?password={PASSWORD}")
        with connection, connection.cursor() as cursor:
            for number, path in enumerate(sorted(self.shared.glob("*.csv"))):
                body = path.read_bytes()
                self._storage.client.put_object(Bucket="meantime", Key=f"tables/{path.name}", Body=body)
                if not number:
                    header = next(csv.reader([body.decode().partition("\n")[0]]))
                    columns = ", ".join(f'"{name}" text' for name in header)
                    cursor.execute(f"CREATE TABLE public.counted ({columns})")
                with cursor.copy("COPY public.counted FROM STDIN (FORMAT csv, HEADER)") as copy:
                    copy.write(body)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a service, and whatever it has started."""
        process = self.processes.pop(name)
        if how == signal.SIGTERM and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                print(f"{name} did not stop within {_STOP_S} seconds")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_S)

    def said(self, name: str) -> str:
        """Return what a service has said so far."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def require_running(self) -> None:
        """Exit with what a service said last if it has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                sys.exit(f"{name} has ended with {process.returncode}:\n{self.said(name)[-2_000:]}")

    def _command(self, name: str) -> list[str]:
        words = [self._here(word, name) for word in self._services[name]["command"]]
        program = Path(sys.executable).parent / words[0]
        if words[0] == "nginx":
            conf = self.folder / "balancer.conf"
            conf.write_text(self._here((_DEPLOY / "balancer.conf").read_text("utf-8"), name), "utf-8")
            return ["nginx", "-c", str(conf), *words[3:]]
        return [str(program), *words[1:]]

    def _here(self, text: str, name: str) -> str:
        """Return a text of the file with what the containers' names, ports and folders are here."""
        ports = self._ports
        database = f"127.0.0.1:{self._database.port}" if self._database else ""
        named = {
            "/tmp/": f"{self.folder}/",  # noqa: S108 - of the containers
            "scheduler:8786": f"127.0.0.1:{ports['scheduler']}",
            "--host=scheduler": "--host=127.0.0.1",
            "--port=8786": f"--port={ports['scheduler']}",
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=5000": f"--port={ports.get(name, 0)}",
            "server-1:5000": f"127.0.0.1:{ports['server-1']}",
            "server-2:5000": f"127.0.0.1:{ports['server-2']}",
            "listen 8080": f"listen 127.0.0.1:{ports['balancer']}",
            "database:5432": database,
            "${PGPASSWORD}": PASSWORD,
            "http://storage:5000": self._storage.url if self._storage else "",
            "${AWS_SECRET_ACCESS_KEY}": "of-the-acceptance-test",
            "/shared": str(self.shared),
            "/certificates": str(self.certificates),
        }
        for there, here in named.items():
            text = text.replace(there, here)
        return text


def _start_database() -> PostgresServer:
    """Start PostgreSQL with the database of the jobs. What it acknowledges is on the disk, as servers require."""
    database = PostgresServer(Path(tempfile.mkdtemp(prefix="meantime-postgresql-")))
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        database.admin.execute(f"ALTER SYSTEM SET {setting} = on")
    database.admin.execute("SELECT pg_reload_conf()")
    database.admin.execute("CREATE DATABASE meantime")
    return database


def _make_certificate(folder: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-keyout", str(folder / "cluster-key.pem"), "-out", str(folder / "cluster.pem")]
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
