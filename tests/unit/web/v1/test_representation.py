from __future__ import annotations

import asyncio
import dataclasses
import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.errors import RangeInvalid, ResultGone
from meantime.formats import document
from meantime.formats.document import Document
from meantime.formats.file_names import stem_of
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS
from meantime.table import Heading
from meantime.web.http import ranges
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.pools import AnswerPools
from meantime.web.v1 import envelope
from meantime.web.v1.representation import represent
from tests.support import result_documents
from tests.support.http_requests import FakeRequest, job_request
from tests.support.v1_calls import headers_of, taken, turns_until
from tests.support.waiting import PATIENCE_S, run

SHORT = result_documents.of_names("Utah", "Ohio")
# Some 400 KB in every form of text.
LONG = result_documents.of_names(*(f"{number:090}" for number in range(4_000)))
# Forms that hold any table; charts hold only some, and take a second: test_images.py.
TABLES = tuple(suffix for suffix, form in FORMATS.items() if form.draw is None)


@dataclass
class Sent:
    """An answer as a client has it."""

    status: int
    headers: dict[str, str]
    body: bytes
    pieces: int | None  # how many it came in; None where it came whole


async def answered(
    call: FakeRequest,
    *,
    form: str | Format = "csv",
    of: Document = SHORT,
    tag: str = "t" * 32,
    is_kept: bool = True,
    **more: Any,
) -> Reply | Stream:
    async def body() -> bytes:
        return document.encode(of)

    source: dict[str, Any] = {"body": body} if is_kept else {"document": lambda: of}
    return await represent(
        call,
        form=FORMATS[form] if isinstance(form, str) else form,
        tag=tag,
        run=AnswerPools().documents.run,
        **({"cache_control": "private, no-cache"} | source | more),
    )


async def never() -> bytes:
    raise AssertionError("it was read")


def ask(method: str = "GET", *, suffix: str | None = None, headers: dict[str, str] | None = None, **more: Any) -> Sent:
    async def story() -> Sent:
        answer = await answered(job_request(method, suffix=suffix, **(headers or {})), **more)
        if isinstance(answer, Reply):
            return Sent(answer.status, headers_of(answer), answer.body, None)
        pieces = [piece async for piece in answer.pieces]
        return Sent(answer.status, headers_of(answer), b"".join(pieces), len(pieces))

    return run(story())


def written(form: str, of: Document) -> bytes:
    return b"".join(FORMATS[form].pieces(of))


# Whole


def test_the_json_of_a_result_is_sent_as_it_is_kept_and_not_parsed() -> None:
    async def no_document() -> bytes:
        return b"kept"

    sent = ask(form="json", body=no_document)
    assert (sent.status, sent.body) == (200, b"kept")


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("is_kept", [True, False])
def test_every_form_is_written_from_the_document(form: str, is_kept: bool) -> None:
    sent = ask(form=form, is_kept=is_kept)
    assert (sent.status, sent.body) == (200, written(form, SHORT))


def test_an_answer_says_what_it_is_and_how_long_it_may_be_kept() -> None:
    async def story() -> Reply | Stream:
        return await answered(
            job_request(), form="csv", headers=(("location", "/v1/jobs/job_id_7"),), job_id="job_id_7"
        )

    answer = run(story())
    assert (answer.content_type, answer.job_id) == ("text/csv; charset=utf-8", "job_id_7")
    headers = headers_of(answer)
    assert headers["cache-control"] == "private, no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["location"] == "/v1/jobs/job_id_7"


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("form", ["json", "csv", "xlsx"])
def test_a_file_has_a_name_that_says_what_is_in_it(form: str, is_kept: bool) -> None:
    about = Heading(topic="obesity", title="obesity among women", people="women", years="2023")
    of = dataclasses.replace(SHORT, table=dataclasses.replace(SHORT.table, about=about))
    stem = partial(stem_of, statistic="ranking", parameters={"locations": ["all"]}, dataset="d", fingerprint="f")
    headers = ask(form=form, of=of, is_kept=is_kept, stem=stem).headers
    assert headers["content-disposition"] == f'inline; filename="obesity-women-2023-ranking.{form}"'
    assert "content-disposition" not in ask(form=form, of=of).headers


