"""Which column of a file has which role: named by hand, or recognized by its spelling.

Files differ in what they call things (``Data_Value``, ``DataValue``), so the rest of the package speaks of roles. Names
are data (``facts/column_names.toml``). Where several columns fit, rows decide: numbers for a value, names before codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from meantime.dataset.facts.column_names import (
    CATEGORY_OF,
    DIVISIONS,
    LARGE_PLACES,
    NAME_LENGTH,
    SMALL_PLACES,
    SPELLINGS,
    find_form,
    is_id_name,
    plain_name,
)
from meantime.dataset.reading.evidence import NO_EVIDENCE, Evidence
from meantime.dataset.reading.labels import JOINED
from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid, HeaderRepeated, RolesMissing
from meantime.text import listed, quoted

# In the order in which people need them.
ROLES = tuple(SPELLINGS)
REQUIRED = ("question", "value", "location")

# Roles that change no number: no warning is needed, whichever of two columns is used.
_WITHOUT_EFFECT = frozenset(
    {"location_id", "location_abbreviation", "footnote_symbol", "footnote", "topic", "source", "point"}
)

# Roles whose columns may have the level of an interval in their names: "Lower 90% CI", "LCL95".
_WITH_LEVEL = ("low", "high", "interval", "margin_of_error")
_LEVEL_IN_NAME = re.compile(
    r"\(?\s*(\d{2}(?:\.\d+)?)\s*(?:%|per ?cent\b|pct\b)\s*\)?|(?<![\d.])(80|90|95|98|99)(?:\.0)?(?![\d.])",
    re.IGNORECASE | re.ASCII,
)

# What the columns of roles hold: numbers, years, and the names of what a number is about.
NUMBERS = ("value", "low", "high", "sample_size", "standard_error", "margin_of_error", "cv", "variance")
YEARS = ("first_year", "last_year")
NAMES = (
    *("question", "response", "location", "location_within", "location_id", "category", "stratum", "category_2"),
    *("stratum_2", "category_3", "stratum_3", "value_type", "unit"),
)
STRATA = JOINED["stratum"].roles
# Where rows decide between several columns, those of numbers come first, or names before codes.
_BEFORE_CODES = frozenset(NAMES) - {"location_id"}
# Names that promise a year; what else is called like a time has to show years.
_SURE_YEARS = frozenset(
    {"yearstart", "startyear", "firstyear", "year", "datayear", "yearend", "endyear", "lastyear", "yearcode"}
)
# A region lies in a country, or has several of them: the rows tell.
_MAY_CONTAIN = frozenset({"region", "regionname", "state", "statename", "province", "area"})

# How the names of columns end in the wide files of PLACES, and what to do about such a file. Naming one of them by hand
# would give a table of one measure, without its limits (they are one text, "(20.1, 22.3)") and suppressed values.
_WIDE = ("crudeprev", "adjprev", "crude95ci", "adj95ci")
_USE_LONG_FORM = (
    'This is the wide, "GIS friendly" form of PLACES, with a column for each measure. Meantime reads the long form, '
    'with a row for each measure and place. It is published under the same name without "GIS Friendly Format", and '
    "includes suppressed values."
)

# How many names an error lists before it counts the rest: as many as people still read.
_NAMES_LISTED = 40


def assign_roles(
    columns: Sequence[str],
    by_hand: Mapping[str, str],
    evidence: Evidence = NO_EVIDENCE,
    *,
    required: Sequence[str] = REQUIRED,
) -> dict[str, str]:
    """Return the column of each role that has one. A column named by hand comes before one that is recognized.

    If several columns fit a role, the rows decide, then the likelier spelling, and with the same spelling the first
    column; ``other_candidates`` returns the others.

    Raises:
        HeaderRepeated: two columns have the same name.
        RolesMissing: a required role has no column, or a column named by hand does not exist; all of them at once.
        DescriptionInvalid: ``by_hand`` names a role that does not exist.
    """
    check_roles(by_hand)
    refuse_repeated(columns)
    absent = {role: name for role, name in by_hand.items() if name not in set(columns)}
    assigned = recognize(columns, by_hand, evidence) | dict(by_hand)
    missing = [role for role in required if role not in assigned]
    if absent or missing:
        raise _roles_missing(columns, absent, missing)
    return {role: assigned[role] for role in ROLES if role in assigned}


def recognize(columns: Sequence[str], by_hand: Mapping[str, str], evidence: Evidence = NO_EVIDENCE) -> dict[str, str]:
    """Return the recognized column of each role that is not named by hand; roles without a column are left out."""
    fits = _in_one_role(_candidates(columns, evidence), by_hand)
    roles = {role: names[0] for role, names in fits.items() if role not in by_hand}
    form = find_form(columns)
    known = form.roles if form else {}
    # A column that a publisher's form has given a role has no second one by its spelling.
    taken = {**roles, **by_hand}
    of_form = {taken[role] for role in known if role in taken} - {taken.get("first_year"), taken.get("last_year")}
    roles = {role: name for role, name in roles.items() if role in known or name not in of_form}
    if (
        "value" in roles
        and evidence.is_empty(roles["value"])
        and _has_other_numbers(columns, {**roles, **by_hand}, evidence)
    ):
        del roles["value"]
    if not any(role in by_hand or role in roles for role in STRATA) or (form and form.dimensions is not None):
        _add_divisions(roles, columns, by_hand, evidence)
    return roles


def fitting_columns(columns: Sequence[str], evidence: Evidence = NO_EVIDENCE) -> dict[str, tuple[str, ...]]:
    """Return the columns that fit each role by their names, the likeliest first; those of no role are left out."""
    return {role: tuple(names) for role, names in _in_one_role(_candidates(columns, evidence), {}).items()}


def other_candidates(
    columns: Sequence[str], roles: Mapping[str, str], evidence: Evidence = NO_EVIDENCE
) -> dict[str, tuple[str, ...]]:
    """Return the columns that also fit a role but are not used for it, if the choice changes numbers.

    A column of codes beside that of their names changes none.
    """
    used = set(roles.values())
    others = {
        role: tuple(
            name
            for name in names
            if name not in used
            and not evidence.is_empty(name)
            and not _is_another_name(role, roles[role], name, evidence)
        )
        for role, names in _in_one_role(_candidates(columns, evidence), {}).items()
        if role in roles and role not in _WITHOUT_EFFECT
    }
    return {role: names for role, names in others.items() if names}


def _is_another_name(role: str, column: str, other: str, evidence: Evidence) -> bool:
    """Whether the other column has codes of what the column names, or says the same as it."""
    if role in _BEFORE_CODES and evidence.has_codes(other) and not evidence.has_codes(column):
        return True
    return role not in NUMBERS and evidence.say_the_same(column, other)


def may_be_category(roles: Mapping[str, str], by_hand: Mapping[str, str]) -> bool:
    """Whether the column used as topic is a category instead, if some question has several of them."""
    return "topic" not in by_hand and "category" not in roles and plain_name(roles.get("topic", "")) == "category"


def could_have_roles(columns: Sequence[str]) -> set[str]:
    """Return the columns that may get a role by their names, whatever the rows will show.

    >>> sorted(could_have_roles(("respondent", "Question", "Value", "Location", "Sex", "Date")))
    ['Date', 'Location', 'Question', 'Sex', 'Value']
    """
    found = {name for names in _candidates(columns, NO_EVIDENCE).values() for name in names}
    found.update(name for name in columns if plain_name(name) in DIVISIONS)
    form = find_form(columns)
    if form and form.dimensions is not None:
        without = set(map(plain_name, form.dimensions))
        found.update(name for name in columns if plain_name(name) not in without)
    return found


def count_recognized(columns: Sequence[str], by_hand: Mapping[str, str]) -> int:
    """Count the roles that these columns fill: the more, the more likely is this delimiter of the header."""
    known = _by_spelling(columns).keys() | {role for role, name in by_hand.items() if name in columns}
    return len(known)


def check_roles(names: Mapping[str, str]) -> None:
    """Refuse roles that do not exist.

    Raises:
        DescriptionInvalid: there are some; the message names all of them, with suggestions.
    """
    unknown = [name for name in names if name not in SPELLINGS]
    if unknown:
        raise DescriptionInvalid(
            " ".join(f"Unknown role {quoted(name)}{hint(name, ROLES)}." for name in unknown)
            + f" The roles are: {', '.join(ROLES)}."
        )


def level_in_name(column: str) -> float | None:
    """Return the level of an interval, in percent, that the name of its column has.

    >>> level_in_name("Margin of error (90%)"), level_in_name("99 percent CI, lower"), level_in_name("Low_CI") is None
    (90.0, 99.0, True)
    """
    match = _LEVEL_IN_NAME.search(column[:NAME_LENGTH])
    level = float(match[1] or match[2]) if match else 0.0
    return level if level >= 50 else None


def _candidates(columns: Sequence[str], evidence: Evidence) -> dict[str, list[str]]:
    """Return the columns that fit each role, the likeliest first."""
    fits = _by_spelling(columns)
    form = find_form(columns)
    named: dict[str, list[str]] = {}
    for column in columns:
        named.setdefault(plain_name(column), []).append(column)
    for role, spellings in (form.roles if form else {}).items():
        if found := [column for spelling in spellings for column in named.get(plain_name(spelling), ())]:
            fits[role] = found
    if not (form and form.roles.keys() & {"category", "stratum"}):
        for stratum, category in CATEGORY_OF.items():
            if stratum in named and category in named:
                fits["category"] = [*named[category], *(fits.get("category", ()))]
                fits["stratum"] = [
                    *named[stratum],
                    *(name for name in fits.get("stratum", ()) if name not in named[category]),
                ]
                break
    for role in YEARS:
        # "Period" may be a number of the survey, and "Date" a day.
        if names := [
            name for name in fits.pop(role, ()) if plain_name(name) in _SURE_YEARS or evidence.has_years(name)
        ]:
            fits[role] = names
    return {role: _by_evidence(role, names, evidence) if evidence.rows else names for role, names in fits.items()}


def _by_evidence(role: str, names: list[str], evidence: Evidence) -> list[str]:
    """Put first what the rows show to fit: what is not empty, numbers where they belong, names before codes."""
    if len(names) < 2:
        return names
    if role in NUMBERS:
        return sorted(names, key=lambda name: (not evidence.has_numbers(name), -round(evidence.share_of_numbers(name))))
    ordered = sorted(names, key=evidence.is_empty)
    first = ordered[0]
    if role in _BEFORE_CODES and evidence.has_codes(first):
        called = (name for name in ordered[1:] if not evidence.has_codes(name) and evidence.say_the_same(first, name))
        first = next(called, first)
        ordered.insert(0, ordered.pop(ordered.index(first)))
    if role == "location":
        # Of a place and the one that it lies in, the smaller.
        inner = [name for name in ordered[1:] if not evidence.has_codes(name) and evidence.contains(first, name)]
        if inner and plain_name(first) in _MAY_CONTAIN:
            ordered.insert(0, ordered.pop(ordered.index(inner[0])))
    return ordered


def _has_other_numbers(columns: Sequence[str], roles: Mapping[str, str], evidence: Evidence) -> bool:
    """Whether a column that has no role, and is not called as a number of something else, has nothing but numbers."""
    used = set(roles.values())
    return any(name not in used and evidence.share_of_numbers(name) == 1 and not is_id_name(name) for name in columns)


def _add_divisions(
    roles: dict[str, str], columns: Sequence[str], by_hand: Mapping[str, str], evidence: Evidence
) -> None:
    """Make strata of the columns that divide people: sex, age, and what a publisher's table has beside them."""
    used = [*roles.values(), *by_hand.values()]
    all_roles = {**roles, **by_hand}
    names = [name for role, name in all_roles.items() if role in _BEFORE_CODES and not evidence.has_codes(name)]
    form = find_form(columns)
    if form and form.dimensions is not None:
        without = set(map(plain_name, form.dimensions))
        found = [each for each in columns if plain_name(each) not in without and evidence.different(each) > 1]
        # Names before their codes.
        found.sort(key=evidence.has_codes)
    else:
        named = {name: [column for column in columns if plain_name(column) == name] for name in DIVISIONS}
        found = [_by_evidence("stratum", columns, evidence)[0] for columns in named.values() if columns]
        found = [column for column in found if not evidence.is_empty(column)]
    free = [role for role in STRATA if role not in roles and role not in by_hand]
    for column in found:
        if not free:
            break
        # A code beside the name of the same thing divides nothing.
        may_be_code = evidence.has_codes(column) and evidence.different(column) > 1
        is_code = may_be_code and any(evidence.say_the_same(column, name) for name in names)
        if column not in used and not is_code:
            roles[free.pop(0)] = column
            used.append(column)
            names += [] if evidence.has_codes(column) else [column]


