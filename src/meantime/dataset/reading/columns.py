"""Which column of a file plays which role: by hand, or by a table of known spellings.

Files differ in what they call things (``Data_Value``, ``DataValue``), so the rest of the house speaks of roles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid, HeaderRepeated, RolesMissing
from meantime.text import listed, quoted

# For each role the spellings that are known, the likeliest first, as ``_plain`` leaves them. Roles in the order in
# which people meet them.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "question": ("question", "questiontext", "indicator", "indicatorname", "measure", "measurename"),
    # What was answered: a question and a response are one indicator (labels.py).
    "response": ("response",),
    # Not Data_Value_Alt: in the CDC's files that is the same number again, with other marks where it is withheld.
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
    # What the location lies in, and what tells it from others of that name.
    "location_within": ("statedesc",),
    "location_id": ("locationid", "uniqueid"),
    "location_abbreviation": ("locationabbr", "locationabbreviation", "stateabbr", "abbreviation"),
    # "Category" may be a topic, too: _of_one_role, may_be_category.
    "category": ("stratificationcategory1", "stratificationcategory", "breakoutcategory", "category"),
    "stratum": ("stratification1", "stratification", "breakout", "stratum", "group", "subgroup"),
    "category_2": ("stratificationcategory2",),
    "stratum_2": ("stratification2",),
    "category_3": ("stratificationcategory3",),
    "stratum_3": ("stratification3",),
    "first_year": ("yearstart", "startyear", "firstyear", "year", "datayear"),
    "last_year": ("yearend", "endyear", "lastyear", "year", "datayear"),  # a single Year serves both
    "low": (
        "lowconfidencelimit",
        "confidencelimitlow",
        "lowconfidenceinterval",
        "lowerconfidencelimit",
        "lowerci",
        "cilower",
        "lowerlimit",
    ),
    "high": (
        "highconfidencelimit",
        "confidencelimithigh",
        "highconfidenceinterval",
        "upperconfidencelimit",
        "upperci",
        "ciupper",
        "upperlimit",
    ),
    "sample_size": ("samplesize", "respondents"),
    "footnote_symbol": ("datavaluefootnotesymbol", "footnotesymbol"),
    "footnote": ("datavaluefootnote", "footnote", "footnotetext"),
    "topic": ("topic", "class", "category"),
    "source": ("datasource", "source"),
    "point": ("geolocation", "point", "location1"),
}

ROLES = tuple(SPELLINGS)
NEEDED = ("question", "value", "location")

# Roles that change no number: whichever of two columns is taken for them, nobody needs to hear of it.
_OF_NO_CONSEQUENCE = frozenset({"location_abbreviation", "footnote_symbol", "footnote", "topic", "source", "point"})

# How the columns of the wide files of PLACES end, and what to say of them. To name one by hand would make a table of
# one measure, without its limits (they are one text, "(20.1, 22.3)") and without what is withheld.
_WIDE = ("crudeprev", "adjprev", "crude95ci", "adj95ci")
_OF_WIDE = (
    'This is the wide, "GIS friendly" form of PLACES, with a column for each measure. Meantime reads the long form, '
    "with a row for each measure and place. It is published beside this one, under the same name without GIS Friendly "
    "Format, and says what is withheld, too."
)

# How many names an error lists before it says how many more there are: as many as one still reads through.
_NAMES_TOLD = 40
# Names are compared, and told, by this many characters: a header can be megabytes of one name.
_NAME_LENGTH = 120


def assign_roles(columns: Sequence[str], by_hand: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each role that has one. By hand goes before spelling.

    Of two columns that fit one role the earlier spelling wins, and of two with the same spelling the earlier column;
    ``rivals`` tells the others.

    Raises:
        HeaderRepeated: two columns have one name.
        RolesMissing: a needed role has no column, or a column named by hand is not there; all of them at once.
        DescriptionInvalid: by hand names a role that does not exist.
    """
    check_roles(by_hand)
    _refuse_repeated(columns)
    absent = {role: name for role, name in by_hand.items() if name not in set(columns)}
    found = {role: names[0] for role, names in _of_one_role(_by_spelling(columns), by_hand).items()} | dict(by_hand)
    missing = [role for role in NEEDED if role not in found]
    if absent or missing:
        raise _roles_missing(columns, absent, missing)
    return {role: found[role] for role in ROLES if role in found}


