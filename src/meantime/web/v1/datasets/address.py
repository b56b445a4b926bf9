"""The data set that a path names, and what the endpoints of data sets share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from meantime.dataset.load_status import Loading
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import (
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    RequestInvalid,
)
from meantime.text import quoted, share
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.endpoint import Parameter
from meantime.web.http.request import HttpRequest

_RETRY_AFTER_S = 1


def dataset_name_of(backend: Backend, request: HttpRequest) -> str:
    """Return the name of the data set that the path names.

    Raises:
        DatasetUnknown: there is none with this name.
    """
    name: str = request.path_params["name"]
    names = backend.catalog.names
    if name not in names:
        raise dataset_unknown(name, names)
    return name


def dataset_unknown(name: str, names: Sequence[str]) -> DatasetUnknown:
    """Return the error for an unknown data set, with the closest names."""
    hint = suggestion(closest(name, names))
    return DatasetUnknown(f"No data set named {quoted(name)} is served. {hint}GET /v1/datasets lists those that are.")


def current_snapshot(backend: Backend, name: str) -> Snapshot:
    """Return the snapshot that is served now.

    Raises:
        DatasetLoading: it is being read for the first time.
        DatasetNotReady: it failed to load.
    """
    if isinstance(status := backend.catalog.status(name), Loading):
        done = f"{status.progress.phase}, {share(status.progress.share)}"
        raise DatasetLoading(
            f"The data set {quoted(name)} is still loading ({done}). Jobs are accepted, and wait for it.",
            retry_after_s=_RETRY_AFTER_S,
        )
    return backend.catalog.snapshot(name)


NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(min_length=1)],
    description="Name of the data set, from GET /v1/datasets.",
    required=True,
    example="sample",
)

# Problems of requests for the contents of a data set.
READY = (DatasetUnknown, DatasetLoading, DatasetNotReady, RequestInvalid)
HEADERS = (conditional.ETAG, conditional.CACHE_CONTROL)
