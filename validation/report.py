"""The tables of docs/validation.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from validation.figures import Effort, Figure, Section

DOCUMENT = Path(__file__).parents[1] / "docs" / "validation.md"

_BEGIN, _END = "<!-- tables: written by make validate -->", "<!-- end of the tables -->"


def tables(sections: Sequence[Section], effort: Effort, seed: int) -> str:
    """Write all tables, with a word on how they came about."""
    judged = [figure for section in sections for figure in section.figures if figure.criterion]
    out = [figure for figure in judged if figure.misses()]
    within = [figure for figure in judged if figure.verdict == "kept within its error"]
    said = (
        f"Command: `make validate`, seed {seed}; {effort.told()}. Of {len(judged)} figures with a criterion "
        f"{len(judged) - len(out)} keep it ({len(within)} of them within two Monte Carlo errors), {len(out)} miss it."
    )
    return "\n\n".join([said, *map(_table, sections)]) + "\n"


def with_tables(page: str, text: str) -> str:
    """Put the tables into the page, between its marks."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name} has no place for the tables: {_BEGIN} and {_END}")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def missed(sections: Sequence[Section], *, errors: float) -> list[str]:
    """Name the figures that miss their criterion by more than so many Monte Carlo errors, and are not known to."""
    return [
        f"{section.title}: {', '.join(figure.names)}: {_number(figure)}, not {figure.criterion}"
        for section in sections
        for figure in section.figures
        if figure.misses(errors=errors) and not figure.known
    ]


def _table(section: Section) -> str:
    heads = (*section.heads, section.measure, "criterion", "")
    rule = "|".join(["---"] * len(section.heads) + ["---:", "---", "---"])
    rows = [(*each.names, _number(each), each.criterion, each.verdict) for each in section.figures]
    lines = [f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]
    return f"### {section.title}\n\n{section.text}\n\n" + "\n".join(lines)


def _number(figure: Figure) -> str:
    return f"{figure.percent:.2f} ± {figure.error:.2f}"
