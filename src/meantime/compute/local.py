"""Results in this process: a request is prepared, computed, and encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Protocol

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.engine.ports import EncodedResult
from meantime.errors import RequestInvalid, SnapshotDamaged
from meantime.formats import citation, classic_json, document
from meantime.formats.document import Document
from meantime.model import Request, Work
from meantime.statistics.check import check, prepared_job
from meantime.statistics.cost import COST_LIMITS, CostLimits
from meantime.statistics.statistic import AnyPrepared
from meantime.text import writable

# How soon cancelling takes effect while a job waits for a repair.
_CHECK_S = 0.1


class Snapshots(Protocol):
    """Where snapshots come from; ``dataset.catalog.Catalog`` is one."""

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the snapshot of that fingerprint, or the current one."""


class LocalCompute:
    """Computes in the thread that calls. A pure function of (snapshot, request): repeated, it gives the same bytes.

    ``repair`` returns, by fingerprint, the future of the repair of a snapshot whose rows are damaged; None if none is
    under way.
    """

    def __init__(
        self,
        catalog: Snapshots,
        limits: CostLimits = COST_LIMITS,
        *,
        repair: Callable[[str], Future[None] | None] = lambda _fingerprint: None,
    ) -> None:
        self._catalog = catalog
        self.limits = limits
        self._repair = repair

    def prepare(self, request: Request) -> AnyPrepared:
        """Check a request against the snapshot that it is bound to, and select its cells.

        The web may have checked it before; one that was accepted while its data set was loading, in its form only.

        Raises:
            RequestInvalid: the request cannot be answered; carries all problems.
            DatasetNotReady: the data set failed to load.
            SnapshotDamaged: the snapshot that the request is bound to is not there.
        """
        snapshot = self._catalog.snapshot(request.dataset, request.fingerprint)
        return check(request.statistic, request.parameters, snapshot, by_words=_by_words(request))

    def document(self, prepared: AnyPrepared, dataset: str, work: Work) -> Document:
        """Compute, as ``document_of`` does."""
        return document_of(prepared, dataset, work)

    def compute(self, request: Request, work: Work) -> EncodedResult:
        """Prepare, compute, and encode the result in the view that the request names; raises as the two do.

        If the rows of the snapshot turn out to be damaged, this waits until they are there again: a job that was
        accepted must not fail because of the server's disk.

        Raises:
            RequestInvalid: also what costs more than a job may. That is refused when it is submitted, unless its data
                set was loading then.
        """
        try:
            return self._compute(request, work)
        except SnapshotDamaged:
            repair = self._repair(request.fingerprint) if request.fingerprint else None
            if repair is None:
                raise
            while not wait((repair,), _CHECK_S).done:
                work.check()
            work.check()  # the server may have stopped the repair
            if repair.exception() is not None:
                raise
        return self._compute(request, work)

    def _compute(self, request: Request, work: Work) -> EncodedResult:
        prepared = prepared_job(
            request.statistic,
            request.parameters,
            self._catalog.snapshot(request.dataset, request.fingerprint),
            by_words=_by_words(request),
            limit=self.limits.job,
        )
        result = document_of(prepared, request.dataset, work)
        return EncodedResult(_encoded(result, request.view, work), result.method_version)


def _by_words(request: Request) -> bool:
    """Whether names are as people write them: in a job of v1 that was submitted while its data set was loading."""
    return request.view == "document"


def document_of(prepared: AnyPrepared, dataset: str, work: Work) -> Document:
    """Compute, and return the result with where it comes from: the data set of this name.

    Raises:
        JobInterrupted: ``work.check()`` stopped it.
    """
    statistic, snapshot = prepared.statistic, prepared.snapshot
    table = prepared.compute(work)
    work.progress(1.0)
    # As checked, not as sent: what was sent may hold keys that the statistic does not know.
    known = msgspec.to_builtins(prepared.parameters)
    source = writable(str(snapshot.about.origin))
    return Document(
        statistic=statistic.name,
        parameters=known,
        dataset=dataset,
        fingerprint=snapshot.fingerprint,
        method_version=statistic.method_version,
        table=table,
        citation=citation.suggest(
            statistic=statistic.name,
            parameters=known,
            dataset=dataset,
            fingerprint=snapshot.fingerprint,
            method_version=statistic.method_version,
            synthetic=snapshot.about.synthetic,
            source=source,
        ),
        source=source,
    )


def _encoded(result: Document, view: str, work: Work) -> bytes:
    match view:
        case "classic":
            return classic_json.encode(result.statistic, result.table, result.parameters)
        case "document":
            return b"".join(_checked_before_each(document.pieces(result), work))
        case _:
            raise RequestInvalid(f"There is no view {view!r} of a result. There are: classic, document.")


def _checked_before_each(pieces: Iterator[bytes], work: Work) -> Iterator[bytes]:
    for piece in pieces:
        work.check()
        yield piece
