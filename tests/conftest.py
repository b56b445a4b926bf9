"""What all tests are run with."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.object_storage import bucket, object_storage  # noqa: F401 - fixtures
from tests.support.postgres_store import jobs_database  # noqa: F401 - a fixture
from tests.support.postgresql import postgresql  # noqa: F401 - a fixture
from tests.support.shelves import shelf  # noqa: F401 - a fixture

# How long an example takes says how busy the machine is, and nothing about what is tested.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In `make test`: the same examples each time.
settings.register_profile("quick", _UNTIMED, max_examples=25, derandomize=True)
# In `make check`: as many as have found something, and the same ones too, so that nobody's change fails by chance.
settings.register_profile("thorough", _UNTIMED, max_examples=150, derandomize=True)
# By hand, for a while: others each time. What is found becomes an example of its test.
settings.register_profile("searching", _UNTIMED, max_examples=500)
settings.load_profile("quick")

# Where a file may take a minute, since it starts servers, browsers or clusters; the longest first.
_LONG = (
    *("tests/browser", "tests/acceptance", "tests/integration"),
    *("tests/unit/dataset/database", "tests/unit/dataset/reading", "tests/unit/dataset/samples", "tests/unit/cli"),
)

# The tracer costs these half as much again, and others run all of what the coverage gate asks about.
_UNTRACED = (
    *("tests/acceptance", "tests/browser", "tests/unit/charts", "tests/unit/cli", "tests/unit/client"),
    *("tests/unit/dataset/samples", "tests/unit/formats"),
    *(
        f"tests/unit/dataset/reading/{each}"
        for each in ("cluster", "test_any_form", "test_as_", "test_containers", "test_lines", "test_source_reader")
    ),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, in their random order: then short ones are left at the end, for all workers.

    If the gate of ``make check`` misses lines that an untraced test runs, trace that one.
    """
    items.sort(key=lambda item: next((place for place, each in enumerate(_LONG) if item.nodeid.startswith(each)), 99))
    for item in items:
        if item.nodeid.startswith(_UNTRACED):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, nor later in what that makes: half a million objects that stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        # Let Python clear up at its end as always: DuckDB would report as leaked what it could not.
        atexit.register(gc.unfreeze)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands keep nothing in the cache of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
