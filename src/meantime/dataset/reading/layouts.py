"""Which form a table has: a row for each number, or columns for years, groups or measures that have to be turned.

A table is turned where its header leaves no doubt, or where its description says how (``[wide]``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from meantime.dataset.facts.column_names import (
    NAME_LENGTH,
    SPELLINGS,
    find_form,
    group_category,
    is_period_name,
    period_in,
    plain_name,
    says_what_is_measured,
    split_period,
    without_percent,
)
from meantime.dataset.facts.titles import is_called_everybody
from meantime.dataset.reading.arrangement import Arrangement, Cell, as_in_file, free_name
from meantime.dataset.reading.columns import NUMBERS, ROLES, recognize
from meantime.dataset.reading.evidence import Evidence
from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid
from meantime.text import count, listed, quoted

# A single column may be called as a year for another reason.
_FEWEST_COLUMNS = 2
# Eurostat's first column: "unit,sex,age,geo\TIME_PERIOD".
_PACKED = re.compile(r"([^\\]+)\\\s*([\w ]+)")
# SDMX-CSV with labels=both: "REF_AREA: Reference area", and "DNK: Denmark" below it.
_CODE_AND_NAME = re.compile(r"[A-Za-z_]\w*: ?(\S.*)")
# The Census Bureau's "S1901_C01_001E", "DP03_0001PM" and "B19013_001M": an estimate, or the margin of error of one.
_CENSUS = re.compile(r"([A-Z]+\d+\w*_\w*\d{3})(P?)([EM])")
_CENSUS_LEVEL = 90.0
_WORD_STARTS = re.compile(r"(?<![^\W_])[^\W_]|\(?%\)?$")
# Of what is measured, at the end of the name of a column: "upper 95% confidence limit".
_MOST_WORDS = 5
_ROLE_OF = {name: role for role in NUMBERS for name in SPELLINGS[role]}
# What the column is called that the names of columns become, by the role that they have.
_NAMES = {"question": "Question", "first_year": "Year", "stratum": "Group", "location": "Location"}


def find_layout(
    columns: Sequence[str],
    *,
    labels: Sequence[str],
    records: Sequence[Sequence[str]],
    by_hand: Mapping[str, str],
    wide: Mapping[str, Sequence[str]],
) -> Arrangement:
    """Return how a file becomes a table with a row for each number.

    ``labels`` is the second line of its header, if it has one; ``records`` are some of its rows; ``by_hand`` are roles
    and ``wide`` the columns that are turned, as people wrote them.

    Raises:
        DescriptionInvalid: a column that is to be turned does not exist.
    """
    if wide:
        return _declared(columns, wide)
    base = _unpacked(columns) or _renamed(columns) or _without_codes(columns) or as_in_file(columns)
    evidence = base.evidence(records)
    return (
        _census(base, labels)
        or _years(base, evidence, by_hand)
        or _roles_by_year(base, evidence, by_hand)
        or _measures_by_year(base, evidence, by_hand)
        or _roles_by_name(base, labels, evidence, by_hand)
        or _groups(base, evidence, by_hand)
        or _measures(base, evidence, by_hand)
        or base
    )


def _declared(columns: Sequence[str], wide: Mapping[str, Sequence[str]]) -> Arrangement:
    role, names = next(iter(wide.items()))
    if absent := [name for name in names if name not in columns]:
        raise DescriptionInvalid(
            f"[wide] names columns that the table does not have: "
            f"{listed(quoted(name) + hint(name, columns) for name in absent)}."
        )
    texts = {name: period_in(name) if role == "first_year" else name.strip() for name in names}
    return _turn(as_in_file(columns), texts, _NAMES.get(role, role.replace("_", " ").capitalize()), role, ())


def _unpacked(columns: Sequence[str]) -> Arrangement | None:
    """Take apart the first column of Eurostat's TSV files."""
    packed = _PACKED.fullmatch(columns[0].strip())
    if packed is None or len(columns) < 2 or not all(map(is_period_name, columns[1:])):
        return None
    names = [name.strip() for name in packed[1].split(",")]
    return Arrangement(
        columns=(*names, *columns[1:]),
        fixed=(*(Cell(0, piece=at) for at in range(len(names))), *(Cell(at) for at in range(1, len(columns)))),
        said=(f"The first column packs {listed(map(quoted, names))}; each was read as a column of its own.",),
    )


def _renamed(columns: Sequence[str]) -> Arrangement | None:
    r"""Take the name of the last dimension where columns of years follow it, as in Eurostat's tables: "geo\time"."""
    at = next((at for at, name in enumerate(columns) if _PACKED.fullmatch(name.strip())), None)
    if at is None or at + 1 == len(columns) or not all(map(is_period_name, columns[at + 1 :])):
        return None
    name = columns[at].partition("\\")[0].strip()
    if name in columns:
        return None
    return replace(as_in_file(columns), columns=(*columns[:at], name, *columns[at + 1 :]))


