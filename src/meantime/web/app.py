"""The ASGI application: middleware over one table of endpoints, for both APIs."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.routing import Router as StarletteRouter
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from meantime.dataset.catalog import Catalog
from meantime.dataset.uploads import Uploads
from meantime.engine.engine import Engine
from meantime.log import Log
from meantime.web import host_results as hosts_only
from meantime.web.backend import Backend, Compute, HostResults
from meantime.web.catching_up import CatchingUp
from meantime.web.classic import endpoints as classic
from meantime.web.classic import server_endpoints
from meantime.web.explorer.serving import Explorer
from meantime.web.http import hosts
from meantime.web.http.access import Access
from meantime.web.http.access_log import AccessLog
from meantime.web.http.bodies import BodyMemory
from meantime.web.http.cors import CorsMiddleware
from meantime.web.http.dispatch import EndpointRoute
from meantime.web.http.loop_bridge import FutureBridge
from meantime.web.http.middleware import AccessLogMiddleware, HostMiddleware
from meantime.web.http.router import Router
from meantime.web.long_poll import JobWaiters
from meantime.web.metrics import Metrics
from meantime.web.refusals import refuse
from meantime.web.v1 import routes as v1

ENDPOINTS = (
    *classic.ENDPOINTS,
    *server_endpoints.ENDPOINTS,
    *server_endpoints.EXPLORER,
    *v1.ENDPOINTS,
)


def create_app(
    *,
    engine: Engine,
    catalog: Catalog,
    compute: Compute,
    metrics: Metrics,
    explorer: Explorer,
    waiters: JobWaiters,
    keep_ended_s: float,
    access: Access | None = None,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    trusted_proxies: Sequence[str] = (),
    log: Log | None = None,
    memory: BodyMemory | None = None,
    uploads: Uploads | None = None,
    host_results: HostResults | None = None,
) -> StarletteRouter:
    """Return the application.

    ``access`` decides who may use it; without it, everybody may. ``allowed_hosts`` are host names besides those of the
    loopback interface, and pages of ``allowed_origins`` may use it too. ``trusted_proxies`` are believed when they say
    for whom they ask. ``memory`` is what bodies share with the connections that they arrive on. Without ``uploads``,
    the server takes none. ``host_results`` are for other hosts, where several share their jobs.
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
        uploads=uploads,
        host_results=host_results,
    )
    # Not the class Starlette, which adds two layers that turn errors into pages: EndpointRoute answers all errors.
    return StarletteRouter(
        routes=[
            EndpointRoute(
                Router((*ENDPOINTS, *(hosts_only.ENDPOINTS if host_results else ()))),
                backend,
                access=access or Access(),
                memory=memory or BodyMemory(),
                refuse=refuse,
                before=None if engine.is_alone else CatchingUp(engine, backend.wait_for),
            )
        ],
        middleware=[
            *([Middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies))] if trusted_proxies else []),
            Middleware(AccessLogMiddleware, access_log=AccessLog(metrics=metrics, log=log)),
            Middleware(HostMiddleware, hosts=hosts.Hosts(allowed_hosts), refuse=refuse),
            *([Middleware(CorsMiddleware, origins=allowed_origins)] if allowed_origins else []),
        ],
    )
