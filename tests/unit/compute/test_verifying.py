"""A result is verified by computing it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from meantime.compute.local import LocalCompute
from meantime.compute.verifying import Verdict, Verification, read, verify
from meantime.dataset import survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.formats import document
from meantime.formats.document import Document
from meantime.model import Request
from tests.support.answers import document_of
from tests.support.web_app import table

SURVEY = survey_example.snapshot()


class One:
    """A catalog of one snapshot."""

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:  # noqa: ARG002 - there is one
        return SURVEY


def result(statistic: str = "estimate", **more: Any) -> bytes:
    """A result as a server sends it; the data set has a name that nobody here knows."""
    parameters = {"question": survey_example.SOUP, "years": "2020", **more}
    request = Request(dataset="soups", statistic=statistic, parameters=parameters, view="document")
    return document.encode(document_of(LocalCompute(One()), request))


def verified(body: bytes, snapshot: Snapshot = SURVEY) -> Verification:
    given = read(body)
    return verify(body, given, snapshot) if isinstance(given, Document) else given


def changed(change: Callable[[dict[str, Any]], object], **asked: Any) -> Verification:
    """Verify a result that somebody has changed."""
    told = json.loads(result(**asked))
    change(told)
    return verified(json.dumps(told).encode())


@pytest.mark.parametrize("statistic", ["estimate", "ranking", "trend", "target"])
def test_a_result_is_the_same_byte_for_byte(statistic: str) -> None:
    more = {"years": "all"} if statistic == "trend" else {"target": 20.0} if statistic == "target" else {}
    found = verified(result(statistic, **more))
    assert (found.verdict, found.reason) == (Verdict.SAME, "The same, byte for byte.")


def test_how_the_json_is_laid_out_does_not_matter_and_is_said() -> None:
    for indent in (None, 2):
        found = verified(json.dumps(json.loads(result()), indent=indent).encode())
        assert (found.verdict, found.reason) == (Verdict.SAME, "The same but for how the JSON is laid out.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda told: told["rows"][1].update(estimate=99.5),
            "First at rows/1/estimate: 99.5 in the file, 26.2 computed.",
        ),
        (lambda told: told["rows"][1].update(estimate=None), "rows/1/estimate: null in the file"),
        (lambda told: told["rows"].pop(), "rows: 3 in the file, 4 computed."),
        (lambda told: told["rows"][0].pop("se"), "This is no result"),
        (lambda told: told.update(warnings=[]), "warnings: 0 in the file, 1 computed."),
        (lambda told: told.update(remark="mine"), 'remark: "mine" in the file, and nothing such is computed.'),
        (lambda told: told.update(citation="Me."), 'citation: "Me." in the file, '),
        (lambda told: told.update(statistic=told.pop("statistic")), "the whole: its names, which are in another order"),
        (lambda told: told["parameters"].update(years="1066"), "is refused. The question has no value for 1066"),
        (lambda told: told["parameters"].pop("weights"), "parameters/weights: not in the file"),
    ],
)
def test_what_was_edited_is_named(change: Callable[[dict[str, Any]], object], said: str) -> None:
    found = changed(change)
    assert said in found.reason
    assert found.verdict is (Verdict.CANNOT_TELL if "no result" in said else Verdict.DIFFERS)


def test_of_other_data_nothing_can_be_said() -> None:
    found = verified(result(), table())
    assert found.verdict is Verdict.CANNOT_TELL
    assert "other data" in found.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(statistic="divination"), "no statistic"),
        (lambda told: told.update(method_version=99), "version 99 of estimate"),
    ],
)
def test_of_another_method_nothing_can_be_said(change: Callable[[dict[str, Any]], object], said: str) -> None:
    found = changed(change)
    assert found.verdict is Verdict.CANNOT_TELL
    assert said in found.reason


def test_what_is_no_result_cannot_be_verified() -> None:
    for body in (b"", b"{}", b"\xff", b"[1]"):
        assert verified(body).verdict is Verdict.CANNOT_TELL
