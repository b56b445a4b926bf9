"""Object storage for tests: moto's server, a stand-in for S3, as a process of its own on a free port.

A test asks for the fixture ``object_storage``, which conftest.py imports from here, or for ``bucket``. Where the extra
is not installed, it is skipped; where CI=true, it fails.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE_S, poll

# Nothing listens there, so nobody is asked for credentials of the machine.
_NOWHERE = "http://127.0.0.1:9"


class ObjectStorage:
    """Where the storage is, and how it is spoken to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the environment of a program has to say to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "AKIDTESTING",
            "AWS_SECRET_ACCESS_KEY": "of-the-tests-alone",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_METADATA_ENDPOINT": _NOWHERE,
        }

    @cached_property
    def client(self) -> Any:
        """A client by the makers of S3."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def new_bucket(self) -> Bucket:
        """Make an empty bucket."""
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        return Bucket(self, name)


class Bucket:
    """A bucket of a test's own."""

    def __init__(self, storage: ObjectStorage, name: str) -> None:
        self.storage = storage
        self.name = name

    def address(self, key: str) -> str:
        """Return the address of a key."""
        return f"s3://{self.name}/{key}"

    def put(self, key: str, body: bytes) -> str:
        """Write an object, and return its ETag."""
        e_tag: str = self.storage.client.put_object(Bucket=self.name, Key=key, Body=body)["ETag"]
        return e_tag

    def get(self, key: str) -> bytes:
        """Return what an object has."""
        body: bytes = self.storage.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.storage.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys, sorted."""
        found = self.storage.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return sorted(each["Key"] for each in found)


@contextmanager
def running_storage(log: Path) -> Iterator[ObjectStorage]:
    """Start a storage; end it with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        listens = poll(lambda: re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text("utf-8")), bool)
        assert listens, log.read_text("utf-8")
        yield ObjectStorage(listens[1])
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def object_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    """A storage that all tests of a process share: they make buckets of their own."""
    lacking = [each for each in ("obstore", "moto", "boto3") if importlib.util.find_spec(each) is None]
    if lacking:
        assert os.environ.get("CI") != "true", "where CI=true, requirements-cluster.lock has to be installed"
        pytest.skip(f"not installed: {', '.join(lacking)} (make cluster)")
    with running_storage(tmp_path_factory.mktemp("storage") / "moto.log") as storage:
        yield storage


@pytest.fixture
def bucket(object_storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket; the environment says where it is."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)
    return object_storage.new_bucket()
