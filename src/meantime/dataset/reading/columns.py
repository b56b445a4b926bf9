"""Which column of a file has which role: named by hand, or recognized by its spelling.

Files differ in what they call things (``Data_Value``, ``DataValue``), so the rest of the package speaks of roles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid, HeaderRepeated, RolesMissing
from meantime.text import listed, quoted

# For each role the known spellings as ``_plain`` returns them, the most likely first. Roles are in the order in which
# people need them.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "question": ("question", "questiontext", "indicator", "indicatorname", "measure", "measurename"),
    # What was answered: a question and a response make one indicator (labels.py).
    "response": ("response",),
    # Not Data_Value_Alt: in the CDC's files this repeats the number, with other marks where it is missing.
    "value": ("datavalue", "value", "obsvalue", "estimate", "prevalence", "factvaluenumeric"),
    "value_type": ("datavaluetype", "valuetype", "measuretype"),
    "unit": ("datavalueunit", "unit", "units", "unitofmeasure", "unitmeasure"),
    "location": (
        "locationdesc",
        "locationname",
        "location",
        "cityname",
        "state",
        "statename",
        "statedesc",
        "region",
        "country",
        "geography",
        "area",
        "refarea",
    ),
    # What contains the location, and what distinguishes it from others of the same name.
    "location_within": ("statedesc",),
    "location_id": ("locationid", "uniqueid"),
    "location_abbreviation": ("locationabbr", "locationabbreviation", "stateabbr", "abbreviation"),
    # "Category" may also be a topic: see _in_one_role and may_be_category.
    "category": ("stratificationcategory1", "stratificationcategory", "breakoutcategory", "category"),
    "stratum": ("stratification1", "stratification", "breakout", "stratum", "group", "subgroup"),
    "category_2": ("stratificationcategory2",),
    "stratum_2": ("stratification2",),
    "category_3": ("stratificationcategory3",),
    "stratum_3": ("stratification3",),
    "first_year": ("yearstart", "startyear", "firstyear", "year", "datayear"),
    "last_year": ("yearend", "endyear", "lastyear", "year", "datayear"),  # a single Year is both
    "low": (
        "lowconfidencelimit",
        "confidencelimitlow",
        "lowconfidenceinterval",
        "lowerconfidencelimit",
        "lowerci",
        "cilower",
        "lowerlimit",
        "lowerbound",
    ),
    "high": (
        "highconfidencelimit",
        "confidencelimithigh",
        "highconfidenceinterval",
        "upperconfidencelimit",
        "upperci",
        "ciupper",
        "upperlimit",
        "upperbound",
    ),
    # What else says how uncertain a value is; where a row has no limits, they are computed from it (uncertainty.py).
    "standard_error": ("standarderror", "se", "stderr", "stderror"),
    "margin_of_error": ("marginoferror", "moe"),
    "cv": ("cv", "coefficientofvariation", "relativestandarderror", "rse"),
    "variance": ("variance", "samplingvariance"),
    "sample_size": ("samplesize", "respondents"),
    # How often a row counts (tally.py). Never recognized by its name: "Count" and "N" are usually respondents.
    "row_count": (),
    "footnote_symbol": ("datavaluefootnotesymbol", "footnotesymbol"),
    "footnote": ("datavaluefootnote", "footnote", "footnotetext"),
    "topic": ("topic", "class", "category"),
    "source": ("datasource", "source"),
    "point": ("geolocation", "point", "location1"),
}

ROLES = tuple(SPELLINGS)
REQUIRED = ("question", "value", "location")

# Roles that change no number: no warning is needed, whichever of two columns is used.
_WITHOUT_EFFECT = frozenset({"location_abbreviation", "footnote_symbol", "footnote", "topic", "source", "point"})

# Roles whose columns may have the level of an interval in their names: "Margin of error (90%)", "Lower 90% CI".
_WITH_LEVEL = ("low", "high", "margin_of_error")
_LEVEL_IN_NAME = re.compile(r"\(?\s*(\d{2}(?:\.\d+)?)\s*(?:%|per ?cent\b|pct\b)\s*\)?", re.IGNORECASE | re.ASCII)

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
# Names are compared and shown by this many characters: a header can be megabytes of one name.
_NAME_LENGTH = 120


def assign_roles(columns: Sequence[str], by_hand: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each role that has one. A column named by hand comes before one recognized by spelling.

    If several columns fit a role, the likelier spelling wins, and with the same spelling the first column;
    ``other_candidates`` returns the others.

    Raises:
        HeaderRepeated: two columns have the same name.
        RolesMissing: a required role has no column, or a column named by hand does not exist; all of them at once.
        DescriptionInvalid: ``by_hand`` names a role that does not exist.
    """
    check_roles(by_hand)
    _refuse_repeated(columns)
    absent = {role: name for role, name in by_hand.items() if name not in set(columns)}
    recognized = {role: names[0] for role, names in _in_one_role(_by_spelling(columns), by_hand).items()}
    assigned = recognized | dict(by_hand)
    missing = [role for role in REQUIRED if role not in assigned]
    if absent or missing:
        raise _roles_missing(columns, absent, missing)
    return {role: assigned[role] for role in ROLES if role in assigned}


