"""Hostile files and raw requests: each is refused with a reason, or read as what it is.

A file that is only odd (another encoding, other line ends) must become the same data set as the plain one.
"""

from __future__ import annotations

import gzip
import io
import random
import socket
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

import duckdb

from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import LoadCancelled, MeantimeError
from reliability.invariants import descriptors
from reliability.outcome import Outcome
from reliability.scene import Front, closing, write_table
from tests.support.server_process import RunningServer
from tests.support.waiting import PATIENCE_S

_BOMB_MB = 64
_HOSTILE = (
    *(b"\0", b'"', b'"' * 500, b"\n" * 50, b"\r", b",", b"'", b"{", b"=1+1", b"1e999", b"-0", b"NaN"),
    *(b"\xff\xfe", b"\x1b]0;x\x07", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x80" * 9),
    *(b"x" * 100_000, b",," * 2_000),
)


def odd_files(plain: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield files that have the content of the plain one, by their names."""
    text = plain.decode()
    yield "utf-8-with-mark.csv", b"\xef\xbb\xbf" + plain
    yield "utf-16.csv", text.encode("utf-16")
    yield "utf-16-big.csv", b"\xfe\xff" + text.encode("utf-16-be")
    yield "crlf.csv", plain.replace(b"\n", b"\r\n")
    yield "no-last-line-end.csv", plain.rstrip(b"\n")
    yield "tabs.tsv", plain.replace(b",", b"\t")
    yield "packed.csv.gz", gzip.compress(plain)
    rows = [line.split(b",") for line in plain.splitlines()]
    yield "quoted.csv", b"\n".join(b",".join(b'"%b"' % cell for cell in row) for row in rows)
    yield "[b].csv", plain
    yield "a\nb\x1b[31m.csv", plain
    yield "..csv.csv", plain
    yield "%2e%2e%2fx.csv", plain


def hostile_files_of(plain: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield files that nobody should have to read, by their names."""
    header, _, rows = plain.partition(b"\n")
    yield "parquet-of-nothing.parquet", b"PAR1"
    yield "gzip-bomb.csv.gz", gzip.compress(header + b"\n" + b"\0" * _BOMB_MB * 2**20)
    yield "gzip-bomb-of-rows.csv.gz", gzip.compress(header + b"\n" + (rows[:60].split(b"\n")[0] + b"\n") * 2**20)
    yield "gzip-in-gzip.csv.gz", gzip.compress(gzip.compress(plain))
    yield "gzip-cut.csv.gz", gzip.compress(plain)[:-20]
    yield "gzip-more.csv.gz", gzip.compress(plain) + b"more"
    yield "workbook-bomb.xlsx", _zip_bomb()
    yield "workbook-bomb-by-another-name.csv", _zip_bomb()
    yield "parquet-bomb.parquet", _parquet("SELECT repeat('x', 1000000) AS Question FROM range(200)")
    yield "parquet-of-names.parquet", _parquet("SELECT 1 AS file_row_number, 'a' AS filename, 2.5 AS Data_Value")
    yield "parquet-by-another-name.parquet", plain
    yield "empty.csv", b""
    yield "line-end.csv", b"\n"
    yield "header.csv", header
    yield "header-twice.csv", header + b"," + header + b"\n" + rows
    yield "columns.csv", b",".join(b"c%d" % n for n in range(20_000)) + b"\n"
    yield "endless-line.csv", header + b"\n" + b"x" * 2**23
    yield "deep-quotes.csv", header + b"\n" + b'"' * 200_001 + b"\n" + rows
    yield "open-quote.csv", header + b'\n"' + rows
    yield "nuls.csv", b"\0" * 10_000
    yield "nuls-between.csv", rows.join((header + b"\n", b"\0\0"))
    yield "random.csv", random.Random(1).randbytes(100_000)  # noqa: S311 - the same bytes each time
    yield "bad-utf-8.csv", plain.replace(b"North", b"N\xff\xferth")
    yield "half-utf-16.csv", plain.decode().encode("utf-16")[:-1]
    yield "utf-32.csv", plain.decode().encode("utf-32")
    yield "surrogates.csv", plain.replace(b"South", b"\xed\xa0\x80")
    yield "control-characters.csv", plain.replace(b"East", b"\x1b]0;title\x07\xe2\x80\xaeEast")
    yield "markup.csv", plain.replace(b"West", b"<script>alert(1)</script>[/b]")
    yield "values.csv", plain.replace(b".5,", b"e999,").replace(b".1,", b"NaN,").replace(b".2,", b"-inf,")
    yield "years.csv", plain.replace(b",2015\n", b",-99999999999999999999\n").replace(b",2016\n", b",2e3\n")
    yield "script.csv", b"#!/bin/sh\nexit\n"
    yield "database.csv", b"SQLite format 3\0" + b"\0" * 5_000


def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * _BOMB_MB * 2**20)
    return out.getvalue()


def _parquet(query: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        path = Path(folder) / "made.parquet"
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path.read_bytes()


def hostile_files(_front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Read ``number`` files: odd ones, hostile ones, and then the plain one with random damage."""
    chance = random.Random(seed)  # noqa: S311 - the same damage each time
    plain = write_table(folder / "table.csv").read_bytes()
    into = folder / "snapshots"
    ingestor = DataIngestor(memory_mb=1024, rejected_limit=0.05, reserve_mb=0)
    truth = open_snapshot(ingestor.ingest(Source(name="a", path=str(folder / "table.csv")), into)).fingerprint
    violations: list[str] = []
    counts: Counter[str] = Counter()
    for index, (name, content, is_odd) in enumerate(_files(plain, chance)):
        if index == number:
            break
        home = folder / f"{index}"
        home.mkdir()
        path = home / name
        path.write_bytes(content)
        told = _read(ingestor, path, into)
        counts["read" if len(told) == 64 else "refused"] += 1
        if is_odd and told != truth:
            violations.append(f"{name!r} is another data set: {told}"[:500])
        elif len(told) != 64 and not _is_clear(told, folder):
            violations.append(f"{name!r}: {told}"[:700])
        if left := [each.name for each in into.glob(".*")]:
            violations.append(f"{name!r}: left behind: {left}")
        path.unlink()
    tried = f"{number:,} files ({counts['read']:,} read, {counts['refused']:,} refused)"
    return Outcome("hostile files", tried, violations)


def _files(plain: bytes, chance: random.Random) -> Iterator[tuple[str, bytes, bool]]:
    # In turns: the first few have some of each.
    for odd, hostile in zip_longest(odd_files(plain), hostile_files_of(plain)):
        if odd:
            yield (*odd, True)
        if hostile:
            yield (*hostile, False)
    while True:
        content = plain
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(content) + 1)
            content = content[:at] + chance.choice(_HOSTILE) + content[at + chance.choice((0, 0, 1, 50)) :]
        if chance.random() < 0.1:
            content = content[: chance.randrange(len(content))]
        if chance.random() < 0.1:
            content = gzip.compress(content)
        yield "damaged.csv", content, False


def _read(ingestor: DataIngestor, path: Path, into: Path) -> str:
    """Return the fingerprint of what was read, or the reason why nothing was."""
    too_long = threading.Event()
    timer = threading.Timer(PATIENCE_S * 2, too_long.set)
    timer.start()
    try:
        return open_snapshot(ingestor.ingest(Source(name="a", path=str(path)), into, cancelled=too_long)).fingerprint
    except LoadCancelled:
        return "Traceback: reading hangs"
    except MeantimeError as error:
        return error.reason
    except Exception as error:  # noqa: BLE001 - a bug, which is what is looked for
        return f"Traceback: {error!r}"
    finally:
        timer.cancel()


def _is_clear(reason: str, folder: Path) -> bool:
    is_printable = all(letter.isprintable() for letter in reason.replace("\n", ""))
    return is_printable and "Traceback" not in reason and str(folder) not in reason and "exit code" not in reason


# --- raw requests

_HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
_POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


def _with_length(*lines: bytes) -> bytes:
    return _POST + b"".join(line + b"\r\n" for line in lines) + b"\r\n0\r\n\r\n" + _HIDDEN


# Two readings of where they end: whoever takes them must take one, and not what is hidden behind.
SMUGGLING = (
    _with_length(b"Content-Length: 4", b"Transfer-Encoding: chunked"),
    _with_length(b"Transfer-Encoding: chunked", b"Content-Length: 4"),
    _with_length(b"Content-Length: 5", b"Content-Length: 60"),
    _with_length(b"Content-Length: 5, 60"),
    _with_length(b"Content-Length: +5"),
    _with_length(b"Content-Length: 0x5"),
    _with_length(b"Content-Length: 5 5"),
    _with_length(b"Content-Length: -1"),
    _with_length(b"Content-Length: 99999999999999999999"),
    _with_length(b"Transfer-Encoding: chunked, identity"),
    _with_length(b"Transfer-Encoding: identity, chunked", b"Content-Length: 0"),
    _with_length(b"Transfer-Encoding: xchunked"),
    _with_length(b"Transfer-Encoding : chunked"),
    _with_length(b"Transfer-Encoding:\x0bchunked"),
    _with_length(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"),
    _with_length(b" Transfer-Encoding: chunked"),
    _with_length(b"X: y", b"\tTransfer-Encoding: chunked"),
    _with_length(b"Content\0-Length: 5"),
    _with_length(b"Content-Length\r: 5"),
    _POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\n\r\n2 \n{}\n0\n\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
    _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n" + _HIDDEN,
)
_WELL_FORMED = (
    _GET + b"\r\n",
    _POST + b"Content-Length: 2\r\n\r\n{}",
    _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    b"GET /v1/statistics/summary?question=x HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\n\r\n",
    _GET + b"\r\n" + _GET + b"Connection: close\r\n\r\n",
)
_HOSTS = (b"", b"a@b", b"other.example", b"[::1", b"a/b", b"\xff", b"localhost:x")
_VERSIONS = (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 x", b"")
_METHODS = (b"get", b"G\0T", b"BREW", b"", b"M" * 70_000, b"TRACE", b"CONNECT", b"PRI")
_TARGETS = (
    *(b"http://", b"http://a:99999999/", b"http://[::1", b"http://a@b@c/"),
    *(b"livez", b"*", b"http://other.example/livez", b"/\xff", b"/%zz", b"/a b", b"/#x", b"//"),
    *(b"/" + b"x" * 100_000, b"/?" + b"a=b&" * 30_000),
)
_MALFORMED = (
    b"GET /livez HTTP/1.1\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    *(b"GET /livez HTTP/1.1\r\nHost: %b\r\n\r\n" % host for host in _HOSTS),
    *(b"GET /livez %b\r\nHost: localhost\r\n\r\n" % version for version in _VERSIONS),
    *(b"%b /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" % method for method in _METHODS),
    *(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target for target in _TARGETS),
    _GET + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    _GET + b"X: y\r\n" * 2_000 + b"\r\n",
    _GET + b"X: a\0b\r\n\r\n",
    _GET + b"X: a\rb\r\n\r\n",
    _GET + b": x\r\n\r\n",
    _GET + b"no colon\r\n\r\n",
    _GET + b"X: y\r\n folded\r\n\r\n",
    _GET.replace(b"\r\n", b"\n") + b"\n",
    _GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    _GET + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n",
    _POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    _POST + b"Content-Length: 1\r\n\r\n{",
    _POST + b"Content-Length: 2\r\n\r\n\xff\xff",
    _POST + b"Content-Length: 5000\r\n\r\n" + b"[" * 5_000,
    _POST + b"Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}",
    _POST + b"Content-Length: 99999999\r\n\r\n{}",
    _POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    b"\r\n" * 1_000,
    b"\0" * 1_000,
    b"",
)
_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t", b"\xff", b"HTTP/1.1", b"%00", b"{", b"?", b"#", b"/.."),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"0\r\n\r\n", b"\r\n\r\n"),
    b"x" * 9_000,
)
# Refusals of a request line, a version or a method come from the HTTP server itself.
_SERVER_ERRORS = (501, 503, 505)


def hostile_requests(front: Front, folder: Path, *, number: int, seed: int) -> Outcome:
    """Send ``number`` raw requests: listed ones, and then these with random damage, or cut off."""
    chance = random.Random(seed)  # noqa: S311 - the same requests each time
    table = write_table(folder / "table.csv")
    violations: list[str] = []
    statuses: Counter[str] = Counter()
    with closing(front.start(table, folder / "state")) as server:
        server.ready()
        before = descriptors(server.process.pid)
        for index, raw in enumerate(_raw(chance)):
            if index == number:
                break
            try:
                answer = _exchange(server, raw)
            except TimeoutError:
                violations.append(f"no end of the answer to {raw[:300]!r}")
                continue
            told = [part[:3].decode("latin-1") for part in answer.split(b"HTTP/1.1 ")[1:]]
            statuses.update(told or ["closed"])
            has_failed = any(status[:1] == "5" and int(status) not in _SERVER_ERRORS for status in told)
            if has_failed or b"Traceback" in answer:
                violations.append(f"{raw[:300]!r}: {answer[:300]!r}")
            if server.process.poll() is not None:
                violations.append(f"{raw[:300]!r} ended the server")
                break
        if b"200" not in _exchange(server, _GET + b"Connection: close\r\n\r\n")[:15]:
            violations.append("the server does not answer any more")
        if (after := descriptors(server.process.pid)) > before + 8:
            violations.append(f"there were {before} descriptors, and there are {after}")
        if code := server.end():
            violations.append(f"the server ended with {code}")
        log = (folder / "state" / "webserver.log").read_bytes()
        if b"path=/hidden" in log:
            violations.append("a request that was hidden in another one was answered")
        # Flask's development server writes one of its own when it cannot make out what a client wants.
        is_ours = front.has_v1
        for line in log.split(b"\n"):
            if (is_ours and b"Traceback" in line) or any(byte < 32 for byte in line):
                violations.append(f"the log has a traceback or control characters: {line[:300]!r}")
                break
        if is_ours and "Traceback" in "".join(server.output):
            violations.append(f"the server wrote a traceback: {''.join(server.output)[-500:]}")
    told_all = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    return Outcome(f"hostile requests, {front.name}", f"{number:,} raw requests ({told_all})", violations)


def _raw(chance: random.Random) -> Iterator[bytes]:
    yield from SMUGGLING
    yield from _MALFORMED
    yield from _WELL_FORMED
    # Those with something hidden are well-formed in too many ways once they are damaged.
    while True:
        raw = chance.choice((*_WELL_FORMED, *_MALFORMED))
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(raw) + 1)
            raw = raw[:at] + chance.choice(_TOKENS) + raw[at + chance.choice((0, 0, 1, 9)) :]
        yield raw[: chance.randrange(len(raw))] if raw and chance.random() < 0.2 else raw


def _exchange(server: RunningServer, raw: bytes) -> bytes:
    address = (server.client.base_url.host, server.client.base_url.port or 0)
    answer = b""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection, suppress(ConnectionError):
        connection.sendall(raw)
        with suppress(OSError):  # it is closed already
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            answer += piece
    return answer
