from __future__ import annotations

from pathlib import Path

import pytest

from meantime.dataset.facts.questions import QuestionFacts, built_in_questions
from meantime.dataset.reading.description import Description, read_description
from meantime.errors import DescriptionInvalid
from tests.support.table_files import write

WHOLE = """\ufeff
title = "Heart disease"
delimiter = ";"
decimal_mark = ","
encoding = "cp1250"

[columns]
value = "Prevalence"

[questions."How many, and why?"]
unit = "percent"
polarity = "lower"
topic = "Heart"
"""


def test_every_key_of_a_description_is_read(tmp_path: Path) -> None:
    assert read_description(write(tmp_path, WHOLE, "x.toml")) == Description(
        title="Heart disease",
        delimiter=";",
        decimal_mark=",",
        encoding="cp1250",
        columns={"value": "Prevalence"},
        questions={"How many, and why?": QuestionFacts(unit="percent", polarity="lower", topic="Heart")},
    )


def test_without_a_file_the_description_is_empty(tmp_path: Path) -> None:
    assert read_description(tmp_path / "absent.toml") == Description()
    assert read_description(write(tmp_path, "") / "x.toml") == Description()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", r'Unknown key "titel" \(did you mean "title"\?\)'),
        ("title = 1", "title must be a text"),
        ("delimiter = ';;'", "delimiter must be one ASCII character"),
        ("delimiter = '\"'", "delimiter must be one ASCII character"),
        ("decimal_mark = ';'", 'decimal_mark must be "." or ","'),
        ("encoding = 'klingon'", 'Unknown encoding "klingon"'),
        ("encoding = 'rot13'", 'Unknown encoding "rot13"'),
        ("columns = 'x'", "columns must be a table"),
        ("[columns]\nvlaue = 'x'", 'Unknown role "vlaue"'),
        ("[columns]\nvalue = 3", "columns.value must be a text"),
        ("questions = 'x'", "questions must be tables"),
        ("[questions]\na = 'x'", 'questions."a" must be a table'),
        ("[questions.a]\npolarity = 'up'", 'polarity must be "lower" \\(low values are good'),
        ("[questions.a]\nunits = 'x'", r'Unknown key questions."a"."units" \(did you mean "unit"\?\)'),
        ("[questions.a]\nunit = 3", 'questions."a".unit must be a text'),
        ("this is no TOML", "is not valid TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_what_may_have_been_meant(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DescriptionInvalid, match=message):
        read_description(write(tmp_path, text, "x.toml"))


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(DescriptionInvalid) as caught:
        read_description(write(tmp_path, "titel = 1\n[columns]\nvlaue = 'x'\n[questions.a]\npolarity = 'up'", "x.toml"))
    assert all(word in caught.value.reason for word in ("titel", "vlaue", "polarity"))


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionInvalid, match="is not valid TOML"):
        read_description(write(tmp_path, b"\xff\xfe\x00", "x.toml"))


def test_the_nine_questions_of_adults_are_known_with_unit_and_polarity() -> None:
    known = {text: facts for text, facts in built_in_questions().items() if text.startswith("Percent of adults ")}
    assert len(known) == 9
    assert {facts.unit for facts in known.values()} == {"percent"}
    lower = {text for text, facts in known.items() if facts.polarity == "lower"}
    overweight = {text for text in known if "overweight" in text}
    assert {text for text, facts in known.items() if facts.polarity == "higher"} == set(known) - lower - overweight
    words = ("obesity", "no leisure-time", "fruit", "vegetables")
    assert len(lower) == 4
    assert all(any(word in text for text in lower) for word in words)


def test_a_screening_is_better_common_and_an_illness_rare() -> None:
    known = built_in_questions()
    higher = {text for text, facts in known.items() if facts.polarity == "higher" and "Percent of " not in text}
    good = ("screening", "checkup", "entist", "Mammography", "core set of clinical preventive services", "occult")
    assert all(any(word in text for word in good) for text in higher)
    others = known.keys() - higher
    assert not [text for text in others if any(word in text for word in ("creening", "checkup", "entist"))]
    assert {facts.unit for facts in known.values()} == {"percent"}
    assert all(facts.polarity or "overweight" in text for text, facts in known.items())


def test_what_is_neither_good_nor_bad_in_itself_has_no_polarity() -> None:
    unsaid = ("food stamps", "Cancer (", "Taking medicine", "overweight")
    known = built_in_questions().items()
    assert not [text for text, facts in known if any(word in text for word in unsaid) and facts.polarity]
