"""The explorer's files over HTTP: a small page that is revalidated each time, and other files cached for good."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from meantime.errors import PathUnknown
from meantime.web.explorer import drawing
from meantime.web.explorer.drawing import Drawing
from meantime.web.http.conditional import cached_etag
from meantime.web.http.html_page import MEDIA_TYPE
from meantime.web.http.replies import Reply

DRAWING = "vega.js"

_FILE_PATH = re.compile(r"/explorer/([0-9a-f]{32})/([a-z0-9_./-]{1,100})", re.ASCII)
_INDEX = "index.html"
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMMUTABLE = "public, max-age=31536000, immutable"
_LEVEL = 9


class _File(NamedTuple):
    media_type: str
    plain: bytes
    packed: bytes


class Explorer:
    """The explorer's files. ``frame_ancestors`` are the sites that may show its views in a frame, as in a CSP."""

    def __init__(self, drawing: Drawing, *, frame_ancestors: str) -> None:
        self._drawing = drawing
        self._frame_ancestors = frame_ancestors

    @cached_property
    def digest(self) -> str:
        """Return a digest of all files: it changes with any of them."""
        digest = hashlib.blake2b(drawing.version().encode(), digest_size=16)
        for name, content in sorted(self._contents.items()):
            digest.update(b"\0".join((name.encode(), str(len(content)).encode(), content)))
        return digest.hexdigest()

    def index(self, *, if_none_match: str | None) -> Reply:
        """Return the page itself. It names the current files, so browsers must revalidate it each time."""
        headers = (
            ("etag", self._etag),
            ("cache-control", "no-cache"),
            ("vary", "accept"),
            ("content-security-policy", self._policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        )
        if cached_etag(if_none_match, (self._etag,)) is not None:
            return Reply(304, b"", content_type="", headers=headers)
        return Reply(200, self._page, content_type=MEDIA_TYPE, headers=headers)

    def wants_drawing(self, path: str) -> bool:
        """Whether a path leads to the chart library, which may have to be made first."""
        return path == f"/explorer/{self.digest}/{DRAWING}" and not self._drawing.is_loaded

    def file(self, path: str, *, accept_encoding: str) -> Reply:
        """Return a file by its path. The first call for the chart library may take a second.

        Raises:
            PathUnknown: there is no such file in this version.
            RuntimeError: the chart library cannot be made.
        """
        match = _FILE_PATH.fullmatch(path)
        file = self._file(match[2]) if match and match[1] == self.digest else None
        if file is None:
            raise PathUnknown("The explorer has no such file, or no longer has it: reload the page /.")
        headers = (
            ("cache-control", _IMMUTABLE),
            # Opened by itself, an image or a text must not run anything.
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
            ("vary", "accept-encoding"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
        )
        if "gzip" in accept_encoding.lower():
            return Reply(
                200, file.packed, content_type=file.media_type, headers=(("content-encoding", "gzip"), *headers)
            )
        return Reply(200, file.plain or gzip.decompress(file.packed), content_type=file.media_type, headers=headers)

    def _file(self, name: str) -> _File | None:
        if name == DRAWING:
            return _File(_TYPES[".js"], b"", self._drawing.gzip_bytes())
        return self._files.get(name)

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        return dict(_walk(resources.files(__package__) / "static", ""))

    @cached_property
    def _files(self) -> Mapping[str, _File]:
        return {
            name: _File(_TYPES[name[name.rindex(".") :]], content, gzip.compress(content, _LEVEL, mtime=0))
            for name, content in self._contents.items()
            if name != _INDEX
        }

    @cached_property
    def _page(self) -> bytes:
        base = f"/explorer/{self.digest}"
        # Preloaded: otherwise a browser finds each module only when the one before it has arrived.
        modules = [name for name in sorted(self._files) if name.endswith(".js")]
        preloads = "\n".join(f'  <link rel="modulepreload" href="{base}/{name}">' for name in modules)
        filled = {
            b"{base}": base,
            b"  <!-- modules -->": preloads,
            b"{frame_ancestors}": escape(self._frame_ancestors),
        }
        page = self._contents[_INDEX]
        for mark, text in filled.items():
            page = page.replace(mark, text.encode())
        return page

    @cached_property
    def _etag(self) -> str:
        # Covers the policy too: after a 304, a browser would keep the old one.
        digest = hashlib.blake2b(self._page + self._policy.encode(), digest_size=16)
        return f'"{digest.hexdigest()}"'

    @cached_property
    def _policy(self) -> str:
        """Return the Content-Security-Policy: nothing from other sites, nothing inline, no eval."""
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
            f"base-uri 'none'; form-action 'none'; frame-ancestors {self._frame_ancestors}"
        )


def _walk(folder: Traversable, start: str) -> list[tuple[str, bytes]]:
    files = []
    for each in folder.iterdir():
        name = f"{start}{each.name}"
        if each.is_dir():
            files += _walk(each, f"{name}/")
        elif each.name[each.name.rindex(".") :] in (*_TYPES, ".html"):
            files.append((name, each.read_bytes()))
    return files
