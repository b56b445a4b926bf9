"""Which protocol a listener speaks with its clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from meantime.web.connections import Connections

if TYPE_CHECKING:
    from meantime.web.connection import Connection


def http_protocol(connections: Connections) -> type[asyncio.Protocol] | str:
    """Return a value for uvicorn's ``http`` option: its httptools protocol, with our limits and our errors.

    Without httptools (on PyPy) it is "auto": bytes that are not HTTP are refused in plain text, and of the limits only
    that of the head holds.
    """
    try:
        from meantime.web.connection import Connection
    except ImportError:
        return "auto"

    def connect(**more: Any) -> Connection:
        return Connection(connections, **more)

    return cast("type[asyncio.Protocol]", connect)