def test_a_result_that_does_not_say_what_it_is_about_is_named_for_its_data_set() -> None:
    name = partial(
        stem_of, statistic="states_mean", parameters={}, dataset='a "b"\r\n/../ü', fingerprint="9f2c53a1" * 8
    )
    for form in ("csv", "json"):
        headers = ask(form=form, is_kept=True, stem=name).headers
        assert headers["content-disposition"] == f'inline; filename="states_mean-a-b-..-u-9f2c53a1.{form}"'


def test_a_chart_that_is_not_the_main_one_is_named() -> None:
    form = dataclasses.replace(FORMATS["csv"], chart="map")
    assert 'filename="x-map.csv"' in ask(form=form, stem=lambda _: "x").headers["content-disposition"]


@given(st.text(max_size=300), st.text(max_size=300), st.lists(st.text(max_size=100), max_size=3))
def test_a_file_name_is_one_whatever_the_texts_are(dataset: str, text: str, places: list[str]) -> None:
    about = Heading(topic=text, title=text, people=text, years=text)
    for heading in (about, None):
        stem = stem_of(
            heading, statistic="ranking", parameters={"locations": places}, dataset=dataset, fingerprint="f" * 64
        )
        assert stem.isascii()
        assert not set(stem) & set('/\\"; \t\r\n:*?<>|')
        assert 0 < len(stem) <= 5 * 60 + 20


@pytest.mark.parametrize(
    ("suffix", "headers", "expected"),
    [
        (None, (), "Accept, Accept-Encoding"),
        ("csv", (), "Accept-Encoding"),
        (None, (("preference-applied", "wait=1"),), "Accept, Accept-Encoding, Prefer"),
    ],
)
def test_caches_are_told_what_the_answer_depends_on(
    suffix: str | None, headers: tuple[tuple[str, str], ...], expected: str
) -> None:
    async def story() -> Reply | Stream:
        return await answered(job_request(suffix=suffix), headers=headers)

    assert headers_of(run(story()))["vary"] == expected


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_goes_wrong_with_the_document_is_told(form: str) -> None:
    def gone() -> Document:
        raise ResultGone("It is gone.")

    async def lost() -> bytes:
        raise ResultGone("It is gone.")

    with pytest.raises(ResultGone):
        ask(form=form, is_kept=False, document=gone)
    with pytest.raises(ResultGone):
        ask(form=form, body=lost)


def test_an_answer_of_nothing_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="Either body or document"):
        ask(is_kept=False, document=None)


# ETags


def etag(form: str = "csv", **more: Any) -> str:
    return ask(form=form, **more).headers["etag"]


def test_every_form_in_every_coding_of_every_result_has_its_own_etag() -> None:
    packed = {"headers": {"accept-encoding": "gzip"}, "of": LONG}
    etags = [etag(form, tag=tag) for form in TABLES for tag in ("a" * 32, "b" * 32)]
    etags += [etag(form, **packed) for form in TABLES if FORMATS[form].is_text]
    assert len(set(etags)) == len(etags)
    assert all(each.startswith('"') and each.endswith('"') for each in etags)


def test_the_same_representation_has_the_same_etag_and_the_same_bytes() -> None:
    for form in TABLES:
        for headers in ({}, {"accept-encoding": "gzip"}):
            first, again = (ask(form=form, of=LONG, headers=headers) for _ in range(2))
            assert (first.headers["etag"], first.body) == (again.headers["etag"], again.body)


def test_an_etag_does_not_outlive_what_wrote_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = etag()
    monkeypatch.setattr("meantime.web.v1.representation.writers", lambda: "another version")
    assert etag() != before
    assert envelope.writers.__wrapped__() == envelope.writers.__wrapped__()


