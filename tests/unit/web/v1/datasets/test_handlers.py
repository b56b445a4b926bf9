from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from meantime.dataset.points import locate
from meantime.dataset.snapshot import Rejected
from meantime.dataset.summary import describe_location
from meantime.web.v1.datasets import coverage, describe, resource
from meantime.web.v1.datasets import endpoints as dataset_endpoints
from tests.support import factories
from tests.support.catalogs import ReadGate, Workspace
from tests.support.v1_requests import ROWS, DatasetClient, serving, table
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


# Looking


def test_the_list_has_every_data_set_in_its_order_with_how_it_stands(workspace: Workspace) -> None:
    with serving(
        workspace, workspace.source("b", "1", "2"), workspace.source("empty"), workspace.source("a", "3")
    ) as ask:
        reply = ask("/v1/datasets")
        fingerprint = ask.catalog.snapshot("b").fingerprint
    assert reply.status == 200
    listed = reply.json["datasets"]
    assert [each["name"] for each in listed] == ["b", "empty", "a"]
    assert [each["is_default"] for each in listed] == [True, False, False]
    assert [each["status"] for each in listed] == ["ready", "failed", "ready"]
    assert listed[0] == {
        "name": "b",
        "is_default": True,
        "uploaded": False,
        "status": "ready",
        "reading": None,
        "failure": None,
        "title": "b",
        "fingerprint": fingerprint,
        "synthetic": False,
        "rows": 2,
        "cells": 1,
        "withheld": 0,
        "rejected": 0,
        "links": {
            "self": "/v1/datasets/b",
            "coverage": "/v1/datasets/b/coverage",
            "rejected": "/v1/datasets/b/rejected",
            "reload": "/v1/datasets/b/reload",
        },
    }
    assert listed[1]["failure"]["code"] == "source-empty"
    assert listed[1]["rows"] is None


