from __future__ import annotations

import asyncio

from meantime.web.answer_transport import AnswerTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class RecordedTransport(asyncio.Transport):
    """Keeps what is sent, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def test_a_head_is_sent_together_with_the_beginning_of_its_body() -> None:
    transport = RecordedTransport()
    answers = AnswerTransport(transport)
    for body in (b"{}", b"HTTP/1.1 is no head here", b""):
        answers.write(HEAD)
        answers.write(body)
        answers.write(b"more")
        answers.end()
    assert transport.sent == [
        HEAD + b"{}",
        b"more",
        HEAD + b"HTTP/1.1 is no head here",
        b"more",
        HEAD,
        b"more",
    ]


def test_a_head_that_nothing_follows_is_sent_at_the_end_and_before_the_connection_closes() -> None:
    transport = RecordedTransport()
    answers = AnswerTransport(transport)
    answers.write(HEAD)
    answers.end()
    answers.write(HEAD)
    answers.close()
    assert transport.sent == [HEAD, HEAD]
    assert answers.is_closing()


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_at_once() -> None:
    transport = RecordedTransport()
    answers = AnswerTransport(transport)
    answers.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert transport.sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    answers.write(HEAD)
    answers.write(b"{}")
    assert transport.sent[1:] == [HEAD + b"{}"]