def _without_codes(columns: Sequence[str]) -> Arrangement | None:
    """Read only the names where each field has a code and a name, as in SDMX-CSV with both."""
    matches = [_CODE_AND_NAME.fullmatch(column.strip()) for column in columns]
    names = [match[1].strip() if match else column for match, column in zip(matches, columns, strict=True)]
    if sum(match is not None for match in matches) < 3 or len(set(names)) < len(names):
        return None
    # The names of these columns are in the publisher's language, their codes in none.
    codes = [
        column.partition(":")[0].strip() if match else column for match, column in zip(matches, columns, strict=True)
    ]
    is_sdmx = {"TIME_PERIOD", "OBS_VALUE"} <= set(codes)
    return Arrangement(
        columns=tuple(codes if is_sdmx and len(set(codes)) == len(codes) else names),
        fixed=tuple(Cell(at, is_label=match is not None) for at, match in enumerate(matches)),
        said=('The fields are "code: name"; the names were read.',),
    )


def _census(base: Arrangement, labels: Sequence[str]) -> Arrangement | None:
    """Turn a table of the Census Bureau: a column for each estimate and each margin of error."""
    if plain_name(base.columns[0]) not in ("geoid", "name") and "NAME" not in base.columns:
        return None
    found = {at: match for at, name in enumerate(base.columns) if (match := _CENSUS.fullmatch(name.strip()))}
    kinds = {(match[1], match[2], match[3]): at for at, match in found.items()}
    estimates = [(key, part) for key, part, kind in kinds if kind == "E"]
    if len(estimates) < 1 or not base.is_as_in_file:
        return None
    # Annotations of estimates and margins (EA, MA) are no estimates.
    is_annotation = [re.fullmatch(_CENSUS.pattern + "A", name.strip()) is not None for name in base.columns]
    kept = [at for at in range(len(base.columns)) if at not in found and not is_annotation[at] and base.columns[at]]
    turned = []
    for key, part in estimates:
        at = kinds[key, part, "E"]
        margin = kinds.get((key, part, "M"))
        text = _census_label(labels[at]) if labels else base.columns[at].strip()
        turned.append((Cell(text=text), Cell(at), Cell(margin) if margin is not None else Cell(text="")))
    question, value, moe = (
        free_name(name, base.columns, "turned") for name in ("Question", "Value", "Margin of error")
    )
    roles = {"question": question, "value": value, "margin_of_error": moe}
    if name := next((base.columns[at] for at in kept if plain_name(base.columns[at]) == "name"), None):
        roles["location"] = name
    return Arrangement(
        columns=(*(base.columns[at] for at in kept), question, value, moe),
        fixed=tuple(Cell(at) for at in kept),
        turned=tuple(turned),
        roles=roles,
        level=_CENSUS_LEVEL,
        said=(
            f"The table has {count(len(turned), 'column')} of estimates; each was read as a question, with its "
            "margin of error (90%, as the Census Bureau publishes them).",
        ),
    )


def _census_label(label: str) -> str:
    """Write the label of a column in words.

    >>> _census_label("Estimate!!Total:!!Male:")
    'Total: Male'
    """
    parts = [part.strip().rstrip(":") for part in label.split("!!")]
    return ": ".join(
        part for at, part in enumerate(parts) if part and (at or part not in ("Estimate", "Percent Estimate"))
    )


def _years(base: Arrangement, evidence: Evidence, by_hand: Mapping[str, str]) -> Arrangement | None:
    names = [name for name in base.columns if is_period_name(name)]
    others = [name for name in base.columns if name not in names]
    if len(names) < _FEWEST_COLUMNS or not others or _has_value(others, by_hand, evidence):
        return None
    if evidence.rows and not any(map(evidence.has_numbers, names)):
        return None
    said = (
        f"The table has a column for each of {len(names):,} periods ({quoted(names[0].strip())} and so on); each "
        "number was read as a row."
    )
    is_packed = not base.is_as_in_file
    year = "TIME_PERIOD" if is_packed else "Year"
    value = "OBS_VALUE" if is_packed else "Value"
    return _turn(base, {name: period_in(name) for name in names}, year, "first_year", (said,), value=value)