def test_a_data_set_tells_what_is_in_it(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        resource = ask("/v1/datasets/a").json
    assert resource["withheld_by_reason"] == {"*": 1, "~": 1}
    assert (resource["rows"], resource["cells"], resource["withheld"]) == (4, 4, 2)
    assert resource["questions"] == [
        {
            "text": "Q",
            "title": '"Q"',
            "topic": "",
            "unit": "percent",
            "polarity": None,
            "has_total": False,
            "default_group": {"category": "Sex", "stratum": "Male"},
            "default_reference": None,
            "years": {"first": 2020, "last": 2022},
            "cells": 3,
            "rows": 3,
            "withheld": 2,
            "value_types": [{"name": "", "unit": ""}, {"name": "Rate", "unit": "percent"}],
        },
        {
            "text": "R",
            "title": '"R"',
            "topic": "",
            "unit": "percent",
            "polarity": None,
            "has_total": True,
            "default_group": None,
            "default_reference": None,
            "years": None,
            "cells": 1,
            "rows": 1,
            "withheld": 0,
            "value_types": [{"name": "", "unit": ""}],
        },
    ]
    nowhere = {"point": None, "no_point": "the table has no column of points"}
    assert resource["locations"] == [
        {"name": "Guam", "cells": 1, "is_aggregate": False, **nowhere},
        {"name": "Ohio", "cells": 1, "is_aggregate": False, **nowhere},
        {"name": "Utah", "cells": 2, "is_aggregate": False, **nowhere},
    ]
    assert resource["maps"] == ["state_map", "map"]
    assert resource["categories"] == [{"name": "Sex", "strata": ["Female", "Male"], "cells": 3}]
    assert resource["periods"] == [{"first": 2020, "last": 2020}, {"first": 2021, "last": 2022}]
    assert resource["roles"]["question"] == "Question"
    assert resource["columns"] == ["Question", "LocationDesc", "Data_Value"]
    assert (resource["encoding"], resource["delimiter"], resource["decimal_mark"]) == ("utf-8", ",", ".")
    assert (resource["files"], resource["warnings"]) == (["a.json"], [])
    assert resource["citation"] == f'a (data set "a"), fingerprint {resource["fingerprint"]}. Read by Meantime.'


def test_a_data_set_that_loads_or_failed_is_described_with_nothing_left_out(workspace: Workspace) -> None:
    whole = set(resource.DatasetResource.__struct_fields__) - {"links_"}
    catalog = workspace.catalog(workspace.source("a", "1"), workspace.source("empty"))
    ask = DatasetClient(catalog)
    way = ReadGate(workspace)
    catalog.start()
    way.wait_entered()
    loading, listed = ask("/v1/datasets/a"), ask("/v1/datasets")
    asked_too_early = [ask.coverage(("question", "Q")), ask("/v1/datasets/a/rejected")]
    way.let_on()
    with pytest.raises(Exception, match="no rows"):
        catalog.reload("empty").result(PATIENCE_S)
    failed = ask("/v1/datasets/empty")
    asked_in_vain = [ask.coverage(("question", "Q"), name="empty"), ask("/v1/datasets/empty/rejected")]
    catalog.close()
    assert set(loading.json) == set(failed.json) == whole
    assert (loading.status, loading.json["status"], loading.json["questions"]) == (200, "loading", None)
    assert loading.json["reading"] == {"phase": "reading", "share": 0.5, "rows": None}
    assert loading.headers["cache-control"] == listed.headers["cache-control"] == "no-store"
    assert [each["status"] for each in listed.json["datasets"]] == ["loading", "loading"]
    assert "etag" not in loading.headers
    assert (failed.status, failed.json["status"]) == (200, "failed")
    assert "has no rows" in failed.json["failure"]["reason"]
    for reply in asked_too_early:
        assert (reply.status, reply.json["code"]) == (503, "dataset-loading")
        assert reply.headers["retry-after"] == "1"
    assert [(reply.status, reply.json["code"]) for reply in asked_in_vain] == [(503, "dataset-not-ready")] * 2


def test_a_name_that_is_not_served_is_answered_with_the_closest(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("obesity", "1")) as ask:
        replies = [ask(f"/v1/datasets/{name}{end}") for name in ("obsity",) for end in ("", "/coverage", "/rejected")]
        replies.append(ask.reload("obsity"))
    for reply in replies:
        assert (reply.status, reply.json["code"]) == (404, "dataset-unknown")
        assert 'Did you mean "obesity"?' in reply.json["detail"]


@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/datasets/a", "/v1/datasets/a/rejected", "COVERAGE"])
def test_what_a_client_has_is_not_sent_again_until_it_is_another(workspace: Workspace, path: str) -> None:
    path = path.replace("COVERAGE", "/v1/datasets/a/coverage?question=Q")
    with serving(workspace, workspace.source("a", "1")) as ask:
        first = ask(path)
        again = ask(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
        any_will_do = ask(path, headers={"if-none-match": "*"})
        workspace.source("a", "2", "3")
        assert ask.catalog.reload("a").result(PATIENCE_S)
        changed = ask(path, headers={"if-none-match": first.headers["etag"]})
    assert (first.status, again.status, any_will_do.status) == (200, 304, 304)
    assert (again.body, again.headers["etag"]) == (b"", first.headers["etag"])
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    assert changed.status == 200


@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/datasets/a", "/v1/datasets/a/rejected"])
def test_a_query_that_no_such_resource_takes_is_refused(workspace: Workspace, path: str) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = ask(f"{path}?limt=3&x%2F~=4")
    assert (reply.status, reply.json["code"]) == (400, "request-invalid")
    assert [problem["pointer"] for problem in reply.json["problems"]] == ["/limt", "/x~1~0"]


# Rejected lines


def rejecting(workspace: Workspace, lines: int, total: int) -> Any:
    """A data set of which lines were rejected."""
    workspace.ingestor.rejected = tuple(Rejected(file="a.csv", line=2 + line, reason="cut") for line in range(lines))
    workspace.ingestor.rejected_total = total
    return workspace.source("a", "1")


def test_rejected_lines_come_in_pages_that_say_how_many_there_are(workspace: Workspace) -> None:
    with serving(workspace, rejecting(workspace, lines=5, total=7)) as ask:
        pages = [ask("/v1/datasets/a/rejected?limit=2")]
        while (following := pages[-1].json["links"]["next"]) is not None:
            assert pages[-1].headers["link"] == f'<{following}>; rel="next"'
            assert pages[-1].json["next"] in following
            pages.append(ask(following))
        whole = ask("/v1/datasets/a/rejected").json
    assert [len(page.json["rejected"]) for page in pages] == [2, 2, 1]
    assert [line for page in pages for line in page.json["rejected"]] == whole["rejected"]
    assert whole["rejected"][0] == {"file": "a.csv", "line": 2, "reason": "cut"}
    assert (whole["total"], whole["known"], whole["next"]) == (7, 5, None)
    assert "link" not in pages[-1].headers


def test_a_cursor_leads_on_in_its_own_list_only(workspace: Workspace) -> None:
    with serving(workspace, rejecting(workspace, lines=5, total=5)) as ask:
        cursor = ask("/v1/datasets/a/rejected?limit=2").json["next"]
        workspace.source("a", "2")
        rejecting(workspace, lines=4, total=4)
        ask.catalog.reload("a").result(PATIENCE_S)
        replies = [ask(f"/v1/datasets/a/rejected?cursor={quote(each)}") for each in (cursor, "", "é", cursor[:-4])]
    assert [(reply.status, reply.json["code"]) for reply in replies] == [(400, "cursor-invalid")] * 4


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "cursor=a&cursor=b"])
def test_a_page_that_cannot_be_is_refused_with_what_can(workspace: Workspace, query: str) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = ask(f"/v1/datasets/a/rejected?{query}")
    assert (reply.status, reply.json["code"]) == (400, "request-invalid")
    assert reply.json["problems"][0]["pointer"] == f"/{query.partition('=')[0]}"


# The document


@pytest.mark.parametrize(
    "endpoint", [*dataset_endpoints.ENDPOINTS, *coverage.ENDPOINTS], ids=lambda endpoint: endpoint.name
)
def test_examples_are_what_their_types_say(endpoint: Any) -> None:
    for outcome in endpoint.outcomes:
        for kind in outcome.content.values():
            made = msgspec.convert(outcome.example, kind)
            assert msgspec.to_builtins(made) == outcome.example


def test_a_location_has_its_point_or_says_why_it_has_none() -> None:
    about = factories.snapshot([factories.row(location=name) for name in ("Guam", "Ohio", "Utah")]).about
    points = locate([("Utah", ["(39.36, -111.587)"]), ("Ohio", ["(40, -82)", "(41, -82)"])])
    about = msgspec.structs.replace(about, points=points, roles={**about.roles, "point": "GeoLocation"})
    resources = [
        describe.location_resource(describe_location(about, name, cells=1)) for name in ("Guam", "Ohio", "Utah")
    ]
    assert [each.no_point for each in resources] == ["no row names one", "its rows have several points", None]
    assert resources[2].point == resource.PointResource(latitude=39.36, longitude=-111.587)
