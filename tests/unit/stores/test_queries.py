from __future__ import annotations

import pytest

from meantime.stores import queries


def test_every_query_has_a_name_and_a_statement() -> None:
    assert set(queries.load()) == {
        "add",
        "update",
        "remove",
        "named",
        "given_numbers",
        "seal",
        "job",
        "jobs",
        "accepted_under",
        "find",
        "in_place",
        "unindexed",
        "clear",
        "fingerprints",
    }


@pytest.mark.parametrize(
    "text",
    ["-- name --\nSELECT 1;\n", "-- name --\n-- A sentence.\n"],
    ids=["no sentence", "no statement"],
)
def test_a_query_without_its_parts_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name needs"):
        queries.parse(text)


def test_two_queries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two queries"):
        queries.parse("-- name --\n-- One.\nSELECT 1;\n-- name --\n-- Two.\nSELECT 2;\n")


def test_migrations_count_up_from_one_without_a_gap() -> None:
    versions = [migration.version for migration in queries.migrations()]
    assert versions == list(range(1, len(versions) + 1))
