"""The ASGI application: middleware over one table of endpoints, for both APIs."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.routing import Router as StarletteRouter

from meantime.dataset.catalog import Catalog
from meantime.engine.engine import Engine
from meantime.log import Log
from meantime.web.backend import Backend, Compute
from meantime.web.classic import endpoints as classic
from meantime.web.classic import server_endpoints
from meantime.web.explorer.serving import Explorer
from meantime.web.http import hosts
from meantime.web.http.access_log import AccessLog
from meantime.web.http.bodies import BodyMemory
from meantime.web.http.dispatch import EndpointRoute
from meantime.web.http.loop_bridge import FutureBridge
from meantime.web.http.middleware import AccessLogMiddleware, HostMiddleware
from meantime.web.http.router import Router
from meantime.web.long_poll import JobWaiters
from meantime.web.metrics import Metrics
from meantime.web.refusals import refuse
from meantime.web.v1 import routes as v1

ENDPOINTS = (*classic.ENDPOINTS, *server_endpoints.ENDPOINTS, *server_endpoints.EXPLORER, *v1.ENDPOINTS)


def create_app(
    *,
    engine: Engine,
    catalog: Catalog,
    compute: Compute,
    metrics: Metrics,
    explorer: Explorer,
    waiters: JobWaiters,
    keep_ended_s: float,
    admin_key: str | None = None,
    allowed_hosts: Sequence[str] = (),
    log: Log | None = None,
    memory: BodyMemory | None = None,
) -> StarletteRouter:
    """Return the application.

    ``allowed_hosts`` are host names besides those of the loopback interface. ``memory`` is what bodies share with the
    connections that they arrive on.
    """
    metrics.watch(engine, catalog)
    backend = Backend(
        engine=engine,
        catalog=catalog,
        compute=compute,
        wait_for=FutureBridge().wait,
        keep_ended_s=keep_ended_s,
        metrics=metrics,
        explorer=explorer,
        waiters=waiters,
        admin_key=admin_key,
    )
    # Not the class Starlette, which adds two layers that turn errors into pages: EndpointRoute answers all errors.
    return StarletteRouter(
        routes=[EndpointRoute(Router(ENDPOINTS), backend, memory=memory or BodyMemory(), refuse=refuse)],
        middleware=[
            Middleware(AccessLogMiddleware, access_log=AccessLog(metrics=metrics, log=log)),
            Middleware(HostMiddleware, hosts=hosts.Hosts(allowed_hosts), refuse=refuse),
        ],
    )