@pytest.mark.parametrize("written_as", ["{0}", "W/{0}", '"other", {0}', '"a","b",W/{0}', "*", " * "])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_neither_read_nor_sent_again(written_as: str, method: str) -> None:
    known = etag()
    sent = ask(method, body=never, headers={"if-none-match": written_as.format(known)})
    assert (sent.status, sent.body, sent.headers["etag"]) == (304, b"", known)
    assert (sent.headers["cache-control"], sent.headers["vary"]) == ("private, no-cache", "Accept, Accept-Encoding")


@pytest.mark.parametrize("known", ['"other"', "", "etag", '"unfinished', "W/", '"a" "b"'])
def test_what_the_client_does_not_have_is_sent(known: str) -> None:
    assert ask(headers={"if-none-match": known}).status == 200


def test_the_etag_of_another_form_or_coding_does_not_stand_for_this_one() -> None:
    assert ask(form="csv", headers={"if-none-match": etag("tsv")}).status == 200
    packed = etag(of=LONG, headers={"accept-encoding": "gzip"})
    assert ask(of=LONG, headers={"if-none-match": packed}).status == 200
    assert ask(of=LONG, headers={"if-none-match": packed, "accept-encoding": "gzip"}).status == 304


def test_who_takes_it_packed_and_has_it_plain_has_it() -> None:
    known = etag(of=LONG)
    sent = ask(of=LONG, headers={"if-none-match": known, "accept-encoding": "gzip"})
    assert (sent.status, sent.headers["etag"]) == (304, known)


def test_a_post_that_waited_for_its_result_gets_it_whatever_the_client_has() -> None:
    sent = ask("POST", headers={"if-none-match": "*", "range": "bytes=0-1"})
    assert (sent.status, sent.body) == (200, written("csv", SHORT))


# Packed


