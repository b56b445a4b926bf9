"""A connection: uvicorn's httptools protocol with limits on what a client sends and holds.

The limits must hold before a request reaches the application, and while nobody waits for anything: uvicorn itself has
only a limit for idle connections. What is refused here has the form of the API that its path belongs to.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from meantime.errors import (
    AddressTooLong,
    BodiesFull,
    ConnectionsFull,
    HeadersTooLong,
    HttpInvalid,
    MeantimeError,
    RequestTooSlow,
)
from meantime.web.answer_transport import AnswerTransport
from meantime.web.connections import ConnectionLimits, Connections, HeldMemory
from meantime.web.refusals import refuse

# The shortest chunk has one byte of body in six; more lines than that around chunks are not for the sake of a body.
_LINES_TO_BODY = 16


class _Refused(Exception):
    """Ends the parsing of a request; ``_refusal`` has the reason."""


class _Unread:
    """Requires a client to read what was written to it, while it is watched."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limits: ConnectionLimits) -> None:
        self._transport = transport
        self._loop = loop
        self._period_s = limits.unread_period_s
        self._least_bytes = limits.unread_bytes_per_s * limits.unread_period_s
        self._unsent_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Watch from now on, if anything is unread."""
        if self._timer is None and (unsent_bytes := self._transport.get_write_buffer_size()):
            self._unsent_bytes = unsent_bytes
            self._timer = self._loop.call_later(self._period_s, self._check)

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._unsent_bytes - self._transport.get_write_buffer_size() < self._least_bytes:
            self._transport.abort()
        else:
            self.watch()


class _Rest:
    """What a client still sends after it was refused.

    A connection that is closed with bytes unread is reset, and the client loses the answer.
    """

    def __init__(self, transport: asyncio.Transport, limits: ConnectionLimits) -> None:
        self._transport = transport
        self._left_bytes = limits.linger_bytes

    def discard(self) -> None:
        """Tell the client that nothing more is sent, so that it closes the connection when it has read the answer."""
        if not self._transport.is_closing():
            self._transport.write_eof()

    def is_too_long(self, data: bytes) -> bool:
        """Discard some bytes, and return whether they were too many: who sends that much is not reading."""
        self._left_bytes -= len(data)
        return self._left_bytes < 0


def _address_too_long(limits: ConnectionLimits) -> AddressTooLong:
    return AddressTooLong(f"The address is longer than {limits.address_bytes:,} bytes, which is the limit.")


def _headers_too_long(limits: ConnectionLimits) -> HeadersTooLong:
    return HeadersTooLong(
        f"The request has more than {limits.headers} headers, or more than {limits.head_bytes:,} bytes besides its "
        "body, which is the limit."
    )


def _refusal(address: bytes, error: MeantimeError) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    reply = refuse(address.partition(b"?")[0], error)
    headers = (
        ("content-type", reply.content_type),
        ("content-length", str(len(reply.body))),
        *reply.headers,
        ("connection", "close"),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return b"%b%b\r\n%b" % (STATUS_LINE[reply.status], head.encode("latin-1"), reply.body)


class Connection(HttpToolsProtocol):
    """One connection of a client.

    A request is *begun* at its first byte, has its *head* when the headers are complete, and is *complete* with its
    body. The parser may be further than the answers: requests that were sent ahead wait in uvicorn's ``pipeline``.
    """

    def __init__(self, shared: Connections, **more: Any) -> None:
        super().__init__(**more)
        self._shared = shared
        self._limits = shared.limits
        self.timeout_keep_alive = shared.limits.idle_s  # type: ignore[assignment]  # uvicorn's is a whole number
        self._refusal: MeantimeError | None = None
        self._is_surplus = False
        self._is_ended = False  # what still comes is discarded
        self._received = b""
        # Of the request that is being parsed
        self._has_moved = False  # a request was begun or completed by the bytes that came last
        self._begun = 0  # how many requests these bytes began
        self._has_head = True
        self._is_complete = True
        self._head_bytes = 0  # of the parsed lines
        self._line_bytes = 0  # of everything that is not body, parsed or not
        self._body_bytes = 0
        self._body_bytes_before = 0  # before the bytes that came last
        self._held = HeldMemory(shared.memory)
        self._checked_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        # Of the answers
        self._answering: RequestResponseCycle | None = None
        self._unread: _Unread = None  # type: ignore[assignment]  # until connection_made, as uvicorn's transport
        self._rest: _Rest = None  # type: ignore[assignment]  # likewise

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and wait for its first byte."""
        super().connection_made(transport)
        self._unread = _Unread(transport, self.loop, self._limits)
        self._rest = _Rest(transport, self._limits)
        self._answers = AnswerTransport(transport)
        if self._shared.add(self._address):
            self._start_timer(self._limits.head_s, self._head_is_late)
        elif self._shared.are_beyond_refusing:
            transport.abort()
        else:
            # Answered when the request is there: closed before, the client would be reset and not see the answer.
            self._is_surplus = True
            self._start_timer(self._limits.refused_s, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and tell every request that its client is gone."""
        self._stop_timer()
        self._unread.stop()
        self._shared.remove(self._address)
        self._held.hold(0)
        super().connection_lost(exc)
        # uvicorn tells only the request that came last.
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, and limit what is not complete after it."""
        if self._is_ended:
            if self._rest.is_too_long(data):
                self._close()
            return
        self._received = data
        if self._is_surplus:
            self._refuse(ConnectionsFull("As many connections are open as the server allows.", retry_after_s=1))
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._has_moved, self._begun = False, 0
        self._body_bytes_before = self._body_bytes
        was_complete = self._is_complete
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or HttpInvalid("This is not a valid HTTP request."))
        except httptools.HttpParserUpgrade:
            pass  # WebSockets are off: the request is answered as what it is without the wish for one
        self._received = b""
        if self._is_complete and self._has_moved:
            self._stop_timer()
            if self.cycle.response_complete and not self._is_closing():
                # The rest of a body that was refused; uvicorn only waits for the next request after an answer.
                self._start_timer(self.timeout_keep_alive, self._close)
        elif not self._is_closing():
            self._limit_unfinished(len(data), was_complete=was_complete)
        if self._held.size_bytes or self.pipeline or not self._has_head:
            self._hold_unread()

    def pause_writing(self) -> None:
        """Stop the answers until the client has read some of them."""
        super().pause_writing()
        self._unread.watch()

    def resume_writing(self) -> None:
        """Go on with the answers."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._unread.stop()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._stop_timer()
        self._has_moved = True
        self._begun += 1
        self._has_head = self._is_complete = False
        self._head_bytes = self._line_bytes = self._body_bytes = self._body_bytes_before = 0

    def on_url(self, url: bytes) -> None:
        """Add a part of the address."""
        self.url += url
        if len(self.url) > self._limits.address_bytes:
            self._stop_parsing(_address_too_long(self._limits))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or a trailer."""
        self._head_bytes += len(name) + len(value)
        if len(self.headers) >= self._limits.headers or self._head_bytes > self._limits.head_bytes:
            self._stop_parsing(_headers_too_long(self._limits))
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Have the request answered."""
        self._stop_timer()
        super().on_headers_complete()
        self.cycle.transport = self._answers  # type: ignore[assignment]  # it has all that is called there
        # Only now: it raises if an address that the parser took is none, and then there is no request to answer.
        self._has_head = True
        # Trailers are dropped: the application must not take them for headers, which its checks have passed already.
        self.headers = []
        if not self.pipeline:
            self._answering = self.cycle
        elif len(self.pipeline) > self._limits.pipelined:
            self._stop_parsing(HttpInvalid("Too many requests were sent ahead of their answers."))

    def on_body(self, body: bytes) -> None:
        """Add a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._is_complete = self._has_moved = True
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    # What answers call

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self._answers.end()
        if self.pipeline:
            self._answering = self.pipeline[-1][0]
        super().on_response_complete()
        if self._held.size_bytes:
            self._hold_unread()
        if self.transport.is_closing():
            self._unread.watch()
        elif self.pipeline or self._answering is not self.cycle:
            # One answer makes room for one request, not for as many as fit in the next packet.
            self.flow.pause_reading()
        elif not self._is_complete:
            # The next request has a time limit already; the rest of the body of this one gets one now.
            self._unset_keepalive_if_required()
            if self._has_head:
                self._start_timer(self._limits.linger_s, self._close)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        self._close()

    # Limits

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def _limit_unfinished(self, received_bytes: int, *, was_complete: bool) -> None:
        """Limit a request that is not complete, after some bytes of it, and bytes between requests."""
        # Of bytes that end a request and begin another, or begin several, it is not known which belong to the last.
        # They are at most those of one read.
        if not self._begun or (self._begun == 1 and was_complete):
            self._line_bytes += received_bytes - (self._body_bytes - self._body_bytes_before)
        if self._line_bytes > self._limits.head_bytes + _LINES_TO_BODY * self._body_bytes:
            if self._is_complete:
                self._refuse(HttpInvalid("There is no request in these bytes."))
            elif not self._has_head and len(self.url) > self._line_bytes / 2:
                self._refuse(_address_too_long(self._limits))
            else:
                self._refuse(_headers_too_long(self._limits))
        elif self._timer is None:
            if self._has_head and not self._is_complete:
                self._checked_bytes = self._body_bytes + self._line_bytes
                self._start_timer(self._limits.body_period_s, self._check_body)
            else:
                self._start_timer(self._limits.head_s, self._head_is_late)

    def _hold_unread(self) -> None:
        """Account for what is kept here until the application reads it: a head, and requests that were sent ahead.

        The body of a request that is being answered is accounted for where it is read.
        """
        unread_bytes = 0 if self._has_head else self._line_bytes
        unread_bytes += sum(len(cycle.body) for cycle, _ in self.pipeline)
        if self._held.hold(unread_bytes):
            return
        self._refuse(BodiesFull("The requests that are arriving take all the memory for them.", retry_after_s=1))

    def _head_is_late(self) -> None:
        self._timer = None
        if self._is_complete:  # not a byte of a request
            if self._answering is None or self._answering.response_complete:
                self._close()
            return
        self._refuse(RequestTooSlow(f"The headers were not complete after {self._limits.head_s:g} s."))

    def _check_body(self) -> None:
        self._timer = None
        received_bytes = self._body_bytes + self._line_bytes
        least_bytes = self._limits.body_bytes_per_s * self._limits.body_period_s
        # While reading is paused, it is the server that does not go on.
        if received_bytes - self._checked_bytes < least_bytes and not self.flow.read_paused:
            self._refuse(RequestTooSlow(f"Less than {self._limits.body_bytes_per_s:g} bytes a second arrived."))
            return
        self._checked_bytes = received_bytes
        self._start_timer(self._limits.body_period_s, self._check_body)

    def _start_timer(self, delay_s: float, call: Any) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(delay_s, call)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # The end

    def _is_closing(self) -> bool:
        return self._is_ended or self.transport.is_closing()

    def _stop_parsing(self, error: MeantimeError) -> None:
        self._refusal = error
        raise _Refused

    def _refuse(self, error: MeantimeError) -> None:
        """Answer the request that is being parsed with an error, and close the connection."""
        if self._is_ended:
            return
        self._is_ended = True
        self._stop_timer()
        is_of_cycle = self._has_head and not self._is_complete
        if is_of_cycle and self.pipeline:
            # Its answer would come after others, which are under way.
            self.pipeline.popleft()
        elif is_of_cycle and self.cycle.response_complete:
            self._close()
            return
        elif is_of_cycle and not self.cycle.response_started:
            self._answer(error)
            return
        last = self.pipeline[0][0] if self.pipeline else self._answering
        if last is None or last.response_complete:
            self._answer(error)
            return
        # Answers are under way, and must not have another one between them: the connection closes after the last.
        last.keep_alive = False
        self.flow.pause_reading()

    def _answer(self, error: MeantimeError) -> None:
        # The part of the address that was read. With a method that is unknown, or bytes that no address may have, it
        # was not even begun, so the request line tells.
        url = b"" if self._is_complete else self.url
        address = url or b"".join(self._received.split(b"\n", 1)[0].split(b" ")[1:2])
        self.transport.write(_refusal(address, error))
        if self._answering is not None and not self._answering.response_complete:
            # The application may wait for the rest of the body.
            self._answering.disconnected = True
            self._answering.message_event.set()
        self._unread.watch()
        self._start_timer(self._limits.refused_s if self._is_surplus else self._limits.linger_s, self._close)
        self._rest.discard()

    def _close(self) -> None:
        """Close the connection when what was written is read, if it is read."""
        if not self.transport.is_closing():
            self.transport.close()
            self._unread.watch()
