"""Orders sent to the workers of a Dask scheduler.

A tally stays on its worker, in pieces, until each piece was fetched: so this process never has more of it than one. If
a worker is lost, Dask has its files tallied again elsewhere. What is lost in between shows in the token of a piece, and
the file is fetched anew.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import distributed
import msgspec

from meantime.dataset.reading.cluster.address import Cluster
from meantime.dataset.reading.cluster.local_workers import tally_path
from meantime.dataset.reading.cluster.orders import (
    ORDER,
    REPLY,
    TallyOrder,
    TallyReply,
    differing_versions,
    our_versions,
)
from meantime.dataset.reading.cluster.worker import carried_out, digest_of, other_version
from meantime.errors import LoadFailed

# What is fetched at a time: large beside the overhead of a message, small beside the memory of this process.
PIECE_BYTES = 8 * 2**20
# A scheduler that is there answers at once; one that is being started takes some seconds.
_CONNECT_S = 10.0
# TallyWorkers that are being started, or again after a crash, take so long at most: then somebody has to look.
WORKERS_WITHIN_S = 30.0
# How often the workers are counted while none has finished a file.
_LOOK_EVERY_S = 2.0
# Of one tally, after which something else than lost workers must be wrong.
_MOST_FETCHES = 5


class DaskWorkers:
    """The workers of a scheduler, from the beginning of the block to its end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._run = secrets.token_hex(4)
        self._bytes_fetched = 0

    def __enter__(self) -> Self:
        """Connect, and compare the versions of all workers.

        Raises:
            LoadFailed: the scheduler cannot be reached, has no workers, or workers with other versions.
        """
        address = self._cluster.address
        try:
            self._client: Any = distributed.Client(address, security=_security(self._cluster), timeout=_CONNECT_S)
        except Exception as error:
            raise _unreachable(address, error) from error
        try:
            self._require_workers()
            self._compare_versions()
        except BaseException:
            self._client.close(timeout=_CONNECT_S)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect: the scheduler forgets what was ordered and not fetched."""
        self._client.close(timeout=_CONNECT_S)

    def tally(self, orders: Sequence[TallyOrder], into: Path) -> Iterator[tuple[int, TallyReply]]:
        """Yield the number of each order and its reply, as they come; the tally of order n is ``tally_path(into, n)``.

        Raises:
            LoadFailed: the connection or all workers were lost, or workers die of a file.
        """
        fetches = {}
        for number, order in enumerate(orders):
            fetch = self._submit(number, order)
            fetches[fetch.first] = fetch
        while fetches:
            for first in self._finished(list(fetches)):
                fetch = fetches.pop(first)
                reply = self._reply(fetch)
                if reply.digest is not None:
                    again = self._submit(fetch.number, fetch.order, digest=digest_of(Path(fetch.order.path)))
                    fetches[again.first] = again
                    continue
                yield fetch.number, self._fetch(fetch, reply, tally_path(into, fetch.number))

    def _submit(self, number: int, order: TallyOrder, digest: str | None = None) -> _Fetch:
        name = f"meantime-{self._run}-{number}-{secrets.token_hex(3)}"
        tally = self._client.submit(_tally, msgspec.json.encode(order), digest, key=f"{name}-tally", pure=False)
        return _Fetch(number, order, tally, self._client.submit(_piece, tally, 0, key=f"{name}-0", pure=False))

    def _finished(self, waiting: list[Any]) -> Iterator[Any]:
        """Return those that are done, as soon as there is one."""
        without_workers_s = 0.0
        while True:
            began_s = time.monotonic()
            try:
                return iter(distributed.wait(waiting, timeout=_LOOK_EVERY_S, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                pass
            except Exception as error:
                raise self._lost(error) from error
            if self._client.status != "running":
                raise self._lost(None)
            here = self._client.scheduler_info(n_workers=-1)["workers"]
            without_workers_s = 0.0 if here else without_workers_s + time.monotonic() - began_s
            if without_workers_s > WORKERS_WITHIN_S:
                raise self._no_workers()

    def _reply(self, fetch: _Fetch) -> TallyReply:
        try:
            reply, fetch.piece = fetch.first.result(timeout=_CONNECT_S)
        except distributed.KilledWorker as error:
            raise LoadFailed(
                f"The workers of the cluster that read {Path(fetch.order.path).name} were killed, again and again."
            ).for_operator(
                f"{fetch.order.path}: each worker that read it was killed ({error.last_worker}). Most likely the "
                "machine or the container has less memory than load_memory_mb allows to reading. See the worker's log."
            ) from error
        except Exception as error:
            if self._client.status != "running" or isinstance(error, distributed.CancelledError | TimeoutError):
                raise self._lost(error) from error
            name, kind = Path(fetch.order.path).name, type(error).__name__
            raise LoadFailed(f"Reading {name} on the cluster failed ({kind}).").for_operator(
                f"Reading {fetch.order.path} on the cluster failed: {kind}: {error}. Is the same Meantime installed "
                "on every worker? See the worker's log."
            ) from error
        return REPLY.decode(reply)

    def _fetch(self, fetch: _Fetch, reply: TallyReply, into: Path) -> TallyReply:
        """Fetch the pieces of a tally into a file, and have the worker forget it."""
        for _ in range(_MOST_FETCHES):
            if self._write_pieces(fetch, reply, into):
                break
            fetch.first = self._client.submit(_piece, fetch.tally, 0, pure=False)
            reply = self._reply(fetch)
        else:
            raise self._lost(None)
        fetch.first.release()
        fetch.tally.release()
        return reply

    def _write_pieces(self, fetch: _Fetch, reply: TallyReply, into: Path) -> bool:
        """Write a tally piece by piece; return whether all were of the same one."""
        if not reply.size_bytes:
            return True
        with into.open("wb") as file:
            file.write(fetch.piece)
            fetch.piece, number = b"", 0
            while file.tell() < reply.size_bytes:
                number += 1
                try:
                    body, piece = self._client.submit(_piece, fetch.tally, number, pure=False).result()
                except Exception as error:
                    raise self._lost(error) from error
                if REPLY.decode(body).token != reply.token:
                    return False
                file.write(piece)
        return True

    def _require_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_WITHIN_S)
        except TimeoutError as error:
            raise self._no_workers() from error

    def _compare_versions(self) -> None:
        try:
            found = self._client.run(our_versions, on_error="return")
        except Exception as error:
            raise self._lost(error) from error
        ours = our_versions()
        for worker, versions in sorted(found.items()):
            if isinstance(versions, BaseException):
                raise LoadFailed("A worker of the cluster cannot run Meantime's reader.").for_operator(
                    f"The worker {worker} cannot run Meantime's reader ({type(versions).__name__}: {versions}). "
                    f"Install Meantime {ours['meantime'].partition(',')[0]} there, and start the worker again."
                )
            if differ := differing_versions(ours, versions):
                raise other_version(worker, differ)

    def _no_workers(self) -> LoadFailed:
        return LoadFailed("The cluster that reads the files has no workers.").for_operator(
            f"The Dask scheduler at {self._cluster.address} has had no workers for {WORKERS_WITHIN_S:.0f} seconds. "
            f"Start some: dask worker {self._cluster.address}."
        )

    def _lost(self, error: BaseException | None) -> LoadFailed:
        why = f": {type(error).__name__}: {error}" if error else ""
        return LoadFailed("The connection to the cluster that reads the files was lost.").for_operator(
            f"The connection to the Dask scheduler at {self._cluster.address} was lost{why}. Start it again."
        )


class _Fetch:
    """A file that is being tallied: its tally on a worker, and the first piece of it."""

    def __init__(self, number: int, order: TallyOrder, tally: Any, first: Any) -> None:
        self.number, self.order, self.tally, self.first = number, order, tally, first
        self.piece = b""


def _unreachable(address: str, error: Exception) -> LoadFailed:
    what = "The scheduler of the cluster that reads the files cannot be reached."
    return LoadFailed(what).for_operator(
        f"The Dask scheduler at {address} cannot be reached ({error}). Check the address, that it is running, and that "
        "its certificates are those of this server."
    )


def _security(cluster: Cluster) -> Any:
    if not cluster.ca_file:
        return None
    return distributed.Security(
        tls_ca_file=cluster.ca_file,
        tls_client_cert=cluster.certificate_file,
        tls_client_key=cluster.key_file,
        require_encryption=True,
    )


class _Released(threading.Event):
    """Set when the scheduler no longer wants a task: then it is neither running nor to be run."""

    def __init__(self) -> None:
        super().__init__()
        self._worker = distributed.get_worker()
        self._key = self._worker.get_current_task()

    def is_set(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state in ("cancelled", "released", "forgotten")


def _tally(body: bytes, digest: str | None) -> tuple[bytes, list[bytes]]:
    """On a worker: carry out an order; return the reply, and the tally in pieces."""
    worker = distributed.get_worker()
    into = Path(worker.local_directory).parent / "meantime"
    with carried_out(ORDER.decode(body), into, worker=worker.address, cancelled=_Released(), digest=digest) as (
        reply,
        tally,
    ):
        pieces = []
        if tally is not None:
            with tally.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    pieces.append(piece)
    return msgspec.json.encode(reply), pieces


def _piece(tallied: tuple[bytes, list[bytes]], number: int) -> tuple[bytes, bytes]:
    """On a worker: return the reply and one of the pieces of a tally."""
    reply, pieces = tallied
    return reply, pieces[number] if number < len(pieces) else b""
