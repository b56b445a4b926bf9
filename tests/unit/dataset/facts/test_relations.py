from __future__ import annotations

import tomllib
from importlib import resources
from itertools import permutations

from meantime.dataset.facts.questions import built_in_questions
from meantime.dataset.facts.relations import relation

TABLE = tomllib.loads(resources.files("meantime.dataset.facts").joinpath("relations.toml").read_text(encoding="utf-8"))


def test_a_relation_holds_in_both_directions() -> None:
    for each in TABLE["relations"]:
        for one, other in permutations(each["questions"], 2):
            assert relation(one, other) == each["kind"]


def test_only_questions_that_are_known_are_related() -> None:
    named = {question for each in TABLE["relations"] for question in each["questions"]}
    assert named <= set(built_in_questions())
