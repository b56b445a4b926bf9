"""The second step of reading: what holds for the whole table, decided once from the facts about all its files.

Nothing is read here: the same facts give the same decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from meantime.dataset.facts.publishers import publisher_of
from meantime.dataset.points import MOST_TEXTS, Points, locate
from meantime.dataset.reading import warnings
from meantime.dataset.reading.columns import ROLES, may_be_category
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.evidence import NO_EVIDENCE, Evidence
from meantime.dataset.reading.exact_sums import ExactNumbers, decide_numbers
from meantime.dataset.reading.interval_levels import decide_levels
from meantime.dataset.reading.labels import JOINED, ambiguous_label, is_shared_name, label_roles, place_label
from meantime.dataset.reading.survey import Bounds, Counted, FileFacts
from meantime.dataset.reading.tally import MOST_ROWS
from meantime.dataset.reading.uncertainty import Levels
from meantime.dataset.snapshot import TableOrigin
from meantime.errors import SourceEmpty, SourceUnreadable
from meantime.text import quoted

# How many reasons for missing values are kept apart. More than these are not reasons but a column of arbitrary texts.
# The reasons are labels: they are part of the fingerprint and must keep their wording.
MOST_REASONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """What is known of a table before its rows are looked at."""

    columns: Sequence[str]
    roles: Mapping[str, str]  # by the header and a sample of the rows
    evidence: Evidence = NO_EVIDENCE  # the sample
    columns_by_hand: Mapping[str, str]
    decimal_mark: str = "."  # of the numbers in plain columns
    plain: tuple[str, ...] = ()  # roles that have a plain column (plain_columns.py)
    delimiter: str  # "" for Parquet
    title: str
    description: Description

    @property
    def may_be_category(self) -> bool:
        """Whether the column for topics may turn out to be one of categories."""
        return may_be_category(self.roles, self.columns_by_hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What the rows are rolled up with."""

    roles: Mapping[str, str]  # role -> column
    plain: tuple[str, ...]  # roles that have a plain column
    numbers: ExactNumbers
    # The reasons for missing values that are kept apart, the most frequent first; None if they are to be counted in the
    # rows, because there are too many.
    reasons: tuple[str, ...] | None
    levels: Levels
    topics: Mapping[str, str]  # by question: that of most of its rows
    publishers: Mapping[str, str]  # by question: the known one that most of its rows name as their source
    origin: TableOrigin
    points: Points
    is_synthetic: bool
    warnings: tuple[str, ...]

    @property
    def all_roles(self) -> frozenset[str]:
        """The roles that the rows have, in a column of the file or in a plain one."""
        return frozenset((*self.roles, *self.plain))


def decide(facts: FileFacts, table: TableForm) -> Decisions:
    """Decide from the facts about all files.

    Raises:
        SourceUnreadable: two different things would have the same label, or a tally counts too many rows.
        SourceEmpty: a tally counts no row.
    """
    _refuse_counts(facts, table.roles)
    shared_name = _shared_name(facts, table.roles)
    roles = _final_roles(facts, table, has_shared_name=shared_name is not None)
    _refuse_ambiguous_labels(facts, roles)
    description = table.description
    levels = decide_levels(roles, description, table.title, _only_source(facts))
    return Decisions(
        roles=roles,
        plain=table.plain,
        numbers=decide_numbers(facts.largest, facts.rows, table.decimal_mark),
        reasons=_frequent_reasons(facts),
        levels=levels.levels,
        topics=_most_frequent({each: of.topics for each, of in facts.questions.items()} if "topic" in roles else {}),
        publishers=_publishers(facts),
        origin=_origin(description, facts),
        points=_points(facts, roles),
        is_synthetic=facts.is_synthetic,
        warnings=(
            *warnings.multiplier_warnings(table.columns, roles, table.evidence),
            *warnings.year_warnings(table.columns, roles, table.evidence),
            *warnings.column_warnings(table.columns, roles, table.columns_by_hand, table.evidence),
            *warnings.shared_name_warnings(shared_name, roles),
            *warnings.description_warnings(description, sorted(facts.questions)),
            *levels.warnings,
        ),
    )


