"""The description that people write next to the data: ``data.csv.toml``.

::

    title = "Heart disease in Ruritania"
    question = "Adults with heart disease"  # of a table with one, and no column for it
    location = "Ruritania"                  # of a table of one place, and no column for it
    source = "Health Survey 2019"
    publisher = "Health Office of Ruritania"
    url = "https://health.example/heart.csv"
    license = "CC BY 4.0"
    updated = "2020-03-01"
    delimiter = ";"
    decimal_mark = ","
    thousands = "."
    missing = [-999999]
    ignore_case = true                      # "UTAH" and "Utah" are one name
    encoding = "cp1250"
    level = 90
    address = "postgresql://db.example/health?table=heart"  # of a TOML file that is itself served: where its table is
    version_query = "select max(updated) from heart"        # of a table in a database

    [columns]
    value = "Prevalence"

    [wide]                                  # columns that each have the values of a year
    first_year = ["2018", "2019"]

    [questions."Percent of adults who have had a stroke"]
    unit = "percent"
    polarity = "lower"
    topic = "Heart"

    [[breaks]]
    year = 2018
    questions = ["Percent of adults who have had a stroke"]
    reason = "interviews moved from the telephone to the web"
    source = "Health Office of Ruritania, Report 2019"

    [standards.ruritania_2021]
    title = "Ruritania's adults in 2021"
    source = "Statistical Office of Ruritania, Census 2021"
    weights = { "18 - 44" = 51.5, "45 or older" = 48.5 }
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from meantime.dataset.facts.questions import QuestionFacts
from meantime.dataset.facts.standard_populations import built_in_populations
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.reading.columns import check_roles
from meantime.dataset.reading.encodings import is_text_encoding
from meantime.dataset.snapshot import TableOrigin
from meantime.dataset.standard_population import StandardPopulation
from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid
from meantime.text import quoted

# What the file itself does not say.
_ABOUT = ("title", "question", "location", "source", "publisher", "url", "license", "updated")
_TEXTS = (*_ABOUT, "delimiter", "decimal_mark", "thousands", "encoding", "version_query", "address")
# What --set can say.
SETTABLE = (*_TEXTS[:-1], "level", "missing", "ignore_case")
_BOOLEANS = {"true": True, "false": False}

# Beyond it the shares of a sum of 200 weights could not be computed; it also leaves out infinity and NaN.
_MOST_WEIGHT = 1e15


class DeclaredBreak(msgspec.Struct, frozen=True, kw_only=True):
    """A year from which values are not comparable with earlier ones."""

    year: int  # the first year with the change
    reason: str
    source: str
    questions: tuple[str, ...] = ()  # by their full text; empty: every question of the table


class DeclaredStandard(msgspec.Struct, frozen=True, kw_only=True):
    """A standard population; its name is the key."""

    source: str
    weights: dict[str, float]  # by age group
    title: str | None = None


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What people write about a table; None where they write nothing."""

    title: str | None = None
    question: str | None = None  # of a table with one question and no column for it
    location: str | None = None  # of a table of one place and no column for it
    source: str | None = None  # where its numbers are from, such as a survey and its year
    publisher: str | None = None
    url: str | None = None
    license: str | None = None
    updated: str | None = None  # when it was published, as its publisher writes it
    columns: dict[str, str] = {}  # role -> column
    wide: dict[str, tuple[str, ...]] = {}  # one role -> the columns of values whose names are its texts
    questions: dict[str, QuestionFacts] = {}  # by the question's full text
    delimiter: str | None = None
    decimal_mark: str | None = None
    thousands: str | None = None  # what separates thousands
    missing: tuple[str | int | float, ...] = ()  # numbers and texts that stand for a missing value
    ignore_case: bool = False  # names that differ only in capital letters are one
    encoding: str | None = None  # by Python's name
    level: float | None = None  # of published limits and margins of error, in percent
    breaks: tuple[DeclaredBreak, ...] = ()
    standards: dict[str, DeclaredStandard] = {}  # by name
    address: str | None = None  # where the table is, in a TOML file that is served itself
    version_query: str | None = None  # SQL whose answer changes whenever the table in the database does

    @property
    def origin(self) -> TableOrigin:
        """Where the table is from, as far as it says."""
        return TableOrigin(**{name: getattr(self, name) or "" for name in TableOrigin.__struct_fields__})

    @property
    def populations(self) -> tuple[StandardPopulation, ...]:
        """The standard populations that it declares, by name; their groups too, whatever their order in the file."""
        return tuple(
            StandardPopulation(
                name=name,
                title=each.title or name,
                source=each.source,
                weights=dict(sorted(each.weights.items())),
            )
            for name, each in sorted(self.standards.items())
        )


