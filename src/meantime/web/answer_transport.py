"""Sends the head of an answer together with the beginning of its body: one system call, and one packet.

uvicorn writes them one after the other, and its event loop sends each at once. Most answers are short, so the second
call, and the second time that the client is woken, were a good part of what they cost.
"""

from __future__ import annotations

import asyncio

_CONTINUE = b"HTTP/1.1 100 "  # asks for the body of a request; no part of its answer


class AnswerTransport:
    """What the answers of one connection are written to, one after the other; ``end`` is called after each."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None  # waits for what follows; b"" when it is sent, None before there is one

    def write(self, data: bytes) -> None:
        """Send a part of an answer; its first part, the head, with the second."""
        if self._head:
            data = self._head + data
            self._head = b""
        elif self._head is None and not data.startswith(_CONTINUE):
            self._head = data
            return
        self._transport.write(data)

    def end(self) -> None:
        """Send a head that nothing follows. The next answer begins."""
        if self._head:
            self._transport.write(self._head)
        self._head = None

    def close(self) -> None:
        """Close the connection when what was written is sent."""
        self.end()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._transport.is_closing()