def _refuse_counts(facts: FileFacts, roles: Mapping[str, str]) -> None:
    if (column := roles.get("row_count")) is None:
        return
    if not facts.rows:
        raise SourceEmpty(f"No row counts: all numbers in {quoted(column)}, which has the role row_count, are 0.")
    if facts.rows > MOST_ROWS:
        raise SourceUnreadable(
            f"The numbers in {quoted(column)}, which has the role row_count, add up to {facts.rows:,} rows; at most "
            f"{MOST_ROWS:,} can be counted. Check whether it is the right column."
        )


def _shared_name(facts: FileFacts, roles: Mapping[str, str]) -> str | None:
    """Return a location's name that several places share according to their ids; None if there is none."""
    if "location_id" not in roles:
        return None
    numbers: dict[str, list[str]] = {}
    for name, number in facts.places:
        numbers.setdefault(name, []).append(number)
    return min((name for name, ids in numbers.items() if len(ids) > 1 and is_shared_name(ids)), default=None)


def _final_roles(facts: FileFacts, table: TableForm, *, has_shared_name: bool) -> dict[str, str]:
    """Return the roles that the rows show, where the header alone does not decide."""
    final = dict(table.roles)
    if not has_shared_name and "location_id" not in table.columns_by_hand:
        # An id that distinguishes nothing is not part of the content, nor of the fingerprint.
        final.pop("location_id", None)
    # With different topics under one question, the column does not hold topics of questions.
    if table.may_be_category and any(of.topics is None or len(of.topics) > 1 for of in facts.questions.values()):
        final["category"] = final.pop("topic")
    return {role: final[role] for role in ROLES if role in final}


def _refuse_ambiguous_labels(facts: FileFacts, roles: Mapping[str, str]) -> None:
    for axis in JOINED:
        parts = _parts_of_places(facts, roles) if axis == "location" else facts.parts.get(label_roles(axis, roles), {})
        ambiguous = [label for label, (first, last) in parts.items() if first != last]
        if ambiguous:
            raise ambiguous_label(axis, min(ambiguous), roles)


def _parts_of_places(facts: FileFacts, roles: Mapping[str, str]) -> dict[str, Bounds]:
    bounds: dict[str, Bounds] = {}
    for (name, number), place in facts.places.items():
        label = place_label(name, number) if "location_id" in roles else name
        first, last = bounds.get(label, place.parts)
        bounds[label] = min(first, place.parts[0]), max(last, place.parts[1])
    return bounds


def _frequent_reasons(facts: FileFacts) -> tuple[str, ...] | None:
    counts = facts.reasons
    if counts is None:
        return None
    return tuple(sorted(counts, key=lambda reason: (-counts[reason], reason))[:MOST_REASONS])


def _most_frequent(texts: Mapping[str, Counted]) -> dict[str, str]:
    """Return for each question the text of most of its rows, of those that have any; the first of equally many."""
    named = {each: {text: rows for text, rows in (counted or {}).items() if text} for each, counted in texts.items()}
    return {each: min(rows, key=lambda text: (-rows[text], text)) for each, rows in named.items() if rows}


def _publishers(facts: FileFacts) -> dict[str, str]:
    sources = _most_frequent({each: of.sources for each, of in facts.questions.items()})
    known = {source: publisher_of(source) for source in set(sources.values())}
    return {each: found.name for each, source in sources.items() if (found := known[source]) is not None}


def _origin(description: Description, facts: FileFacts) -> TableOrigin:
    """Return where the table is from: as its description says; otherwise the source that all rows name."""
    source = _only_source(facts)
    # Synthetic rows have no source.
    if description.source or not source or facts.is_synthetic:
        return description.origin
    known = publisher_of(source)
    in_full = f"{known.name} ({source})" if known and known.name.casefold() not in source.casefold() else source
    return msgspec.structs.replace(description.origin, source=in_full)


def _only_source(facts: FileFacts) -> str | None:
    """Return the source that all rows name; None if there are several."""
    counted = [of.sources for of in facts.questions.values()]
    sources = {source for each in counted if each is not None for source in each}
    return next(iter(sources)) if len(sources) == 1 and None not in counted else None


def _points(facts: FileFacts, roles: Mapping[str, str]) -> Points:
    """Return where the locations are. Rows without a point do not contradict the others."""
    texts: dict[str, set[str]] = {}
    for (name, number), place in facts.places.items():
        if place.points:
            texts.setdefault(place_label(name, number) if "location_id" in roles else name, set()).update(place.points)
    return locate((label, sorted(of) if len(of) <= MOST_TEXTS else None) for label, of in sorted(texts.items()))
