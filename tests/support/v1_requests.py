"""A client of the endpoints of data sets, with a real catalog."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from meantime.dataset.catalog import Catalog
from meantime.dataset.uploads import Uploads
from meantime.engine.engine import Engine
from meantime.web.backend import Backend, Compute
from meantime.web.explorer.serving import Explorer
from meantime.web.http.loop_bridge import FutureBridge
from meantime.web.metrics import Metrics
from meantime.web.v1.datasets import coverage, profile
from meantime.web.v1.datasets import endpoints as dataset_endpoints
from tests.support import factories
from tests.support.catalogs import Workspace
from tests.support.endpoint_client import application
from tests.support.web_app import Answer, send

KEY = "an administrator's key"


class DatasetClient:
    """Calls the endpoints as a client would."""

    def __init__(self, catalog: Catalog, uploads: Uploads | None = None) -> None:
        self.catalog = catalog
        self.uploads = uploads

    def __call__(self, target: str, method: str = "GET", **more: Any) -> Answer:
        async def ask() -> Answer:
            backend = Backend(
                engine=cast("Engine", None),  # none of these endpoints uses jobs
                catalog=self.catalog,
                compute=cast("Compute", None),
                wait_for=FutureBridge().wait,
                keep_ended_s=1,
                metrics=cast("Metrics", None),
                explorer=cast("Explorer", None),
                uploads=self.uploads,
            )
            app = application(
                (*dataset_endpoints.ENDPOINTS, *coverage.ENDPOINTS, *profile.ENDPOINTS), backend, admin_key=KEY
            )
            return await send(app, method, target, **more)

        return asyncio.run(ask())

    def reload(self, name: str = "a", **headers: str) -> Answer:
        return self(f"/v1/datasets/{name}/reload", "POST", headers=headers)

    def coverage(self, *pairs: tuple[str, str], name: str = "a") -> Answer:
        return self(f"/v1/datasets/{name}/coverage?{urlencode(pairs)}")

    def profile(self, *pairs: tuple[str, str], name: str = "a") -> Answer:
        return self(f"/v1/datasets/{name}/profile?{urlencode(pairs)}")


@contextmanager
def serving(workspace: Workspace, *sources: Any) -> Iterator[DatasetClient]:
    with workspace.serving(*sources) as catalog:
        yield DatasetClient(catalog, Uploads(workspace.folder / "state" / "uploads", limit_mb=1, reserve_mb=0))


def table(workspace: Workspace, *rows: dict[str, Any], name: str = "a") -> Any:
    source = workspace.source(name)
    Path(source.path).write_text(json.dumps(rows))
    return source


ROWS = (
    factories.row(
        "Q", "Utah", "1", category="Sex", stratum="Male", period=(2020, 2020), value_type="Rate", unit="percent"
    ),
    factories.row("Q", "Utah", None, category="Sex", stratum="Female", period=(2021, 2022), reason="~"),
    factories.row("Q", "Guam", None, category="Sex", stratum="Female", period=(2021, 2022), reason="*"),
    factories.row("R", "Ohio", "3"),
)
