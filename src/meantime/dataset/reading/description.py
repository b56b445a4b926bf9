"""The description that people write next to the data: ``data.csv.toml``.

::

    title = "Heart disease in Ruritania"
    delimiter = ";"
    decimal_mark = ","
    encoding = "cp1250"
    level = 90

    [columns]
    value = "Prevalence"

    [questions."Percent of adults who have had a stroke"]
    unit = "percent"
    polarity = "lower"
    topic = "Heart"
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from meantime.dataset.facts.questions import QuestionFacts
from meantime.dataset.reading.columns import check_roles
from meantime.did_you_mean import hint
from meantime.errors import DescriptionInvalid
from meantime.text import quoted


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What people write about a table; None where they write nothing."""

    title: str | None = None
    columns: dict[str, str] = {}  # role -> column
    questions: dict[str, QuestionFacts] = {}  # by the question's full text
    delimiter: str | None = None
    decimal_mark: str | None = None
    encoding: str | None = None  # by Python's name
    level: float | None = None  # of published limits and margins of error, in percent


def read_description(path: Path) -> Description:
    """Read the TOML file next to the data; empty if there is no such file.

    Raises:
        DescriptionInvalid: it is not TOML, or has keys or values that are not allowed; the message names all of them.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return Description()
    except (OSError, ValueError) as error:
        raise DescriptionInvalid(f"{path} is not valid TOML: {error}. Correct the file, or remove it.") from error
    problems = _problems(content)
    if problems:
        raise DescriptionInvalid(f"{path}: {' '.join(problems)}")
    return msgspec.convert(content, Description)


def _problems(content: Mapping[str, Any]) -> list[str]:
    problems = _unknown(content, Description.__struct_fields__, "")
    columns, questions = content.get("columns", {}), content.get("questions", {})
    for name in ("title", "delimiter", "decimal_mark", "encoding"):
        if name in content and not isinstance(content[name], str):
            problems.append(f"{name} must be a text in quotes.")
    level = content.get("level", 95)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 50 <= level < 100:
        problems.append("level must be a number of percent, from 50 to under 100, such as 90.")
    if not problems:
        problems += _reading_problems(content)
    problems += _texts_problems(columns, "columns")
    if isinstance(columns, dict):
        problems += _role_problems(columns)
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


def _reading_problems(content: Mapping[str, str]) -> list[str]:
    problems = []
    delimiter = content.get("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ' or not delimiter.isascii():
        problems.append('delimiter must be one ASCII character, such as ";" or "\\t"; not a quote, space or line end.')
    if content.get("decimal_mark", ".") not in (".", ","):
        problems.append('decimal_mark must be "." or ",".')
    encoding = content.get("encoding", "utf-8")
    try:
        # Not codecs.lookup: it also accepts codecs that do not give text, or cannot decode in pieces.
        io.TextIOWrapper(io.BytesIO(), encoding)
    except (LookupError, ValueError):
        problems.append(f'Unknown encoding {quoted(encoding)}; write for example "utf-8", "cp1252" or "utf-16".')
    return problems
