from __future__ import annotations

import pytest

from meantime.errors import RequestInvalid
from tests.support.http_requests import FakeRequest


def test_a_query_is_decoded_once_in_its_order_and_with_what_is_empty() -> None:
    assert FakeRequest(query="b=1&a=x%2520y+z&b=&c").query == [("b", "1"), ("a", "x%20y z"), ("b", ""), ("c", "")]
    assert FakeRequest(query="q=%ff%C3%A9\xe9").query == [("q", "\ufffdé\ufffd")]
    assert FakeRequest().query == ()


def test_a_query_of_too_many_parameters_is_refused() -> None:
    assert len(FakeRequest(query="&".join(["a=1"] * 1000)).query) == 1000
    with pytest.raises(RequestInvalid, match="1,000"):
        _ = FakeRequest(query="&".join(["a=1"] * 1001)).query


def test_headers_of_one_name_are_one_with_commas() -> None:
    sent = FakeRequest(accept="text/csv")
    sent.scope["headers"].append((b"accept", b"text/plain"))
    assert sent.header("accept") == "text/csv, text/plain"
    assert sent.header("prefer") is None


def test_the_peer_is_the_other_end_of_the_connection_if_known() -> None:
    sent = FakeRequest()
    assert sent.peer == "127.0.0.1"
    sent.scope["client"] = None
    assert sent.peer is None