def _roles_by_year(base: Arrangement, evidence: Evidence, by_hand: Mapping[str, str]) -> Arrangement | None:
    """Turn columns such as "Rate 2019", "Lower 2019" and "Rate 2020": years of a value, and of what belongs to it."""
    found = {parts: at for at, name in enumerate(base.columns) if (parts := split_period(name))[1]}
    kept = [at for at, name in enumerate(base.columns) if at not in found.values() and name.strip()]
    others = [base.columns[at] for at in kept]
    names, years = list(dict.fromkeys(name for name, _ in found)), list(dict.fromkeys(year for _, year in found))
    roles = {role: name for role, name in recognize(names, {}).items() if role in NUMBERS}
    # A single name that says what is measured is a question.
    is_one_value = len(roles) == len(names) and "value" in roles
    is_question = len(names) == 1 and "question" not in recognize(others, by_hand) and says_what_is_measured(names[0])
    if len(years) < _FEWEST_COLUMNS or not others or not is_one_value or is_question:
        return None
    if len(found) < len(names) * len(years) or _has_value(others, by_hand, evidence):
        return None
    if not _hold_numbers([base.columns[found[roles["value"], year]] for year in years], evidence):
        return None
    year_name = free_name("Year", [*others, *names], "turned")
    return Arrangement(
        columns=(*others, year_name, *names),
        fixed=tuple(base.fixed[at] for at in kept),
        turned=tuple((Cell(text=year), *(base.fixed[found[name, year]] for name in names)) for year in years),
        roles={**base.roles, **roles, "first_year": year_name, "last_year": year_name},
        said=(
            *base.said,
            f"The table has columns for each of {len(years):,} years "
            f"({quoted(base.columns[min(found.values())])} and so on); each number was read as a row.",
        ),
    )


def _measures_by_year(base: Arrangement, evidence: Evidence, by_hand: Mapping[str, str]) -> Arrangement | None:
    """Turn columns such as "Smoking 2019" and "Smoking 2020": the question and the year are in their names."""
    found = {at: split_period(name) for at, name in enumerate(base.columns)}
    found = {at: parts for at, parts in found.items() if parts[1]}
    kept = [at for at, name in enumerate(base.columns) if at not in found and name.strip()]
    others = [base.columns[at] for at in kept]
    if len({year for _, year in found.values()}) < _FEWEST_COLUMNS or not others:
        return None
    names = {question for question, _ in found.values()}
    # Names of limits or respondents are no questions.
    if recognize(sorted(names), {}).keys() - {"value"} or _has_value(others, by_hand, evidence):
        return None
    if not _hold_numbers([base.columns[at] for at in found], evidence):
        return None
    question, year, value = (free_name(name, others, "turned") for name in ("Question", "Year", "Value"))
    return Arrangement(
        columns=(*others, question, year, value),
        fixed=tuple(base.fixed[at] for at in kept),
        turned=tuple((Cell(text=name), Cell(text=of), base.fixed[at]) for at, (name, of) in found.items()),
        roles={"question": question, "value": value, "first_year": year, "last_year": year},
        said=(
            *base.said,
            f"The table has a column for each of {len(found):,} questions and years "
            f"({quoted(base.columns[min(found)])} and so on); each number was read as a row.",
        ),
    )


def _groups(base: Arrangement, evidence: Evidence, by_hand: Mapping[str, str]) -> Arrangement | None:
    groups = {name: without_percent(name) for name in base.columns if group_category(name)}
    others = [name for name in base.columns if name not in groups]
    category = _way_to_divide(groups)
    if len(groups) < _FEWEST_COLUMNS or not category or not others or _has_value(others, by_hand, evidence):
        return None
    if not _hold_numbers(groups, evidence):
        return None
    said = f"The columns {listed(map(quoted, groups))} are groups; each number was read as a row."
    return _turn(base, groups, category, "stratum", (said,))


def _way_to_divide(names: Collection[str]) -> str:
    """Return what these groups divide people by; "" if some are no groups that are known, or of another division."""
    found = {group_category(name) or "" for name in names if not is_called_everybody(without_percent(name))}
    return found.pop() if len(found) == 1 else ""


def _measures(base: Arrangement, evidence: Evidence, by_hand: Mapping[str, str]) -> Arrangement | None:
    """Take the columns of a publisher's table that have no role for measures."""
    form = find_form(base.columns)
    if form is None or not form.measures or "value" in by_hand:
        return None
    known = {plain_name(name) for name in form.columns}
    names = [
        name
        for name in base.columns
        if plain_name(name) not in known
        and name not in by_hand.values()
        and name.strip()
        and (not evidence.rows or evidence.has_numbers(name))
    ]
    if not names:
        return None
    if len(names) == 1:
        roles = {"value": names[0]}
        return Arrangement(columns=base.columns, fixed=base.fixed, roles=roles, said=base.said)
    said = f"Each of the columns {listed(map(quoted, names))} was read as a question."
    return _turn(base, {name: name.strip() for name in names}, "Question", "question", (said,))


