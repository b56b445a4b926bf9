"""docs/jobs.md says what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

from meantime.web.event_log import REMEMBERED_EVENTS
from meantime.web.http.prefer import WAIT_LIMIT_S
from meantime.web.v1 import envelope, pieces
from meantime.web.v1.jobs import deletion, resource

PAGE = " ".join((Path(__file__).parents[4] / "docs" / "jobs.md").read_text(encoding="utf-8").split())


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    for told in (
        f"up to {resource.BATCH_LIMIT:,} requests",
        f"N up to {WAIT_LIMIT_S} seconds",
        f"The last {REMEMBERED_EVENTS:,} events",
        f"within {deletion.CANCEL_WAIT_S:.0f} s",
        f"longer than {pieces.PIECE_BYTES // 1024} KB",
        f"from {envelope._COMPRESSED_FROM_BYTES / 1000} KB on",
    ):
        assert told in PAGE


def test_every_outcome_of_a_dismissal_is_told() -> None:
    for outcome in get_args(get_type_hints(resource.Dismissal)["outcome"]):
        assert f"| `{outcome}` |" in PAGE
