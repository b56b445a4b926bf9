"""A result is verified by computing it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from meantime.compute.local import LocalCompute
from meantime.compute.verifying import Verification, VerificationOutcome, read, verify
from meantime.dataset.samples import survey_example
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
    read_result = read(body)
    return verify(body, read_result, snapshot) if isinstance(read_result, Document) else read_result


def changed(change: Callable[[dict[str, Any]], object], **parameters: Any) -> Verification:
    """Verify a result that somebody has changed."""
    edited = json.loads(result(**parameters))
    change(edited)
    return verified(json.dumps(edited).encode())


@pytest.mark.parametrize("statistic", ["estimate", "ranking", "trend", "target"])
def test_a_result_is_the_same_byte_for_byte(statistic: str) -> None:
    more = {"years": "all"} if statistic == "trend" else {"target": 20.0} if statistic == "target" else {}
    verification = verified(result(statistic, **more))
    assert (verification.outcome, verification.reason) == (VerificationOutcome.SAME, "The same, byte for byte.")


def test_the_layout_of_the_json_does_not_matter_and_is_mentioned() -> None:
    for indent in (None, 2):
        verification = verified(json.dumps(json.loads(result()), indent=indent).encode())
        assert (verification.outcome, verification.reason) == (
            VerificationOutcome.SAME,
            "The same, except for the layout of the JSON.",
        )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda edited: edited["rows"][1].update(estimate=99.5),
            "The first difference is rows/1/estimate: 99.5 in the file, 26.2 computed.",
        ),
        (lambda edited: edited["rows"][1].update(estimate=None), "rows/1/estimate: null in the file"),
        (lambda edited: edited["rows"].pop(), "rows: 3 in the file, 4 computed."),
        (lambda edited: edited["rows"][0].pop("se"), "This is not a Meantime result"),
        (lambda edited: edited.update(warnings=[]), "warnings: 0 in the file, 1 computed."),
        (lambda edited: edited.update(remark="mine"), 'remark: "mine" in the file, nothing computed.'),
        (lambda edited: edited.update(citation="Me."), 'citation: "Me." in the file, '),
        (lambda edited: edited.update(statistic=edited.pop("statistic")), "the whole: the order of its names"),
        (lambda edited: edited["parameters"].update(years="1066"), "is refused. The question has no value for 1066"),
        (lambda edited: edited["parameters"].pop("weights"), "parameters/weights: not in the file"),
    ],
)
def test_what_was_edited_is_named(change: Callable[[dict[str, Any]], object], sentence: str) -> None:
    verification = changed(change)
    assert sentence in verification.reason
    assert verification.outcome is (
        VerificationOutcome.CANNOT_TELL if "not a Meantime result" in sentence else VerificationOutcome.DIFFERS
    )


def test_of_other_data_nothing_can_be_said() -> None:
    verification = verified(result(), table())
    assert verification.outcome is VerificationOutcome.CANNOT_TELL
    assert "from other data" in verification.reason


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda edited: edited.update(statistic="divination"), "no statistic"),
        (lambda edited: edited.update(method_version=99), "version 99 of estimate"),
    ],
)
def test_of_another_method_nothing_can_be_said(change: Callable[[dict[str, Any]], object], sentence: str) -> None:
    verification = changed(change)
    assert verification.outcome is VerificationOutcome.CANNOT_TELL
    assert sentence in verification.reason


def test_what_is_no_result_cannot_be_verified() -> None:
    for body in (b"", b"{}", b"\xff", b"[1]"):
        assert verified(body).outcome is VerificationOutcome.CANNOT_TELL
