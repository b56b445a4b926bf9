"""How pairs of questions are related by definition. Data, in ``relations.toml``; most pairs are not related."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Literal

import msgspec

from meantime.dataset.facts.conversion import table_of_facts

RelationKind = Literal["overlap", "exclude"]


class _Relation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: RelationKind  # between any two of the questions
    questions: tuple[str, ...]


class _Relations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    relations: tuple[_Relation, ...]


def relation(one: str, other: str) -> RelationKind | None:
    """Return how the people counted by two questions are related by definition; None if nothing is known.

    >>> obesity = "Percent of adults aged 18 years and older who have obesity"
    >>> relation("Percent of adults aged 18 years and older who have an overweight classification", obesity)
    'exclude'
    >>> relation(obesity, "Percent of adults who nap") is None
    True
    """
    return _known().get(frozenset((one, other)))


@cache
def _known() -> dict[frozenset[str], RelationKind]:
    table = table_of_facts("relations.toml", _Relations)
    return {frozenset(pair): each.kind for each in table.relations for pair in combinations(each.questions, 2)}
