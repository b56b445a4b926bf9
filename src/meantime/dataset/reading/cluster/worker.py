"""What a worker does with an order: compare versions and file, and have the file tallied in a child process."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meantime.dataset.reading.child_process import run_reader
from meantime.dataset.reading.cluster.orders import TALLIED, TallyOrder, TallyReply, differing_versions, our_versions
from meantime.dataset.reading.cluster.tallying import FACTS, TALLY, TallyTask
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.reader_messages import ReaderError
from meantime.dataset.reading.source import file_state
from meantime.dataset.reading.work_folder import work_folder
from meantime.errors import LoadFailed, MeantimeError, SourceChanged


@contextmanager
def carried_out(
    order: TallyOrder, into: Path, *, worker: str, cancelled: threading.Event, digest: str | None = None
) -> Iterator[tuple[TallyReply, Path | None]]:
    """Carry out an order; yield the reply, and the file of the tally, which is there until the end of the block.

    Temporary files are in a folder of this order within ``into``. ``worker`` is what this worker is called. ``digest``
    is that of the file where the order was given, if its time differs here.
    """
    try:
        if differ := differing_versions(order.versions, our_versions()):
            raise other_version(worker, differ)
        state = _compare(order, worker)
        if state[1] != order.modified_ns:
            # A copy is as good as the file itself, if it is one.
            found = digest_of(Path(order.path))
            if digest is None:
                yield TallyReply(worker=worker, digest=found), None
                return
            if found != digest:
                raise _other_file(order, worker, "has other bytes there")
        with work_folder(into) as work:
            task = TallyTask(source=order.source, work=str(work), memory_mb=order.memory_mb, order=order)
            watch = DiskWatch(work, source=order.source, source_bytes=order.size_bytes, reserve_mb=order.reserve_mb)
            run_reader(task, watch, lambda _: None, cancelled)
            if file_state(Path(order.path)) != state:
                raise SourceChanged(
                    f"{Path(order.path).name} was replaced or written to while it was being read. Start again once it "
                    "is complete."
                )
            tally = work / TALLY
            size_bytes = tally.stat().st_size if tally.exists() else 0
            facts = TALLIED.decode((work / FACTS).read_bytes())
            reply = TallyReply(worker=worker, tallied=facts, token=secrets.token_hex(8), size_bytes=size_bytes)
            yield reply, tally if size_bytes else None
    except MeantimeError as error:
        yield TallyReply(worker=worker, error=ReaderError.of(error)), None


def other_version(worker: str, differ: str) -> LoadFailed:
    """Return the error about a worker with other versions than ours."""
    what = f"has {differ}. All machines need the same versions to read a file the same"
    return LoadFailed(f"A worker of the cluster {what}.").for_operator(
        f"The worker {worker} {what}: install those of this server there, and start the worker again."
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(order: TallyOrder, worker: str) -> tuple[int, int, int]:
    """Return the state of the file on this worker.

    Raises:
        LoadFailed: there is no such file here, or one of another size.
    """
    state = file_state(Path(order.path))
    if state is None:
        name = Path(order.path).name
        raise LoadFailed(f"A worker of the cluster has no file {name}.").for_operator(
            f"The worker {worker} has no file {order.path}. Each worker needs the files under the same path as this "
            "server: mount the shared folder there, or serve files that all of them have."
        )
    if state[0] != order.size_bytes:
        raise _other_file(order, worker, f"has {state[0]:,} bytes there and {order.size_bytes:,} here")
    return state


def _other_file(order: TallyOrder, worker: str, how: str) -> LoadFailed:
    name = Path(order.path).name
    return LoadFailed(f"{name} is another file on a worker of the cluster than on the server.").for_operator(
        f"{order.path} on the worker {worker} is not the file of this server: it {how}. Copy the file again, or mount "
        "the same folder on all machines."
    )
