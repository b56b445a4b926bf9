"""A host leaves jobs alone whose table it does not have."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from meantime.dataset.answerable import can_answer
from meantime.model import Request
from tests.support.catalogs import Workspace
from tests.support.waiting import PATIENCE_S

REQUEST = Request(dataset="a", statistic="best5", parameters={})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def bound(fingerprint: str | None, dataset: str = "a") -> Request:
    return msgspec.structs.replace(REQUEST, fingerprint=fingerprint, dataset=dataset)


def test_a_request_is_answered_where_its_data_set_is_served_with_the_content_it_is_bound_to(
    workspace: Workspace,
) -> None:
    with workspace.serving(workspace.source("a", "1.0")) as catalog:
        first = catalog.snapshot("a").fingerprint
        assert can_answer(catalog, workspace.snapshots, bound(None))
        assert can_answer(catalog, workspace.snapshots, bound(first))
        assert not can_answer(catalog, workspace.snapshots, bound("f" * len(first)))
        assert not can_answer(catalog, workspace.snapshots, bound(None, "b"))
        assert not can_answer(catalog, workspace.snapshots, bound(first, "b"))
        workspace.source("a", "2.0")
        catalog.reload("a").result(PATIENCE_S)
        assert catalog.snapshot("a").fingerprint != first
        assert can_answer(catalog, workspace.snapshots, bound(first))  # it is kept on disk


def test_a_data_set_that_loads_answers_what_is_not_bound(workspace: Workspace) -> None:
    catalog = workspace.catalog(workspace.source("a", "1.0"))
    assert can_answer(catalog, workspace.snapshots, bound(None))
    assert not can_answer(catalog, workspace.snapshots, bound("f"))
    catalog.close()
