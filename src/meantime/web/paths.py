"""Which paths there are, what each takes, and what is answered where there is none. No framework.

Litestar finds the way by its own router; other carriers by ``Paths``, which reads a path as that does. One suite of
requests holds both to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from meantime.errors import MethodNotAllowed, PathUnknown
from meantime.web import classic
from meantime.web.reply import Reply, refused

READ = ("GET", "HEAD", "OPTIONS")
ASK = ("OPTIONS", "POST")
READ_OR_ASK = ("GET", "HEAD", "OPTIONS", "POST")

# How much of a path is said again: enough to recognise it, too little to be a page of somebody else's text.
_SAID_CHARACTERS = 200
_SAID_METHOD_CHARACTERS = 50
_SLASHES = re.compile("//+")
_RESULTS = "/get_results"


class Place(NamedTuple):
    """Something that is at a path."""

    name: str
    template: str  # the path for people and metrics
    methods: tuple[str, ...]  # sorted


def classic_places(prefix: str) -> list[Place]:
    """Return the places of the classic contract below a prefix ("/api")."""
    prefix = tidy(prefix).rstrip("/")
    return [
        *(Place(name, f"{prefix}/{name}", ASK) for name in classic.STATISTICS),
        Place("get_results", f"{prefix}{_RESULTS}/{{job_id:path}}", READ),
        Place("jobs", f"{prefix}/jobs", READ),
        Place("num_jobs", f"{prefix}/num_jobs", READ),
        Place("graceful_shutdown", f"{prefix}/graceful_shutdown", READ_OR_ASK),
    ]


# What the main server answers beside it.
SERVER = (
    Place("front", "/", READ),
    Place("livez", "/livez", READ),
    Place("readyz", "/readyz", READ),
    Place("metrics", "/metrics", READ),
    Place("openapi", "/openapi.json", READ),
)


class Paths:
    """Finds places."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._exact: Mapping[str, Place] = {place.template.removesuffix("/{job_id:path}"): place for place in places}
        # Whatever follows, slashes included, is an id that was perhaps never given.
        self._below = tuple(
            (place.template.removesuffix("{job_id:path}"), place) for place in places if "{" in place.template
        )

    def find(self, path: str) -> Place | None:
        """Return what is at a decoded path. Slashes that are doubled, or at the end, do not matter."""
        tidied = tidy(path)
        if (place := self._exact.get(tidied)) is not None:
            return place
        return next((place for start, place in self._below if tidied.startswith(start)), None)


def tidy(path: str) -> str:
    """Return a path with one slash at its beginning, none at its end, and none doubled.

    >>> tidy("api//jobs/")
    '/api/jobs'
    """
    return _SLASHES.sub("/", f"/{path.strip('/')}")


def is_v1(raw_path: bytes) -> bool:
    """Whether a path, as it was sent, is one of v1 or below it.

    >>> [is_v1(path) for path in (b"/v1/jobs", b"//v1", b"/%761/", b"/v1%2Fjobs", b"/v10", b"/api/v1")]
    [True, True, True, False, False, False]
    """
    if raw_path.startswith(b"/v1/"):
        return True
    return unquote_to_bytes(raw_path.lstrip(b"/").partition(b"/")[0]) == b"v1"


def asked_id(raw_path: bytes) -> str:
    """Return what was asked for at get_results.

    From the path as it was sent: the decoded one has lost slashes on its way, and "job_id_1/" was never given.

    >>> asked_id(b"/api/get_results/job%5Fid_1/")
    'job_id_1/'
    """
    start = f"{_RESULTS}/".encode()
    place = raw_path.find(start)
    return "" if place < 0 else unquote_to_bytes(raw_path[place + len(start) :]).decode("utf-8", "replace")


def nothing_at(path: str) -> Reply:
    """Return the answer where there is no place."""
    return refused(path_unknown(path, "GET /"))


def path_unknown(path: str, where: str) -> PathUnknown:
    """Say that nothing is at a path, and ``where`` to look what there is."""
    return PathUnknown(f"Nothing is at {path[:_SAID_CHARACTERS]!r}; {where} lists what there is.")


def takes_others(path: str, method: str, allowed: Sequence[str]) -> Reply:
    """Return the answer to a method that a place does not take. ``allowed`` is sorted."""
    return refused(method_not_allowed(path, method, allowed))


def method_not_allowed(path: str, method: str, allowed: Sequence[str]) -> MethodNotAllowed:
    """Say which methods a place takes."""
    return MethodNotAllowed(
        f"{method[:_SAID_METHOD_CHARACTERS]} is not what {path[:_SAID_CHARACTERS]!r} takes; "
        f"it takes {', '.join(allowed)}.",
        allowed=allowed,
    )


def options(allowed: Sequence[str]) -> Reply:
    """Return the answer to OPTIONS."""
    return Reply(204, b"", content_type="", headers=(("allow", ", ".join(allowed)),))