def _roles_by_name(
    base: Arrangement, labels: Sequence[str], evidence: Evidence, by_hand: Mapping[str, str]
) -> Arrangement | None:
    """Turn columns such as "Smoking percent", "Smoking CI low" and "Obesity percent": values with what belongs to them.

    A value may be called without a word for it: "Smoking", beside "Smoking CI low".

    What their names begin with are groups, if they are known as such; places, where another column has the questions;
    otherwise questions.
    """
    if _has_value(base.columns, by_hand, evidence):
        return None
    split = {at: parts for at, name in enumerate(base.columns) if (parts := _split_role(name)) is not None}
    found: dict[str, dict[str, int]] = {}
    for at, (name, role) in split.items():
        found.setdefault(name, {}).setdefault(role, at)
    for at, column in enumerate(base.columns):
        if (own := found.get(column.strip())) is not None:
            own.setdefault("value", at)
    found = {name: at for name, at in found.items() if "value" in at}
    roles = [role for role in NUMBERS if any(role in at for at in found.values())]
    used = {at for each in found.values() for at in each.values()}
    kept = [at for at, name in enumerate(base.columns) if at not in used and name.strip()]
    others = [base.columns[at] for at in kept]
    if len(roles) < _FEWEST_COLUMNS or not others:
        return None
    if not _hold_numbers([base.columns[at["value"]] for at in found.values()], evidence):
        return None
    known = recognize(others, by_hand, evidence).keys() | by_hand.keys()
    category = _way_to_divide(found)
    role = "stratum" if category else "location" if "question" in known else "question"
    if not category and role in known:
        return None  # they may be anything
    in_words = {name: _split_role(labels[at["value"]]) for name, at in found.items()} if labels else {}
    texts = {name: (in_words.get(name) or (name,))[0] for name in found}
    heading = category or _NAMES[role]
    name, *numbers = (
        free_name(each, others, "turned")
        for each in (heading, *(role.replace("_", " ").capitalize() for role in roles))
    )
    return Arrangement(
        columns=(*others, name, *numbers),
        fixed=tuple(base.fixed[at] for at in kept),
        turned=tuple(
            (Cell(text=texts[each]), *(base.fixed[at[role]] if role in at else Cell() for role in roles))
            for each, at in found.items()
        ),
        roles={**base.roles, role: name, **dict(zip(roles, numbers, strict=True))},
        said=(
            *base.said,
            f"The table has a column of values for each of {listed(map(quoted, texts.values()), most=3)}, with columns "
            f"of what belongs to them; each value was read as a row, with these as its {role}.",
        ),
    )


def _split_role(name: str) -> tuple[str, str] | None:
    """Return what a column of numbers is about, and which role the end of its name stands for.

    >>> _split_role("Smoking CI low"), _split_role("v009_rawvalue"), _split_role("Avalon!!Margin of Error")
    (('Smoking', 'low'), ('v009', 'value'), ('Avalon', 'margin_of_error'))
    >>> _split_role("Confidence limit low"), _split_role("Smoking")
    (None, None)
    """
    if len(name) > NAME_LENGTH:
        return None
    text = name.strip()
    for start in [match.start() for match in _WORD_STARTS.finditer(text)][-_MOST_WORDS:]:
        if role := _ROLE_OF.get(plain_name(text[start:])):
            about = text[:start].strip(" _.,:;!(-")
            return (about, role) if about else None
    return None


def _hold_numbers(columns: Collection[str], evidence: Evidence) -> bool:
    """Whether these are columns of numbers as far as the rows show: some may have nothing but missing ones."""
    if not evidence.rows:
        return True
    return any(map(evidence.has_numbers, columns)) and all(map(evidence.may_have_numbers, columns))


def _has_value(columns: Sequence[str], by_hand: Mapping[str, str], evidence: Evidence) -> bool:
    return "value" in by_hand or "value" in recognize(columns, {}, evidence)


def _turn(
    base: Arrangement,
    texts: Mapping[str, str],
    name: str,
    role: str,
    said: Sequence[str],
    *,
    value: str = "Value",
) -> Arrangement:
    """Make a row of each of these columns; the text that stands for it goes to a new column, which has the role."""
    cells = dict(zip(base.columns, base.fixed, strict=True))
    # Columns without a name, as at the end of the World Bank's files, are empty.
    kept = [column for column in base.columns if column not in texts and column.strip()]
    name, value = free_name(name, kept, "turned"), free_name(value, kept, "turned")
    roles = {**base.roles, role: name, "value": value}
    if role == "first_year":
        roles["last_year"] = name
    return Arrangement(
        columns=(*kept, name, value),
        fixed=tuple(cells[column] for column in kept),
        turned=tuple((Cell(text=text), cells[column]) for column, text in texts.items()),
        roles={each: roles[each] for each in ROLES if each in roles},
        said=(*base.said, *said),
    )
