"""The examples in docs/statistics have the numbers and the findings that come out of the CDC's file."""

from __future__ import annotations

import pytest

from meantime.dataset.snapshot import Snapshot
from tests.support.real_data import BY_SEX, real_file
from tests.support.statistic_examples import current
from tests.support.statistic_pages import PAGES
from tests.support.table_files import read

EXAMPLES = {
    path.stem: page for path in PAGES.glob("*.md") if "\nquestion=" in (page := path.read_text(encoding="utf-8"))
}


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return read(real_file(BY_SEX))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_example_of_a_page_is_what_comes_out(name: str, snapshot: Snapshot) -> None:
    assert EXAMPLES[name] == current(EXAMPLES[name], name, snapshot), "run python -m tests.support.statistic_examples"