@pytest.mark.parametrize(
    ("accept_encoding", "is_packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("x-gzip", True),
        ("GZIP;q=0.1", True),
        ("*", True),
        ("br, *;q=0.1", True),
        ("gzip, identity", True),
        ("identity;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("identity", False),
        ("br", False),
        ("", False),
        ("gzip;q=much", False),
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("of", [result_documents.of_names(*map(str, range(200))), LONG], ids=["short", "long"])
def test_text_is_packed_for_those_who_want_it(accept_encoding: str, is_packed: bool, form: str, of: Document) -> None:
    sent = ask(form=form, of=of, headers={"accept-encoding": accept_encoding})
    assert sent.headers.get("content-encoding") == ("gzip" if is_packed else None)
    assert (gzip.decompress(sent.body) if is_packed else sent.body) == written(form, of)


def test_what_fits_into_a_packet_is_not_packed() -> None:
    assert len(written("csv", SHORT)) < 1200
    sent = ask(headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in sent.headers
    assert sent.headers["etag"] == etag()


def test_what_is_packed_already_is_not_packed_again() -> None:
    toy = form_of(lambda _: iter([b"\0" * 5000]), is_text=False)
    assert "content-encoding" not in ask(form=toy, headers={"accept-encoding": "gzip"}).headers


def test_no_time_is_in_what_is_packed() -> None:
    body = ask(of=LONG, headers={"accept-encoding": "gzip"}).body
    assert body[4:8] == bytes(4)


# Parts


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, None),
        ("bytes=-7", -7, None),
        ("bytes=-999999", 0, None),
        ("bytes=3-999999", 3, None),
        ("Bytes= 2-4 ", 2, 5),
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_part_is_sent_where_it_is_asked_for(asked: str, first: int, end: int | None, form: str) -> None:
    whole = written(form, SHORT)
    sent = ask(form=form, headers={"range": asked, "accept-encoding": "gzip"})
    begin = first % len(whole)
    assert (sent.status, sent.body) == (206, whole[first:end])
    assert sent.headers["content-range"] == f"bytes {begin}-{begin + len(sent.body) - 1}/{len(whole)}"
    assert sent.headers["etag"] == etag(form)  # of it as it is, since it is not packed
    assert "content-encoding" not in sent.headers


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,3-4", "bytes=5-4", "bytes=-", "bytes=a-b", "lines=0-1", "bytes", "", "bytes=٣-٤", f"bytes={'9' * 99}-"],
)
def test_what_is_no_range_and_several_at_once_are_answered_with_the_whole(asked: str) -> None:
    sent = ask(headers={"range": asked})
    assert (sent.status, sent.body) == (200, written("csv", SHORT))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_range_of_which_nothing_is_there_is_refused_with_the_length(asked: str) -> None:
    with pytest.raises(RangeInvalid) as refused:
        ask(headers={"range": asked})
    assert refused.value.size_bytes == len(written("csv", SHORT))


def test_a_part_is_sent_only_if_it_is_of_what_the_client_has_the_rest_of() -> None:
    known = etag()
    assert ask(headers={"range": "bytes=1-2", "if-range": known}).status == 206
    for other in (f"W/{known}", '"other"', "Tue, 24 Nov 2026 09:30:00 GMT"):
        sent = ask(headers={"range": "bytes=1-2", "if-range": other})
        assert (sent.status, sent.body) == (200, written("csv", SHORT))


def test_who_has_it_all_is_sent_no_part() -> None:
    assert ask(headers={"range": "bytes=1-2", "if-none-match": etag()}).status == 304


@given(size=st.integers(1, 30), first=st.integers(0, 40), length=st.integers(0, 40))
def test_a_range_is_cut_as_python_cuts(size: int, first: int, length: int) -> None:
    body = bytes(range(size))
    for asked, expected in (
        (ranges.ByteRange(first, first + length), body[first : first + length + 1]),
        (ranges.ByteRange(first, None), body[first:]),
        (ranges.ByteRange(None, length), body[-length:] if length else b""),
    ):
        if expected:
            begin, end = asked.within(size)
            assert body[begin:end] == expected
        else:
            with pytest.raises(RangeInvalid):
                asked.within(size)


def test_parts_of_what_is_long_come_piece_by_piece_and_give_the_whole() -> None:
    whole = written("csv", LONG)
    assert len(whole) > 2 * 150_000
    middle = 150_000
    one, other = (ask(of=LONG, headers={"range": asked}) for asked in (f"bytes=0-{middle - 1}", f"bytes={middle}-"))
    assert one.body + other.body == whole
    json = document.encode(LONG)
    sent = ask(form="json", of=LONG, headers={"range": "bytes=1-"})
    assert (sent.status, sent.body, sent.headers["content-length"]) == (206, json[1:], str(len(json) - 1))
    assert (sent.pieces or 0) > 1


# HEAD


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("of", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("headers", [{}, {"accept-encoding": "gzip"}], ids=["plain", "packed"])
def test_head_has_the_headers_of_get(form: str, of: Document, headers: dict[str, str]) -> None:
    got, looked = (ask(method, form=form, of=of, headers=headers, stem=lambda _: "x") for method in ("GET", "HEAD"))
    assert (looked.status, looked.headers) == (200, got.headers)


def test_head_is_asked_for_no_part() -> None:
    assert ask("HEAD", headers={"range": "bytes=0-1"}).status == 200


# Piece by piece, in threads


def form_of(pieces: Callable[[Document], Iterator[bytes]], *, is_text: bool = True) -> Format:
    return Format(
        position=1, suffix="toy", media_type="text/toy", name="Toy", meaning="for tests", is_text=is_text, pieces=pieces
    )


class Written:
    """A form that notes how far it is and in which threads, and that waits where the test says."""

    def __init__(self, pieces: int, *, wait_at: int | None = None, size_bytes: int = 100_000) -> None:
        self.made = 0
        self.threads: set[int] = set()
        self.is_waiting = threading.Event()
        self.go_on = threading.Event()
        self.is_over = threading.Event()
        self._plan = (pieces, wait_at, size_bytes)

    def pieces(self, _: Document) -> Iterator[bytes]:
        pieces, wait_at, size_bytes = self._plan
        try:
            for number in range(pieces):
                if number == wait_at:
                    self.is_waiting.set()
                    assert self.go_on.wait(PATIENCE_S)
                self.made += 1
                self.threads.add(threading.get_ident())
                yield bytes([number % 256]) * size_bytes
        finally:
            self.is_over.set()

    def form(self, *, is_text: bool = True) -> Format:
        return form_of(self.pieces, is_text=is_text)


def test_a_short_stored_result_is_converted_at_once_and_everything_else_in_a_thread() -> None:
    def threads_of(*, is_text: bool = True, **more: Any) -> set[int]:
        written = Written(1, size_bytes=10)
        ask(form=written.form(is_text=is_text), **more)
        return written.threads

    here = {threading.get_ident()}
    assert threads_of() == here
    assert threads_of(of=LONG) & here == set()
    assert threads_of(is_text=False) & here == set()
    assert threads_of(is_kept=False) & here == set()


def test_what_is_long_is_sent_piece_by_piece_while_it_is_made() -> None:
    written = Written(20)

    async def story() -> None:
        answer = await answered(job_request(), form=written.form(), is_kept=False)
        assert isinstance(answer, Stream)
        assert "content-length" not in headers_of(answer)
        assert written.made == 3  # as many as make a piece
        [first] = await taken(answer.pieces)
        assert len(first) < 600_000
        assert written.made < 10
        rest = [piece async for piece in answer.pieces]
        assert first + b"".join(rest) == b"".join(bytes([number]) * 100_000 for number in range(20))

    run(story())
    assert threading.get_ident() not in written.threads


def test_the_length_of_what_is_kept_is_told_though_it_is_sent_in_pieces() -> None:
    body = document.encode(LONG)
    sent = ask(form="json", of=LONG)
    assert (sent.body, sent.headers["content-length"]) == (body, str(len(body)))
    assert (sent.pieces or 0) > 1


def test_others_are_answered_while_something_long_is_made() -> None:
    written = Written(20, wait_at=0)

    async def story() -> None:
        answering = asyncio.ensure_future(answered(job_request(), form=written.form(), is_kept=False))
        await turns_until(written.is_waiting.is_set)
        assert (await answered(job_request())).status == 200
        assert not answering.done()
        written.go_on.set()
        await answering

    run(story())


def test_nothing_more_is_made_for_a_client_that_left_while_it_was_sent() -> None:
    written = Written(1000)

    async def story() -> None:
        answer = await answered(job_request(), form=written.form(), is_kept=False)
        assert isinstance(answer, Stream)
        await taken(answer.pieces)
        await answer.pieces.aclose()  # type: ignore[attr-defined]

    run(story())
    assert written.made < 10


def test_nothing_more_is_made_for_a_client_that_left_before_there_was_anything_to_send() -> None:
    written = Written(1000, wait_at=1)

    async def story() -> None:
        # Of a part the whole has to be made first.
        call = job_request(range="bytes=0-")
        answering = asyncio.ensure_future(answered(call, form=written.form(), is_kept=False))
        await turns_until(written.is_waiting.is_set)
        call.left.set()
        with pytest.raises(ClientGone):
            await answering
        written.go_on.set()
        await turns_until(written.is_over.is_set)

    run(story())
    assert written.made == 2


def test_nothing_more_is_made_for_a_request_that_is_given_up() -> None:
    written = Written(1000, wait_at=1)

    async def story() -> None:
        answering = asyncio.ensure_future(answered(job_request(range="bytes=0-"), form=written.form(), is_kept=False))
        await turns_until(written.is_waiting.is_set)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        written.go_on.set()
        await turns_until(written.is_over.is_set)

    run(story())
    assert written.made == 2


def test_what_goes_wrong_with_looking_for_the_client_is_not_that_it_left() -> None:
    written = Written(1000, wait_at=1)

    class Broken(FakeRequest):
        async def disconnected(self) -> None:
            await turns_until(written.is_waiting.is_set)
            raise OSError("of the test")

    async def story() -> None:
        with pytest.raises(OSError, match="of the test"):
            await answered(Broken(), form=written.form(), is_kept=False)
        written.go_on.set()

    run(story())
