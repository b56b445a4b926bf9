"""The TOML that makes explicit how a table was understood, as `meantime inspect --write` writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from meantime import text

if TYPE_CHECKING:
    from meantime.dataset.snapshot import About

_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)  # as TOML writes them
# Questions for which a line is prepared that says which values are good.
_QUESTIONS = 20


def describe(about: About, said: Mapping[str, str]) -> str:
    """Return the TOML of a table: everything that was decided, with the reason, so that a change of it is one word.

    Reading the table with it gives the same content. ``said`` are the settings of ``--set``.
    """
    files = _comment(text.listed(about.files, most=3))
    lines = [f"# How Meantime understood {files}. Change what is wrong, and inspect it again."]
    lines += [f"{key} = {value}" for key, value in _facts(about, said).items()]
    lines += ["", "[columns]"]
    for role, column in about.roles.items():
        if role not in about.constants:
            reason = f"  # {_comment(about.why[role])}" if about.why.get(role) else ""
            lines.append(f"{role} = {text.toml_text(column)}{reason}")
    if unused := [column for column in about.columns if column not in about.roles.values()]:
        lines.append(f"# not used: {_comment(', '.join(unused))}")
    lines += _polarities(about)
    return "\n".join([*lines, ""])


def _facts(about: About, said: Mapping[str, str]) -> dict[str, str]:
    """Return what holds for the whole table, as TOML."""
    facts = {"title": about.title, **{role: about.constants[role] for role in about.constants}}
    # Parquet and spreadsheets have neither; files of several encodings have no one of them.
    if about.delimiter:
        facts["delimiter"] = about.delimiter
        if "," not in about.encoding:
            facts["encoding"] = about.encoding
    facts["decimal_mark"] = about.decimal_mark
    origin = {name: getattr(about.origin, name) for name in about.origin.__struct_fields__}
    facts |= {name: told for name, told in origin.items() if told}
    written = {key: text.toml_text(value) for key, value in facts.items()}
    for key, value in said.items():
        if key == "missing":
            codes = (code.strip() for code in value.split(","))
            listed = ", ".join(code if _NUMBER.fullmatch(code) else text.toml_text(code) for code in codes)
            written[key] = f"[{listed}]"
        else:
            written[key] = value if key in ("level", "ignore_case") else text.toml_text(value)
    return written


def _polarities(about: About) -> list[str]:
    unknown = [question.text for question in about.questions if question.polarity is None]
    if not unknown:
        return []
    lines = ["", "# Whether low or high values are good is never guessed. best5, worst5 and ranking ask for it:"]
    for question in unknown[:_QUESTIONS]:
        lines += [f"# [questions.{text.toml_text(_comment(question))}]", '# polarity = "lower"']
    return lines


def _comment(words: str) -> str:
    """Return a text that ends no line of a comment."""
    return text.visible(words)
