"""What the columns of tables are called: names for each role, and the headers of large publishers.

Data, in ``column_names.toml``. Names are compared by their letters and digits, in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import msgspec

from meantime.dataset.facts.conversion import table_of_facts

# Names are compared by this many characters: a header can be megabytes of one name.
NAME_LENGTH = 120
# With more columns than these, a publisher's header leaves no doubt, even if one of them was renamed.
_ENOUGH_COLUMNS = 4
# "2019", "2019 ", R's "X2019", Stata's "yr2019", the World Bank's "2019 [YR2019]", a spreadsheet's "2019.0", "2019/20".
_PERIOD = re.compile(
    r"\s*(?:[XY]|FY ?|yr_?)?((?:18|19|20|21)\d\d)(?:\.0)?(?:\s*\[YR\d{4}\]|\s?[-/–]\s?\d{2}(?:\d\d)?)?\s*",
    re.ASCII | re.I,
)
_WITH_PERIOD = re.compile(r"(.*[^\W\d].*?|%)[\s_.,:(-]{1,3}((?:19|20)\d\d)\)?", re.ASCII)
_PERIOD_FIRST = re.compile(r"((?:19|20)\d\d)[\s_.,:-]{1,3}([^\W\d].*|%)", re.ASCII)
# "18-24", "18 to 24 years", "65+", "Under 18", "85 and over".
_AGES = re.compile(
    r"(?:aged? )?(?:\d{1,2} ?(?:-|\u2013|to) ?\d{1,3}|\d{1,3} ?\+|(?:under|below|<) ?\d{1,3}"
    r"|\d{1,3}(?: years)? (?:and|or) (?:over|older|above))(?: ?(?:years|yrs?))?",
    re.ASCII | re.I,
)
_ID = re.compile(r".*(?:id|code|fips|year|number|num)|decimals?")


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header of a publisher's tables."""

    name: str
    address: str
    columns: tuple[str, ...]  # by which it is known
    roles: dict[str, tuple[str, ...]] = {}  # role -> names of columns, the likeliest first
    dimensions: tuple[str, ...] | None = None  # the columns that divide nothing; None where others do not either
    measures: bool = False  # each column without a role is a measure of its own
    totals: str | None = None  # the column in which "Total" marks rows that add up others
    location: str | None = None  # the one place of a table without a column for it
    level: float | None = None  # of its intervals, in percent, where it is another one than 95
    everyone: tuple[str, ...] = ()  # the categories whose strata are no groups: they repeat the place
    normal: tuple[str, ...] = ()  # what its flags and footnotes say of a value of which there is nothing to say


class _Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    spellings: dict[str, tuple[str, ...]]
    divisions: dict[str, tuple[str, ...]]
    unspecific: dict[str, tuple[str, ...]]
    groups: dict[str, tuple[str, ...]]
    within: dict[str, tuple[str, ...]]
    pairs: dict[str, str]
    forms: tuple[Form, ...]


@cache
def _known() -> _Names:
    return table_of_facts("column_names.toml", _Names)


SPELLINGS = _known().spellings
DIVISIONS = _known().divisions["names"]
CATEGORY_OF = _known().pairs  # the name of a stratum's column -> that of its category's beside it
SMALL_PLACES, LARGE_PLACES = _known().within["small"], _known().within["large"]
_GROUPS = {name: category for category, names in _known().groups.items() for name in names}


def plain_name(name: str) -> str:
    """Keep letters and digits only, in lower case; "" for what is too long for a name.

    >>> plain_name(" High_Confidence_Limit "), plain_name("Race/Ethnicity"), plain_name("(%)")
    ('highconfidencelimit', 'raceethnicity', 'percent')
    """
    if name.strip(" ()") == "%":
        return "percent"
    # No name is longer; one of megabytes is not worth the time.
    return "".join(filter(str.isalnum, name)).casefold() if len(name) <= NAME_LENGTH else ""


def find_form(columns: Sequence[str]) -> Form | None:
    """Return the publisher's form that this header has; None if it is none that is known.

    >>> find_form(("Year", "Code", "Entity", "Obesity")).name
    'Our World in Data'
    >>> find_form(("Year", "Country", "Obesity")) is None
    True
    """
    names = {plain_name(column) for column in columns}
    best, fewest_missing = None, 2
    for form in _known().forms:
        missing = sum(not names & set(map(plain_name, column.split("|"))) for column in form.columns)
        if missing < fewest_missing and missing <= (len(form.columns) > _ENOUGH_COLUMNS):
            best, fewest_missing = form, missing
    return best