def other_candidates(columns: Sequence[str], roles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that also fit a role but are not used for it, if the choice changes numbers."""
    used = set(roles.values())
    others = {
        role: tuple(name for name in names if name not in used)
        for role, names in _in_one_role(_by_spelling(columns), {}).items()
        if role in roles and role not in _WITHOUT_EFFECT
    }
    return {role: names for role, names in others.items() if names}


def may_be_category(roles: Mapping[str, str], by_hand: Mapping[str, str]) -> bool:
    """Whether the column used as topic is a category instead, if some question has several of them."""
    return "topic" not in by_hand and "category" not in roles and _plain(roles.get("topic", "")) == "category"


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
    match = _LEVEL_IN_NAME.search(column[:_NAME_LENGTH])
    return float(match[1]) if match and float(match[1]) >= 50 else None


def _by_spelling(columns: Sequence[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    leveled: dict[str, list[str]] = {}
    for column in columns:
        named.setdefault(_plain(column), []).append(column)
        if (without_level := _LEVEL_IN_NAME.sub(" ", column[:_NAME_LENGTH])) != column:
            leveled.setdefault(_plain(without_level), []).append(column)
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
    other = "topic" if is_of_strata and all(_plain(name) == "category" for name in categories) else "category"
    left[other] = [name for name in left.get(other, ()) if _plain(name) != "category"]
    location = by_hand.get("location") or next(iter(left.get("location", ())), None)
    left["location_within"] = [name for name in left.get("location_within", ()) if name != location]
    return {role: names for role, names in left.items() if names}


def _plain(name: str) -> str:
    """Keep letters and digits only, in lower case: ``High_Confidence_Limit `` becomes ``highconfidencelimit``."""
    # No spelling is longer; a name of megabytes is not worth the time.
    return "".join(filter(str.isalnum, name[:_NAME_LENGTH])).casefold() if len(name) <= _NAME_LENGTH else ""


def _refuse_repeated(columns: Sequence[str]) -> None:
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
        f"The header has the same name more than once: {text}. Give each column its own name in the first line of the "
        "file."
    )


def _roles_missing(columns: Sequence[str], absent: Mapping[str, str], missing: Sequence[str]) -> RolesMissing:
    sentences = [
        f"There is no column {quoted(name)} for the role {role}{hint(name, columns)}." for role, name in absent.items()
    ]
    if missing:
        sentences.append(f"No column was recognized for: {', '.join(missing)}.")
    roles = (*absent, *missing)
    sentences.append(f"The columns are: {listed(map(quoted, columns), most=_NAMES_LISTED)}.")
    if any(_plain(name).endswith(_WIDE) for name in columns):
        sentences.append(_USE_LONG_FORM)
    sentences.append(f"Name them by hand: {' '.join(f'--column {role}=NAME' for role in roles)}.")
    return RolesMissing(" ".join(sentences), roles=roles, columns=columns[:_NAMES_LISTED])