def _by_spelling(columns: Sequence[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    leveled: dict[str, list[str]] = {}
    for column in columns:
        named.setdefault(plain_name(column), []).append(column)
        if (without_level := _LEVEL_IN_NAME.sub(" ", column[:NAME_LENGTH])) != column:
            leveled.setdefault(plain_name(without_level), []).append(column)
    fits = {
        role: [
            column
            for spelling in spellings
            for column in (*named.get(spelling, ()), *(leveled.get(spelling, ()) if role in _WITH_LEVEL else ()))
        ]
        for role, spellings in SPELLINGS.items()
    }
    return {role: names for role, names in fits.items() if names}


def _in_one_role(fits: Mapping[str, list[str]], by_hand: Mapping[str, str]) -> dict[str, list[str]]:
    """Keep each column in one role only: a spelling may fit two roles, and the other columns decide."""
    left = {role: list(names) for role, names in fits.items()}
    # "Category" names the category of a stratum. Without strata, or with another column for categories, it is the topic
    # of the question, as in PLACES.
    categories = left.get("category", [])
    is_of_strata = "stratum" in by_hand or "stratum" in left
    # What only may be a question, and is a kind of number beside another column of questions.
    if questions := left.get("question"):
        first = by_hand.get("question", questions[0])
        left["question"] = [name for name in questions if name == first or name not in left.get("value_type", ())]
        left["value_type"] = [name for name in left.get("value_type", ()) if name != first]
    other = "topic" if is_of_strata and all(plain_name(name) == "category" for name in categories) else "category"
    left[other] = [name for name in left.get(other, ()) if plain_name(name) != "category"]
    location = by_hand.get("location") or next(iter(left.get("location", ())), None)
    within = [*left.get("location_within", ())]
    if location is not None and plain_name(location) in SMALL_PLACES:
        within += [name for name in left.get("location", ()) if plain_name(name) in LARGE_PLACES and name not in within]
        left["location"] = [name for name in left["location"] if name == location or name not in within]
    left["location_within"] = [name for name in within if name != location]
    left["location_id"] = [name for name in left.get("location_id", ()) if name != location]
    for role in left.keys() - by_hand.keys():
        # A single Year is both the first and the last.
        elsewhere = {name for other, name in by_hand.items() if not {role, other} <= set(YEARS)}
        left[role] = [name for name in left[role] if name not in elsewhere]
    return {role: names for role, names in left.items() if names}


def refuse_repeated(columns: Sequence[str]) -> None:
    """Refuse a header in which two columns have the same name.

    Raises:
        HeaderRepeated: it has; the message has their positions.
    """
    repeated = [name for name, times in Counter(columns).items() if times > 1]
    if not repeated:
        return
    positions: dict[str, list[str]] = {name: [] for name in repeated[:_NAMES_LISTED]}
    for position, name in enumerate(columns, start=1):
        if name in positions and len(positions[name]) < _NAMES_LISTED:
            positions[name].append(str(position))
    text = "; ".join(
        f"{quoted(name) if name.strip() else 'a column without a name'} (columns {', '.join(at)})"
        for name, at in positions.items()
    )
    raise HeaderRepeated(
        f"The header has the same name more than once: {text}. Give each column its own name. If the "
        "header has several lines, write one name for each column in one line."
    )


def _roles_missing(columns: Sequence[str], absent: Mapping[str, str], missing: Sequence[str]) -> RolesMissing:
    sentences = [
        f"There is no column {quoted(name)} for the role {role}{hint(name, columns)}." for role, name in absent.items()
    ]
    if missing:
        sentences.append(f"No column was recognized for: {', '.join(missing)}.")
    roles = (*absent, *missing)
    sentences.append(f"The columns are: {listed(map(quoted, columns), most=_NAMES_LISTED)}.")
    if any(plain_name(name).endswith(_WIDE) for name in columns):
        sentences.append(_USE_LONG_FORM)
    sentences.append(f"Name them by hand: {' '.join(f'--column {role}=NAME' for role in roles)}.")
    return RolesMissing(" ".join(sentences), roles=roles, columns=columns[:_NAMES_LISTED])
