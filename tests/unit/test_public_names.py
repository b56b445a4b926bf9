"""What `import meantime` gives, and what it is to a type checker: mypy reads this file too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import assert_type

import httpx
import pytest

import meantime
from meantime import Ask, AsyncClient, AsyncJob, Client, Job, MeantimeError, Result
from tests.support.client_scripts import QUESTION, Script, done, job
from tests.support.imports import SLOW_TO_IMPORT, imported_by


def test_every_public_name_is_there() -> None:
    for name in meantime.__all__:
        assert getattr(meantime, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Cleint'"):
        meantime.Cleint  # noqa: B018 - asking is what is tested


def test_to_import_meantime_imports_no_client() -> None:
    """Serving, or reading a file in a child process, needs none."""
    assert not {"httpx", "msgspec", "rich", "meantime.client"} & imported_by("-c", "import meantime")


def test_to_import_the_client_imports_nothing_that_only_a_server_needs() -> None:
    needless = SLOW_TO_IMPORT | {"meantime.web", "meantime.engine", "pandas", "polars", "pyarrow", "altair"}
    assert not needless & imported_by("-c", "from meantime import Client, AsyncClient, Result")


def test_what_the_client_returns_has_a_type() -> None:
    with Client("http://server", transport=httpx.MockTransport(Script(done(), job(status=202), done()))) as client:
        assert_type(client.ask("states_mean", question=QUESTION), Result)
        submitted = assert_type(client.submit("states_mean", question=QUESTION), Job)
        assert_type(submitted.result(), Result)
        assert_type(client.ask_all([]), list[Result])
        assert_type(client.ask_all([], keep_errors=True), list[Result | MeantimeError])
        assert_type(client.jobs(state="done"), Iterator[Job])


def test_what_the_client_that_is_awaited_returns_has_a_type() -> None:
    async def use() -> None:
        script = httpx.MockTransport(Script(done(), job(status=202), done()))
        async with AsyncClient("http://server", transport=script) as client:
            assert_type(await client.ask("states_mean", question=QUESTION), Result)
            submitted = assert_type(await client.submit("states_mean", question=QUESTION), AsyncJob)
            assert_type(await submitted.result(), Result)
            assert_type(await client.ask_all([Ask("states_mean")][:0]), list[Result])
            assert_type(await client.ask_all([], keep_errors=True), list[Result | MeantimeError])

    asyncio.run(use())
