"""The API conformance tests: a client of a server that is already running at MEANTIME_URL.

They hold for any data set with at least one of the nine CDC questions, while other clients ask at the same time.

MEANTIME_URL       where the server is, or several that share their jobs; without it all are skipped
QUESTION           ask this question only; it need not be one of the nine
DATA               the CSV file that the server serves: its answers are then computed again, independently, and compared
MEANTIME_MAY_STOP  1 allows the tests that let the server shut down
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.api import POLARITY, Api, Ask
from tests.conformance.expected import Expected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("MEANTIME_URL"):
        return
    absent = pytest.mark.skip(reason="MEANTIME_URL does not say where a server runs (make run_tests does)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(absent)


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    api = Api(os.environ["MEANTIME_URL"])
    try:
        api.until_ready()
        yield api
    finally:
        api.close()


@pytest.fixture(scope="session")
def questions(api: Api) -> list[str]:
    """All questions of the nine that the data set has, or the one that was named."""
    if named := os.environ.get("QUESTION"):
        return [named]
    known = [question for question in POLARITY if api.ask(Ask("states_mean", question)).status == 200]
    assert known, "the data set has none of the nine CDC questions; name one that it has in QUESTION"
    return known


@pytest.fixture(scope="session")
def question(questions: list[str]) -> str:
    return questions[0]


@pytest.fixture(scope="session")
def means(api: Api, question: str) -> dict[str, float]:
    """States and their means."""
    means: dict[str, float] = api.result("states_mean", question)
    return means


@pytest.fixture(scope="session")
def states(means: dict[str, float]) -> list[str]:
    """A few states: both ends and some between."""
    names = list(means)
    return [
        names[index] for index in sorted({0, len(names) // 4, len(names) // 2, len(names) * 3 // 4, -1 % len(names)})
    ]


@pytest.fixture(scope="session")
def done(api: Api, question: str) -> str:
    """The id of a job that is done."""
    job_id = api.submit(Ask("global_mean", question))
    data: Any = api.data(job_id)
    assert data
    return job_id


@pytest.fixture(scope="session")
def expected() -> Expected:
    path = os.environ.get("DATA")
    if not path:
        pytest.skip("DATA does not name the file that is served, so there is nothing to compute the answers from")
    return Expected.read(Path(path))
