from __future__ import annotations

import json
from pathlib import Path

import pytest

from meantime.web import openapi
from meantime.web.reply import SHUTTING_DOWN, STATUS

PAGE = Path(__file__).parents[3] / "docs" / "classic-api.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_path_is_in_the_page_for_people(page: str) -> None:
    for path in json.loads(openapi.document().body)["paths"]:
        assert path.replace("{job_id}", "job_id_N") in page


def test_every_status_that_an_error_has_is_in_the_page_for_people(page: str) -> None:
    for status in set(STATUS.values()):
        assert f"\n| {status} |" in page


def test_the_words_of_shutting_down_are_in_the_page_for_people(page: str) -> None:
    assert SHUTTING_DOWN.body.decode() in page
