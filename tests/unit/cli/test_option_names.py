from __future__ import annotations

import pytest

from meantime.cli.option_names import in_options
from meantime.errors import Problem, RequestInvalid


@pytest.mark.parametrize(
    ("pointer", "code", "closest", "sentence"),
    [
        ("/label", "type", (), "--label: As the API says it."),
        ("/stratum", "missing", (), "-p stratum: As the API says it."),
        ("/state", "unknown-key", (), "trend does not take --state."),
        (
            "/yeras",
            "unknown-key",
            ("years", "state"),
            "trend does not take -p yeras. Did you mean -p years or --state?",
        ),
        ("/a~1b", "unknown-key", (), "trend does not take -p a/b."),
        ("/locations/3", "unknown", ("Utah",), "-p locations: As the API says it."),
        ("", "too-many", (), "As the API says it."),
    ],
)
def test_a_problem_names_the_option_it_is_about(
    pointer: str, code: str, closest: tuple[str, ...], sentence: str
) -> None:
    problem = Problem(pointer=pointer, code=code, detail="As the API says it.", closest=closest)
    assert in_options(RequestInvalid("", problems=[problem]), "trend") == sentence


@pytest.mark.parametrize(
    ("pointer", "sentence"),
    [
        ("/question", "trend needs --question."),
        ("/parameters/question", "trend needs --question."),
        ("/target", "trend needs -p target=VALUE."),
    ],
)
def test_what_every_request_needs_is_named_by_its_option(pointer: str, sentence: str) -> None:
    name = pointer.rpartition("/")[2]
    problem = Problem(pointer=pointer, code="missing", detail=f'"{name}" is missing: trend needs "question".')
    assert in_options(RequestInvalid("", problems=[problem]), "trend") == sentence


def test_of_an_ambiguous_name_each_name_that_fits_has_a_line() -> None:
    detail = '"nap" fits 2 names: "They nap." and "We nap.". Use more words.'
    problem = Problem(pointer="/question", code="ambiguous", detail=detail, closest=("They nap.", "We nap."))
    assert in_options(RequestInvalid("", problems=[problem]), "trend") == (
        '--question: "nap" fits 2 names. Use more words:\n  They nap.\n  We nap.'
    )


def test_each_problem_has_a_line() -> None:
    problems = [
        Problem(pointer=f"/{name}", code="missing", detail=f'"{name}" is missing.') for name in ("question", "state")
    ]
    refused = RequestInvalid("2 things are wrong", problems=problems)
    assert in_options(refused, "trend") == "trend needs --question.\ntrend needs --state."


def test_an_error_without_problems_is_its_message() -> None:
    assert in_options(RequestInvalid("--state 'x' matches no location."), "trend") == "--state 'x' matches no location."
