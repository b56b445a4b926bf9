"""The only answer that the HTTP server gives by itself: to bytes that are not HTTP."""

from __future__ import annotations

import asyncio

from meantime.errors import HttpInvalid
from meantime.web.refusals import refuse


def http_protocol() -> type[asyncio.Protocol] | str:
    """Return a value for uvicorn's ``http`` option: its httptools protocol, with errors in the form of our APIs.

    Without httptools it is "auto", and bytes that are not HTTP are refused in plain text.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class OurErrors(HttpToolsProtocol):
        received = b""

        def data_received(self, data: bytes) -> None:
            self.received = data
            super().data_received(data)

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
            # The part of the address that was read: an address beyond 64 KiB is itself an error. With a method that
            # is unknown, or bytes that no address may have, it was not even begun, so the request line tells.
            address = getattr(self, "url", b"") or b"".join(self.received.split(b"\n", 1)[0].split(b" ")[1:2])
            path = address.partition(b"?")[0]
            reply = refuse(path, HttpInvalid("This is not a valid HTTP request."))
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
