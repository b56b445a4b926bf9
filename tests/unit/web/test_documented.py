from __future__ import annotations

from pathlib import Path

import pytest

from meantime.errors import MethodNotAllowed, PathUnknown
from meantime.web.classic import endpoints, server_endpoints
from meantime.web.classic.errors import SHUTTING_DOWN
from meantime.web.http.statuses import status_of
from meantime.web.v1 import openapi

ENDPOINTS = (*endpoints.ENDPOINTS, *server_endpoints.ENDPOINTS)
PAGE = Path(__file__).parents[3] / "docs" / "classic-api.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_path_is_in_the_page_for_people(page: str) -> None:
    for endpoint in ENDPOINTS:
        assert endpoint.path.replace("{job_id:path}", "job_id_N") in page


def test_every_status_that_an_error_has_is_in_the_page_for_people(page: str) -> None:
    anywhere = (*(kind or BaseException for kind in openapi.EVERYWHERE), PathUnknown, MethodNotAllowed)
    kinds = {*anywhere, *(kind for endpoint in ENDPOINTS for kind in endpoint.problems)}
    for status in {status_of(kind) for kind in kinds}:
        assert f"\n| {status} |" in page


def test_the_words_of_shutting_down_are_in_the_page_for_people(page: str) -> None:
    assert SHUTTING_DOWN.body.decode() in page
