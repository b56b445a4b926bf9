"""Meantime: statistics over indicator data, in the meantime.

Ask a server (``meantime serve FILE``) from Python::

    from meantime import Client

    with Client() as client:
        result = client.ask("states_mean", question="Percent of adults aged 18 years and older who have obesity")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meantime.client.asynchronous import AsyncClient, AsyncJob
    from meantime.client.blocking import Client, Job
    from meantime.client.jobs import Ask
    from meantime.client.result import Result
    from meantime.errors import MeantimeError

# fmt: off
__all__ = [  # noqa: RUF022 - grouped by what they are for
    # Asking a server
    "Client", "AsyncClient", "Ask",
    # What comes of it
    "Result", "Job", "AsyncJob", "MeantimeError",
]
# fmt: on

_HOME = {
    "Client": "meantime.client.blocking",
    "Job": "meantime.client.blocking",
    "AsyncClient": "meantime.client.asynchronous",
    "AsyncJob": "meantime.client.asynchronous",
    "Ask": "meantime.client.jobs",
    "Result": "meantime.client.result",
    "MeantimeError": "meantime.errors",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: a server needs no client, and a reading process starts sooner.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
