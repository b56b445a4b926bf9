"""The one answer that the HTTP server gives without asking us: to bytes that are no HTTP."""

from __future__ import annotations

import asyncio

from meantime.errors import HttpInvalid
from meantime.web.refusals import refuse


def http_protocol() -> type[asyncio.Protocol] | str:
    """Return what uvicorn's ``http`` option takes: its httptools protocol with errors in our words.

    Where httptools is not there, "auto": requests that are no HTTP are then refused in plain text.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class OurErrors(HttpToolsProtocol):
        def send_400_response(self, msg: str) -> None:
            # What was read of the address: it may be what cannot be read, beyond 64 KiB.
            path = (getattr(self, "url", b"") or b"").partition(b"?")[0]
            reply = refuse(path, HttpInvalid(f"{msg} This is not an HTTP request that can be read."))
            headers = (
                ("content-type", reply.content_type),
                ("content-length", str(len(reply.body))),
                *reply.headers,
                ("connection", "close"),
            )
            head = "".join(f"{name}: {value}\r\n" for name, value in headers)
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%b\r\n%b" % (head.encode("latin-1"), reply.body))
            self.transport.close()

    return OurErrors
