"""Results in this process: snapshot, check, statistic, format."""

from __future__ import annotations

from typing import Protocol

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.engine.ports import Answer
from meantime.errors import RequestInvalid
from meantime.formats import classic_json, document
from meantime.model import Request, Work
from meantime.statistics import requests
from meantime.statistics.registry import STATISTICS
from meantime.table import Table


class Snapshots(Protocol):
    """Where snapshots come from; ``dataset.catalog.Catalog`` is one."""

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        """Return the snapshot of that fingerprint, or the current one."""


class LocalCompute:
    """Computes in the thread that asks. Pure in (snapshot, request): asked again, the same bytes."""

    def __init__(self, catalog: Snapshots) -> None:
        self._catalog = catalog

    def answer(self, request: Request, work: Work) -> Answer:
        """Compute, and write the result in the view that the request asked for.

        Raises:
            RequestInvalid: the request cannot be answered; carries all problems.
            DatasetNotReady: the data set failed to load.
            SnapshotDamaged: the snapshot that the request is bound to is not there.
            JobInterrupted: ``work.check()`` said to stop.
        """
        snapshot, parameters = self._checked(request)
        table = _compute(request.statistic, snapshot, parameters, work)
        version = STATISTICS[request.statistic].method_version
        return Answer(_written(table, request, snapshot, parameters, version), version)

    def table(self, request: Request, work: Work) -> Table:
        """Compute, and return the table as it is; raises as ``answer`` does."""
        return _compute(request.statistic, *self._checked(request), work)

    def _checked(self, request: Request) -> tuple[Snapshot, msgspec.Struct]:
        snapshot = self._catalog.snapshot(request.dataset, request.fingerprint)
        # Again, also where the web has checked before: a request that was accepted while its data set was loading could
        # not be checked against it.
        checked = requests.check(request.statistic, request.parameters, snapshot)
        if isinstance(checked, tuple):
            raise RequestInvalid(" ".join(problem.detail for problem in checked), problems=checked)
        return snapshot, checked


def _compute(statistic: str, snapshot: Snapshot, parameters: msgspec.Struct, work: Work) -> Table:
    work.check()
    table = STATISTICS[statistic].compute(snapshot, parameters, work)
    work.progress(1.0)
    return table


def _written(table: Table, request: Request, snapshot: Snapshot, parameters: msgspec.Struct, version: int) -> bytes:
    # As checked, not as sent: what was sent may hold keys that the statistic does not know.
    known = msgspec.to_builtins(parameters)
    match request.view:
        case "classic":
            return classic_json.encode(request.statistic, table, known)
        case "document":
            return document.encode(
                table,
                statistic=request.statistic,
                parameters=known,
                dataset=request.dataset,
                fingerprint=snapshot.fingerprint,
                method_version=version,
            )
        case view:
            raise RequestInvalid(f"There is no view {view!r} of a result. There are: classic, document.")