def remarks_of_none(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the flags and footnotes that say nothing, in the tables of the publisher whose header this is.

    >>> remarks_of_none(("REF_AREA", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"))[0]
    'A'
    """
    form = find_form(columns)
    return form.normal if form else ()


def categories_of_everyone(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the categories whose strata are all people of a place, in the tables of the publisher of this header.

    >>> categories_of_everyone(("Group", "Subgroup", "Phase", "Time Period Label", "Low CI", "High CI"))
    ('National Estimate', 'By State')
    """
    form = find_form(columns)
    return form.everyone if form else ()


def is_spelling_of(role: str, name: str) -> bool:
    """Whether a column's name is one that is known for a role.

    >>> is_spelling_of("location", "County_Name"), is_spelling_of("value", "County_Name")
    (True, False)
    """
    return plain_name(name) in SPELLINGS.get(role, ())


def says_what_is_measured(name: str) -> bool:
    """Whether the name of a column of values can be a question.

    >>> says_what_is_measured("Adults with obesity (%)"), says_what_is_measured("Percent")
    (True, False)
    """
    return plain_name(name) not in ("", *_known().unspecific["names"])


def is_id_name(name: str) -> bool:
    """Whether a column of numbers is called as codes, years or numbers of lines, which are no values.

    >>> is_id_name("CountyFIPS"), is_id_name("STUB_NAME_NUM"), is_id_name("Deaths")
    (True, True, False)
    """
    return _ID.fullmatch(plain_name(name)) is not None


def split_period(name: str) -> tuple[str, str]:
    """Return what a column is called beside a year at its end or its beginning, and the year; "" where there is none.

    >>> split_period("Smoking 2019"), split_period("pop_2020"), split_period("2019"), split_period("Ward 12")
    (('Smoking', '2019'), ('pop', '2020'), ('', ''), ('', ''))
    >>> split_period("2019 Rate"), split_period("2019 %")
    (('Rate', '2019'), ('%', '2019'))
    """
    if len(name) > NAME_LENGTH:
        return "", ""
    if match := _WITH_PERIOD.fullmatch(name.strip()):
        return match[1], match[2]
    match = _PERIOD_FIRST.fullmatch(name.strip())
    return (match[2], match[1]) if match else ("", "")


def is_period_name(name: str) -> bool:
    """Whether a column is called as a year, so that it has the values of that year.

    >>> [is_period_name(name) for name in ("2019", " 2019 ", "X2019", "2019 [YR2019]", "2019/20", "2019 total")]
    [True, True, True, True, True, False]
    """
    return len(name) <= NAME_LENGTH and _PERIOD.fullmatch(name) is not None


def period_in(name: str) -> str:
    """Return the period that a column is called as, without what a program added to it.

    >>> period_in("X2019"), period_in("2019 [YR2019]"), period_in("2019/20 ")
    ('2019', '2019', '2019/20')
    """
    text = re.sub(r"\s*\[YR\d{4}\]|\.0$", "", name.strip())
    return re.sub(r"^(?:[XY]|FY ?|yr_?)(?=\d)", "", text, flags=re.IGNORECASE)


def group_category(name: str) -> str | None:
    """Return how the group that a column is called as divides people; None if it is no group that is known.

    >>> group_category("Female"), group_category("Women (%)"), group_category("Obesity") is None
    ('Sex', 'Sex', True)
    >>> [group_category(name) for name in ("Non-Hispanic Black", "18-24", "65 and older", "2019-20", "Ward 12")]
    ['Race/Ethnicity', 'Age', 'Age', None, None]
    """
    return "Age" if _AGES.fullmatch(without_percent(name[:NAME_LENGTH])) else _GROUPS.get(plain_name(name))


def is_percent_name(name: str) -> bool:
    """Whether a column is called as one of percents.

    >>> [is_percent_name(name) for name in ("Percent", "pct", "%", "Adults with obesity (%)", "Percentile", "Rate")]
    [True, True, True, True, False, False]
    """
    return name.strip().endswith(("%", "%)")) or plain_name(name) in ("percent", "percentage", "pct")


def without_percent(name: str) -> str:
    """Return the name of a column without the sign that says that its numbers are percents.

    >>> without_percent("Female (%)"), without_percent(" Men % "), without_percent("Obesity")
    ('Female', 'Men', 'Obesity')
    """
    return re.sub(r"\s*(?:\(%\)|%)$", "", name.strip())
