"""Results in this process: snapshot, check, statistic, format."""

from __future__ import annotations

from typing import Protocol

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.engine.ports import Answer
from meantime.errors import RequestInvalid
from meantime.formats import citation, classic_json, document
from meantime.formats.document import Document
from meantime.model import Request, Work
from meantime.statistics import requests
from meantime.statistics.registry import STATISTICS


class Snapshots(Protocol):
    """Where snapshots come from; ``dataset.catalog.Catalog`` is one."""

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the snapshot of that fingerprint, or the current one."""


class LocalCompute:
    """Computes in the thread that asks. Pure in (snapshot, request): asked again, the same bytes."""

    def __init__(self, catalog: Snapshots) -> None:
        self._catalog = catalog

    def document(self, request: Request, work: Work) -> Document:
        """Compute, and return the result with where it comes from.

        Raises:
            RequestInvalid: the request cannot be answered; carries all problems.
            DatasetNotReady: the data set failed to load.
            SnapshotDamaged: the snapshot that the request is bound to is not there.
            JobInterrupted: ``work.check()`` said to stop.
        """
        snapshot, parameters = self._checked(request)
        statistic = STATISTICS[request.statistic]
        work.check()
        table = statistic.compute(snapshot, parameters, work)
        work.progress(1.0)
        # As checked, not as sent: what was sent may hold keys that the statistic does not know.
        known = msgspec.to_builtins(parameters)
        return Document(
            statistic=request.statistic,
            parameters=known,
            dataset=request.dataset,
            fingerprint=snapshot.fingerprint,
            method_version=statistic.method_version,
            table=table,
            citation=citation.suggest(
                statistic=request.statistic,
                parameters=known,
                dataset=request.dataset,
                fingerprint=snapshot.fingerprint,
                method_version=statistic.method_version,
                synthetic=snapshot.about.synthetic,
            ),
        )

    def answer(self, request: Request, work: Work) -> Answer:
        """Compute, and write the result in the view that the request asked for; raises as ``document`` does."""
        made = self.document(request, work)
        return Answer(_written(made, request.view), made.method_version)

    def _checked(self, request: Request) -> tuple[Snapshot, msgspec.Struct]:
        snapshot = self._catalog.snapshot(request.dataset, request.fingerprint)
        # Again, also where the web has checked before: a request that was accepted while its data set was loading could
        # not be checked against it.
        checked = requests.check(request.statistic, request.parameters, snapshot)
        if isinstance(checked, tuple):
            raise RequestInvalid(" ".join(problem.detail for problem in checked), problems=checked)
        return snapshot, checked


def _written(made: Document, view: str) -> bytes:
    match view:
        case "classic":
            return classic_json.encode(made.statistic, made.table, made.parameters)
        case "document":
            return document.encode(made)
        case _:
            raise RequestInvalid(f"There is no view {view!r} of a result. There are: classic, document.")
