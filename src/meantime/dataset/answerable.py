"""Which requests this host can answer, where several hosts share their jobs and each reads its own files."""

from __future__ import annotations

from pathlib import Path

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready
from meantime.dataset.older_snapshots import snapshot_folders
from meantime.dataset.snapshot_folder import fingerprint_of
from meantime.model import Request


def can_answer(catalog: Catalog, folder: Path, request: Request) -> bool:
    """Whether the data set is served here with the content that a request is bound to, if it is; an older one counts.

    ``folder`` is the one that the catalog keeps its snapshots in.
    """
    if (status := catalog.statuses().get(request.dataset)) is None:
        return False
    current = status.snapshot.fingerprint if isinstance(status, Ready) else None
    if request.fingerprint in (None, current):
        return True
    return request.fingerprint in {fingerprint_of(each.name) for each in snapshot_folders(folder)}
