"""Finds the endpoint for a path, in one table for both APIs.

Starlette's own routes do not fit: they are matched one by one, see the path only after it has been decoded, and read
``ranking.vl.json`` as the name ``ranking.vl`` with the suffix ``json``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from meantime.web.http.endpoint import Endpoint

_NAME = re.compile(r"\{([a-z_]+)\}")
# The last part of a template may match all the rest, slashes included.
_REST = re.compile(r"/\{([a-z_]+):path\}$")


class Route(NamedTuple):
    """A path and the endpoints at it."""

    template: str  # for people and metrics: "/v1/jobs/{job_id}"
    by_method: Mapping[str, Endpoint]  # HEAD too, if there is GET
    allowed: tuple[str, ...]  # sorted methods, OPTIONS included


class Router:
    """Finds routes by raw paths.

    Each part of a path is decoded separately, so an escaped slash belongs to a name. Doubled and trailing slashes are
    ignored. If several templates match, the one with the most literal text wins.
    """

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        by_template: dict[str, list[Endpoint]] = defaultdict(list)
        for endpoint in endpoints:
            by_template[endpoint.path].append(endpoint)
        self._exact: dict[bytes, Route] = {}
        self._with_rest: list[_RestTemplate] = []
        templates: dict[int, list[_Template]] = defaultdict(list)
        for path, rows in by_template.items():
            if _REST.search(path):
                self._with_rest.append(_RestTemplate(path, rows))
                continue
            template = _Template(_route(path, rows))
            templates[len(template.parts)].append(template)
            if "{" not in path:
                self._exact[path.encode()] = template.route
        self._by_length = {length: sorted(some, key=lambda one: one.rank) for length, some in templates.items()}

    def find(self, path: bytes) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route for a path, and the values of the names in its template."""
        if (route := self._exact.get(path)) is not None:
            return route, {}
        parts = [_decoded(part) for part in path.split(b"/") if part]
        for template in self._by_length.get(len(parts), ()):
            if (values := template.match(parts)) is not None:
                return template.route, values
        for rest in self._with_rest:
            if (value := rest.match(path, parts)) is not None:
                return rest.route, {rest.name: value}
        return None


class _Template:
    """A path that may have names in its parts."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.parts = [_part(part) for part in route.template.split("/") if part]
        self.rank = [_rank(part) for part in route.template.split("/") if part]

    def match(self, parts: Sequence[str]) -> Mapping[str, str] | None:
        values: dict[str, str] = {}
        for expected, part in zip(self.parts, parts, strict=True):
            if isinstance(expected, str):
                if expected != part:
                    return None
            elif (match := expected.fullmatch(part)) is None:
                return None
            else:
                values |= match.groupdict()
        return values


class _RestTemplate:
    """A path whose last name matches all the rest."""

    def __init__(self, path: str, rows: Sequence[Endpoint]) -> None:
        self.route = _route(path.replace(":path}", "}"), rows)
        literal, self.name, _ = _REST.split(path)
        self._parts = [part for part in literal.split("/") if part]
        self._rest = re.compile(rb"(?:/+[^/]+){%d}/(.+)" % len(self._parts), re.DOTALL)

    def match(self, path: bytes, parts: Sequence[str]) -> str | None:
        if parts[: len(self._parts)] != self._parts or (match := self._rest.fullmatch(path)) is None:
            return None
        return _decoded(match[1])


def _route(template: str, rows: Sequence[Endpoint]) -> Route:
    by_method: dict[str, Endpoint] = {row.method: row for row in rows}
    if len(by_method) != len(rows):
        raise ValueError(f"{template} has two endpoints for the same method.")
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]
    return Route(template, by_method, tuple(sorted({*by_method, "OPTIONS"})))


def _part(part: str) -> str | re.Pattern[str]:
    if "{" not in part:
        return part
    literals_and_names = _NAME.split(part)
    literals = [re.escape(literal) for literal in literals_and_names[::2]]
    # Non-greedy: in "ranking.vl.json" the name ends at the first dot.
    names = [f"(?P<{name}>.+?)" for name in literals_and_names[1::2]]
    return re.compile("".join(a + b for a, b in zip(literals, [*names, ""], strict=True)), re.DOTALL)


def _rank(part: str) -> int:
    """Sort plain text before text with a name, and that before a name alone."""
    return 0 if "{" not in part else 2 if _NAME.fullmatch(part) else 1


def _decoded(part: bytes) -> str:
    return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8", "replace")