def other_candidates(columns: Sequence[str], roles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that were not taken for a role though their spelling fits it, where that changes numbers."""
    taken = set(roles.values())
    others = {
        role: tuple(name for name in names if name not in taken)
        for role, names in _of_one_role(_by_spelling(columns), {}).items()
        if role in roles and role not in _OF_NO_CONSEQUENCE
    }
    return {role: names for role, names in others.items() if names}


def may_be_category(roles: Mapping[str, str], by_hand: Mapping[str, str]) -> bool:
    """Whether the column that was taken for the topic is one of categories, should a question have several of them."""
    return "topic" not in by_hand and "category" not in roles and _plain(roles.get("topic", "")) == "category"


def count_recognized(columns: Sequence[str], by_hand: Mapping[str, str]) -> int:
    """Count the roles that these columns would fill: the more, the likelier this is the header, cut rightly."""
    known = _by_spelling(columns).keys() | {role for role, name in by_hand.items() if name in columns}
    return len(known)


def check_roles(names: Mapping[str, str]) -> None:
    """Refuse roles that do not exist.

    Raises:
        DescriptionInvalid: there are some; all are named, with what may have been meant.
    """
    unknown = [name for name in names if name not in SPELLINGS]
    if unknown:
        raise DescriptionInvalid(
            " ".join(f"There is no role {quoted(name)}{hint(name, ROLES)}." for name in unknown)
            + f" The roles are: {', '.join(ROLES)}."
        )


def _by_spelling(columns: Sequence[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for column in columns:
        named.setdefault(_plain(column), []).append(column)
    fits = {
        role: [column for spelling in spellings for column in named.get(spelling, ())]
        for role, spellings in SPELLINGS.items()
    }
    return {role: names for role, names in fits.items() if names}


def _of_one_role(fits: Mapping[str, list[str]], by_hand: Mapping[str, str]) -> dict[str, list[str]]:
    """Leave out what is another role's: a spelling may fit two, and means one of them by what else there is."""
    left = {role: list(names) for role, names in fits.items()}
    # "Category" names what a stratum is of. Where there is none, or another column names that, it is what the question
    # is about, as in PLACES.
    categories = left.get("category", [])
    is_of_strata = "stratum" in by_hand or "stratum" in left
    other = "topic" if is_of_strata and all(_plain(name) == "category" for name in categories) else "category"
    left[other] = [name for name in left.get(other, ()) if _plain(name) != "category"]
    location = by_hand.get("location") or next(iter(left.get("location", ())), None)
    left["location_within"] = [name for name in left.get("location_within", ()) if name != location]
    return {role: names for role, names in left.items() if names}


def _plain(name: str) -> str:
    """Leave letters and digits only, in lower case: ``High_Confidence_Limit `` is ``highconfidencelimit``."""
    # No spelling is longer; a name of megabytes is not worth the walk.
    return "".join(filter(str.isalnum, name[:_NAME_LENGTH])).casefold() if len(name) <= _NAME_LENGTH else ""


def _refuse_repeated(columns: Sequence[str]) -> None:
    repeated = [name for name, times in Counter(columns).items() if times > 1]
    if not repeated:
        return
    places: dict[str, list[str]] = {name: [] for name in repeated[:_NAMES_TOLD]}
    for place, name in enumerate(columns, start=1):
        if name in places and len(places[name]) < _NAMES_TOLD:
            places[name].append(str(place))
    told = "; ".join(
        f"{quoted(name) if name.strip() else 'a column without a name'} (columns {', '.join(where)})"
        for name, where in places.items()
    )
    raise HeaderRepeated(
        f"The header has the same name more than once: {told}. Give each column a name of its own in the first line "
        "of the file."
    )


def _roles_missing(columns: Sequence[str], absent: Mapping[str, str], missing: Sequence[str]) -> RolesMissing:
    said = [
        f"There is no column {quoted(name)} for the role {role}{hint(name, columns)}." for role, name in absent.items()
    ]
    if missing:
        said.append(f"No column was found for: {', '.join(missing)}.")
    roles = (*absent, *missing)
    said.append(f"The columns are: {listed(map(quoted, columns), most=_NAMES_TOLD)}.")
    if any(_plain(name).endswith(_WIDE) for name in columns):
        said.append(_OF_WIDE)
    said.append(f"Name them by hand: {' '.join(f'--column {role}=NAME' for role in roles)}.")
    return RolesMissing(" ".join(said), roles=roles, columns=columns[:_NAMES_TOLD])
