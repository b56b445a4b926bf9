"""An entry as a line of text. The format is a contract: programs that read the file rely on it.

A line is time, level, event and fields; no value can end it or forge another one, and none makes it long.
"""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache

from meantime.log.entries import LogEntry, RequestFinished, RequestStarted
from meantime.text import visible

# A value longer than this is cut: a line must not cost more than the request it is about.
VALUE_LIMIT = 300


def line(entry: LogEntry) -> str:
    """Write an entry as one line, without its end."""
    if isinstance(entry, RequestStarted):
        return (
            f"{timestamp(entry.at_s)} info enter request={entry.request} method={_method(entry.method)} "
            f"path={_path(entry.path)} parameters={_quoted(_bytes(entry.parameters))}"
        )
    if isinstance(entry, RequestFinished):
        level = "info" if entry.status < 500 else "error"
        job = f" job_id={entry.job_id}" if entry.job_id else ""
        key = f" key={entry.key_id}" if entry.key_id else ""
        reason = f" reason={_quoted(safe(entry.reason))}" if entry.reason else ""
        return (
            f"{timestamp(entry.at_s)} {level} exit request={entry.request} method={_method(entry.method)} "
            f"path={_path(entry.path)} status={entry.status}{job}{key} ms={entry.seconds * 1000:.3f}{reason}"
        )
    rest = dict(entry.fields)
    level, event = rest.pop("level", "info"), rest.pop("event", "")
    # A traceback is the one value that is worth its length; its lines become one.
    trace = rest.pop("exception", None)
    fields = "".join(f" {safe(name)}={_value(value)}" for name, value in rest.items())
    exception = f" exception={_quoted(visible(str(trace)))}" if trace else ""
    return f"{timestamp(entry.at_s)} {level} {safe(str(event))}{fields}{exception}"


def line_or_error(entry: LogEntry) -> str:
    """Write an entry as one line; where it cannot be written as text, write that."""
    try:
        return line(entry)
    except Exception as error:  # noqa: BLE001 - a value that cannot be written as text costs its line, not the server
        return f"{timestamp(entry.at_s)} error a line of the log could not be made error={type(error).__name__}"


def timestamp(at_s: float) -> str:
    """Return a time as UTC, to the microsecond.

    >>> timestamp(1.5)
    '1970-01-01T00:00:01.500000Z'
    """
    second = int(at_s)
    return f"{_second(second)}.{int((at_s - second) * 1_000_000):06d}Z"


@lru_cache(2)  # ten thousand lines may share a second
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def safe(text: str) -> str:
    r"""Return a text that can do nothing to the line it is in: bounded, without control characters.

    >>> print(safe("one\ntwo\x1b[31m"))
    one\ntwo\x1b[31m
    """
    if len(text) > VALUE_LIMIT:
        return f"{safe(text[:VALUE_LIMIT])}...({len(text)} characters)"
    return visible(text.replace("\\", "\\\\"))


def _value(value: object) -> str:
    if isinstance(value, bool | int | float | None):
        return json.dumps(value)
    text = safe(str(value))
    return text if re.fullmatch(r"[\w.:/@+-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    r"""Put a text that is safe already between quotes.

    >>> print(_quoted('a "b"'))
    "a \"b\""
    """
    return '"' + text.replace('"', '\\"') + '"'


def _bytes(data: bytes) -> str:
    if len(data) > VALUE_LIMIT:
        return f"{_bytes(data[:VALUE_LIMIT])}...({len(data)}_bytes)"
    text = data.decode("utf-8", "backslashreplace").replace("\\", "\\\\")
    return text if text.isascii() and text.isprintable() else visible(text)


def _method(method: str) -> str:
    # Of a request that a server passes on as it came.
    return method if method.isascii() and method.isalpha() and len(method) <= VALUE_LIMIT else _quoted(safe(method))


def _path(path: bytes) -> str:
    text = _bytes(path)
    return _quoted(text) if " " in text or '"' in text else text
