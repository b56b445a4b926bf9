"""A Dask scheduler with workers, as processes of this machine, ended with the block."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S, poll

_GATE_CODE = Path(__file__).parent / "tally_gate"


def require_dask() -> None:
    """Skip where Dask is not installed; where CI=true it has to be."""
    if importlib.util.find_spec("distributed") is None:
        assert os.environ.get("CI") != "true", "where CI=true, requirements-cluster.lock has to be installed"
        pytest.skip("distributed is not installed: make cluster")


class DaskCluster:
    """Where the scheduler is, and the workers that were started."""

    def __init__(self, folder: Path, certificates: Certificates | None = None) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.gate = folder / "gate"
        self.gate.touch()
        self._certificates = certificates
        self._scheduler_file = folder / "scheduler.json"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, workers: int = 2) -> None:
        """Start the scheduler and some workers, and wait until the scheduler is there."""
        protocol = "tls" if self._certificates else "tcp"
        self.scheduler = self._run("scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", protocol)
        poll(self._find_address, bool)
        for _ in range(workers):
            self.add_worker()

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        address = self._find_address()
        assert address is not None, "the scheduler has not been started"
        return address

    def _find_address(self) -> str | None:
        # Dask writes the file where it is, so it may be there and empty.
        try:
            address: str = json.loads(self._scheduler_file.read_text(encoding="utf-8"))["address"]
        except (FileNotFoundError, ValueError):
            return None
        return address

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more worker of one thread."""
        local = ("--local-directory", str(self.scratch), "--nthreads", "1", "--host", "127.0.0.1")
        # So small that each tally takes several.
        environment = {"PIECE_BYTES": "500", **environment}
        worker = self._run("worker", *local, "--death-timeout", str(PATIENCE_S), **environment)
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """End all processes."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            kill_group(process)

    def readers(self) -> list[int]:
        """Return the ids of the child processes in which workers read files."""
        groups = {worker.pid for worker in self.workers}
        return [process for process in _processes() if _is_reader(process) and _has_ancestor(process, groups)]

    def left_over(self) -> list[Path]:
        """Return the folders for temporary files that are still there."""
        return reading_folders(self.scratch)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold all workers before they tally a file, until the block ends."""
        with self.gate.open("rb") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def _run(self, what: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        tls = self._certificates.options if self._certificates else ()
        with (self.folder / f"{what}-{len(self.workers)}.log").open("wb") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"),
                    *("--scheduler-file", str(self._scheduler_file), *options, *tls),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(_GATE_CODE), "TALLY_GATE": str(self.gate), **environment},
                start_new_session=True,
            )


class Certificates:
    """A certificate for everybody, signed by itself."""

    def __init__(self, folder: Path, name: str = "cluster") -> None:
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}-key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(self.key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )

    @property
    def options(self) -> Sequence[str]:
        """The options of Dask's programs."""
        files = ("--tls-ca-file", self.certificate), ("--tls-cert", self.certificate), ("--tls-key", self.key)
        return [text for name, path in files for text in (name, str(path))]

    @property
    def settings(self) -> Mapping[str, str]:
        """The arguments of ``parse_cluster``."""
        certificate = str(self.certificate)
        return {"ca_file": certificate, "certificate_file": certificate, "key_file": str(self.key)}


@contextmanager
def dask_cluster(folder: Path, *, workers: int = 2, certificates: Certificates | None = None) -> Iterator[DaskCluster]:
    """Yield a running cluster."""
    require_dask()
    with ExitStack() as stack:
        cluster = DaskCluster(folder, certificates)
        stack.callback(cluster.stop)
        cluster.start(workers)
        yield cluster


def reading_folders(folder: Path) -> list[Path]:
    """Return the folders for temporary files of readers, wherever they are under a folder in which workers write."""
    # Not Path.rglob: it raises FileNotFoundError where a folder is removed while it looks (Python 3.11 and 3.12).
    return [Path(above, name) for above, names, _ in os.walk(folder) for name in names if name.startswith(".reading-")]


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)


def parent_of(process: int) -> int:
    """Return the id of the parent of a process; 0 if there is none."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _is_reader(process: int) -> bool:
    try:
        return b"meantime.dataset.reading.reader_process" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _has_ancestor(process: int, ancestors: set[int]) -> bool:
    while process > 1:
        if process in ancestors:
            return True
        process = parent_of(process)
    return False
