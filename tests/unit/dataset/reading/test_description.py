from __future__ import annotations

from pathlib import Path

import pytest

from meantime.dataset.facts.questions import QuestionFacts, built_in_questions
from meantime.dataset.reading.description import DeclaredBreak, DeclaredStandard, Description, read_description
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

[[breaks]]
year = 2018
reason = "interviews moved to the web"
source = "Report 7"

[standards.ruritania]
source = "Census 2021"
weights = { "45+" = 2, "18-44" = 3.5 }
"""

BREAK = "[[breaks]]\nyear = 2018\nreason = 'moved'\nsource = 'Report 7'"
STANDARD = "[standards.ours]\nsource = 'Census'\nweights = {a = 1}"


def test_every_key_of_a_description_is_read(tmp_path: Path) -> None:
    assert read_description(write(tmp_path, WHOLE, "x.toml")) == Description(
        title="Heart disease",
        delimiter=";",
        decimal_mark=",",
        encoding="cp1250",
        columns={"value": "Prevalence"},
        questions={"How many, and why?": QuestionFacts(unit="percent", polarity="lower", topic="Heart")},
        breaks=(DeclaredBreak(year=2018, reason="interviews moved to the web", source="Report 7"),),
        standards={"ruritania": DeclaredStandard(source="Census 2021", weights={"45+": 2.0, "18-44": 3.5})},
    )


def test_a_declared_standard_is_the_same_in_whatever_order_its_groups_are_written(tmp_path: Path) -> None:
    [population] = read_description(write(tmp_path, WHOLE, "x.toml")).populations
    assert (population.name, population.title) == ("ruritania", "ruritania")
    assert list(population.weights.items()) == [("18-44", 3.5), ("45+", 2.0)]


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
        *(
            (f"encoding = '{name}'", f'encoding "{name}" is not one that a file of text can have')
            for name in ("klingon", "rot13", "idna", "punycode", "undefined", "base64", "zip", "unicode_escape", "")
        ),
        ("columns = 'x'", "columns must be a table"),
        ("[columns]\nvlaue = 'x'", 'Unknown role "vlaue"'),
        ("[columns]\nvalue = 3", "columns.value must be a text"),
        ("questions = 'x'", "questions must be tables"),
        ("[questions]\na = 'x'", 'questions."a" must be a table'),
        ("[questions.a]\npolarity = 'up'", 'polarity must be "lower" \\(low values are good'),
        ("[questions.a]\nunits = 'x'", r'Unknown key questions."a"."units" \(did you mean "unit"\?\)'),
        ("[questions.a]\nunit = 3", 'questions."a".unit must be a text'),
        ("this is no TOML", "is not valid TOML"),
        ("breaks = 3", "breaks must be tables, each under a line"),
        ("breaks = [3]", "breaks must be tables, each under a line"),
        (BREAK.replace("2018", "'2018'"), "breaks, entry 1: year must be a whole number"),
        (BREAK.replace("2018", "20181"), "breaks, entry 1: year must be a whole number"),
        (BREAK.replace("'moved'", "''"), "breaks, entry 1: reason must be a text"),
        ("[[breaks]]\nyear = 2018\nreason = 'moved'", "breaks, entry 1: source must be a text"),
        (f"{BREAK}\nquestion = 'x'", r'Unknown key breaks, entry 1: "question" \(did you mean "questions"\?\)'),
        (f"{BREAK}\nquestions = 'x'", "breaks, entry 1: questions must be a list of full texts"),
        ("standards = 3", "standards must be tables"),
        ("[standards]\na = 3", 'standards."a" must be a table with source and weights'),
        (STANDARD.replace("ours", "us_2000"), 'standards."us_2000": choose another name'),
        (STANDARD.replace("ours", "'a=b'"), 'standards."a=b": choose another name'),
        (STANDARD.replace("ours", "' '"), 'standards." ": choose another name'),
        (f"{STANDARD}\nweight = 3", r'Unknown key standards."ours"."weight" \(did you mean "weights"\?\)'),
        (f"{STANDARD}\ntitle = 3", 'standards."ours".title must be a text'),
        ("[standards.ours]\nweights = {a = 1}", 'standards."ours".source must be a text'),
        ("[standards.ours]\nsource = 'x'", 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", "-1"), 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", "inf"), 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", "nan"), 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", f"1{'0' * 400}"), 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", "true"), 'standards."ours".weights must give each age group a number'),
        (STANDARD.replace("1", "0"), 'standards."ours".weights are all 0'),
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
