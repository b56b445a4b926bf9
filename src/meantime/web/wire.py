"""The one answer that the HTTP server gives without asking us: to bytes that are no HTTP."""

from __future__ import annotations

import asyncio

from meantime.web.reply import error_body


def http_protocol() -> type[asyncio.Protocol] | str:
    """Return what uvicorn's ``http`` option takes: its httptools protocol with errors in JSON.

    Where httptools is not there, "auto": requests that are no HTTP are then refused in plain text.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class JsonErrors(HttpToolsProtocol):
        def send_400_response(self, msg: str) -> None:
            body = error_body(f"{msg} This is not an HTTP request that can be read.")
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
            )
            self.transport.close()

    return JsonErrors