def read_description(path: Path) -> Description:
    """Read the TOML file next to the data; empty if there is no such file.

    Raises:
        DescriptionInvalid: it is not TOML, or has keys or values that are not allowed; the message names all of them.
        OSError: the machine is in trouble, which says nothing about the file.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return Description()
    except OSError as error:
        if is_machine_trouble(error):
            raise
        what = f"cannot be read: {error.strerror}. Correct the file, or remove it."
        raise DescriptionInvalid(f"{path.name} {what}").for_operator(f"{path} {what}") from error
    except ValueError as error:
        what = f"is not valid TOML: {error}. Correct the file, or remove it."
        raise DescriptionInvalid(f"{path.name} {what}").for_operator(f"{path} {what}") from error
    problems = " ".join(_problems(content))
    if problems:
        raise DescriptionInvalid(f"{path.name}: {problems}").for_operator(f"{path}: {problems}")
    return msgspec.convert(content, Description)


def check_description(text: str) -> None:
    """Refuse what cannot be the TOML file of a table, before it is written.

    Raises:
        DescriptionInvalid: as of ``read_description``.
    """
    try:
        problems = _problems(tomllib.loads(text))
    except ValueError as error:
        raise DescriptionInvalid(f"This is not valid TOML: {error}.") from error
    if problems:
        raise DescriptionInvalid(" ".join(problems))


def check_settings(settings: Mapping[str, str]) -> None:
    """Refuse settings (``--set``) that do not exist, or have values that are not allowed.

    Raises:
        DescriptionInvalid: there are some; the message names all of them.
    """
    problems = [
        f"--set has no {quoted(name)}{hint(name, SETTABLE)}; it can say {', '.join(SETTABLE)}. Write anything else in "
        "the TOML file next to the data."
        for name in settings
        if name not in SETTABLE
    ]
    if problems := problems or _problems(_as_content(settings)):
        raise DescriptionInvalid(" ".join(problems))


def with_settings(description: Description, settings: Mapping[str, str]) -> Description:
    """Return the description with what was set for this run, which comes first."""
    content = _as_content(settings)
    return msgspec.structs.replace(
        description, **content | {"missing": tuple(content.get("missing", description.missing))}
    )


def _as_content(settings: Mapping[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = dict(settings)
    if "level" in content:
        with suppress(ValueError):
            content["level"] = float(content["level"])
    if "missing" in content:
        content["missing"] = [_number_or_text(each.strip()) for each in content["missing"].split(",")]
    if "ignore_case" in content:
        content["ignore_case"] = _BOOLEANS.get(content["ignore_case"], content["ignore_case"])
    if content.get("delimiter") == "\\t":
        content["delimiter"] = "\t"
    return content


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _problems(content: Mapping[str, Any]) -> list[str]:
    problems = _unknown(content, Description.__struct_fields__, "")
    columns, questions = content.get("columns", {}), content.get("questions", {})
    for name in _TEXTS:
        if name in content and not isinstance(content[name], str):
            problems.append(f"{name} must be a text in quotes.")
    level = content.get("level", 95)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 50 <= level < 100:
        problems.append("level must be a number of percent, from 50 to under 100, such as 90.")
    if not isinstance(content.get("ignore_case", False), bool):
        problems.append("ignore_case must be true or false.")
    if not problems:
        problems += _reading_problems(content)
    missing = content.get("missing", [])
    if not isinstance(missing, list) or not all(
        isinstance(each, str | int | float) and not isinstance(each, bool) for each in missing
    ):
        problems.append('missing must be a list of numbers or texts, such as [-999999, "N"].')
    problems += _texts_problems(columns, "columns")
    if isinstance(columns, dict):
        problems += _role_problems(columns)
    problems += _wide_problems(content.get("wide", {}))
    problems += _break_problems(content.get("breaks", []))
    problems += _standard_problems(content.get("standards", {}))
    if not isinstance(questions, dict):
        return [*problems, 'questions must be tables, such as [questions."full text of the question"].']
    for question, facts in questions.items():
        where = f"questions.{quoted(question)}"
        problems += _texts_problems(facts, where)
        if isinstance(facts, dict):
            problems += _unknown(facts, QuestionFacts.__struct_fields__, f"{where}.")
            if facts.get("polarity", "lower") not in ("lower", "higher"):
                problems.append(
                    f'{where}.polarity must be "lower" (low values are good) or "higher" (high values are good).'
                )
    return problems


def _unknown(content: Mapping[str, Any], known: Sequence[str], where: str) -> list[str]:
    return [
        f"Unknown key {where}{quoted(name)}{hint(name, known)}; the keys are {', '.join(known)}."
        for name in content
        if name not in known
    ]


def _texts_problems(table: Any, where: str) -> list[str]:
    if not isinstance(table, dict):
        return [f"{where} must be a table of texts, such as [{where}]."]
    return [f"{where}.{name} must be a text in quotes." for name, value in table.items() if not isinstance(value, str)]


def _role_problems(columns: Mapping[str, str]) -> list[str]:
    try:
        check_roles(columns)
    except DescriptionInvalid as error:
        return [error.reason]
    return []


def _wide_problems(wide: Any) -> list[str]:
    if not isinstance(wide, dict):
        return ['wide must be a table, such as [wide] with first_year = ["2018", "2019"] below it.']
    if len(wide) > 1:
        return [f"wide must have one role; it has {', '.join(wide)}."]
    problems = [
        f'wide.{role} must be a list of names of columns, such as ["2018", "2019"].'
        for role, names in wide.items()
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names)
    ]
    return (
        problems
        + _role_problems({role: "" for role in wide if role != "value"})
        + [
            "wide.value cannot be: the columns hold the values. Name the role that their names have, such as "
            "first_year, question or stratum."
            for role in wide
            if role == "value"
        ]
    )


def _break_problems(breaks: Any) -> Iterator[str]:
    if not isinstance(breaks, list) or not all(isinstance(each, dict) for each in breaks):
        yield "breaks must be tables, each under a line [[breaks]]."
        return
    for number, each in enumerate(breaks, 1):
        where = f"breaks, entry {number}"
        yield from _unknown(each, DeclaredBreak.__struct_fields__, f"{where}: ")
        year = each.get("year")
        if type(year) is not int or not 0 < year < 10_000:
            yield f"{where}: year must be a whole number: the first year with the change, such as 2018."
        yield from _missing_texts(each, ("reason", "source"), f"{where}: ")
        questions = each.get("questions", [])
        if not isinstance(questions, list) or not all(isinstance(text, str) for text in questions):
            yield f"{where}: questions must be a list of full texts; leave it out if all questions have the break."


def _standard_problems(standards: Any) -> Iterator[str]:
    if not isinstance(standards, dict):
        yield "standards must be tables, such as [standards.name_of_the_population]."
        return
    for name, each in standards.items():
        where = f"standards.{quoted(name)}"
        if name in built_in_populations() or "=" in name or not name.strip():
            built_in = ", ".join(built_in_populations())
            yield f"{where}: choose another name, not empty, without an equals sign, and not one of {built_in}."
        if not isinstance(each, dict):
            yield f"{where} must be a table with source and weights."
            continue
        yield from _unknown(each, DeclaredStandard.__struct_fields__, f"{where}.")
        yield from _missing_texts(each, ("source",), f"{where}.")
        if "title" in each:
            yield from _missing_texts(each, ("title",), f"{where}.")
        weights = each.get("weights")
        if not isinstance(weights, dict) or not weights or not all(map(_is_weight, weights.values())):
            yield f'{where}.weights must give each age group a number of 0 or more, such as "18 - 44" = 51.5.'
        elif not any(weights.values()):
            yield f"{where}.weights are all 0. At least one must be larger."


def _missing_texts(table: Mapping[str, Any], names: Sequence[str], where: str) -> Iterator[str]:
    for name in names:
        if not isinstance(table.get(name), str) or not table[name].strip():
            yield f"{where}{name} must be a text in quotes."


def _is_weight(weight: Any) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= _MOST_WEIGHT


def _reading_problems(content: Mapping[str, str]) -> list[str]:
    problems = []
    delimiter = content.get("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ' or not delimiter.isascii():
        problems.append('delimiter must be one ASCII character, such as ";" or "\\t"; not a quote, space or line end.')
    if content.get("decimal_mark", ".") not in (".", ","):
        problems.append('decimal_mark must be "." or ",".')
    if (thousands := content.get("thousands", " ")) not in (",", ".", " ", "'"):
        problems.append('thousands must be ",", ".", " " or "\'".')
    elif thousands == content.get("decimal_mark"):
        problems.append("thousands and decimal_mark must be two different marks.")
    encoding = content.get("encoding", "utf-8")
    if not is_text_encoding(encoding):
        problems.append(
            f"encoding {quoted(encoding)} is not one that a file of text can have; write for example "
            '"utf-8", "cp1252" or "utf-16".'
        )
    return problems
