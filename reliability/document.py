"""The table of docs/reliability.md, a row for each harness: the row of the last run that was written."""

from __future__ import annotations

from pathlib import Path

from reliability.outcome import Outcome

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- rows -->\n", "<!-- end -->"


def write(name: str, outcome: Outcome, command: str, document: Path = DOCUMENT) -> None:
    """Put the row of an outcome in the place of the one that the same harness had before, or at the end."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    rows, _, after = rest.partition(_END)
    row = f"| {outcome.fault} | {outcome.tried} | {len(outcome.violations)} | `{command}` |"
    lines = rows.splitlines()
    head, kept = lines[:2], lines[2:]
    mark = f"python -m reliability {name} "
    if any(mark in line for line in kept):
        kept = [row if mark in line else line for line in kept]
    else:
        kept.append(row)
    document.write_text(f"{before}{_BEGIN}{chr(10).join([*head, *kept])}\n{_END}{after}", encoding="utf-8")
