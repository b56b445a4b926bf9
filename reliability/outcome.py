"""What a harness has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """A row of docs/reliability.md."""

    fault: str
    tried: str
    violations: Sequence[str]
    command: str = ""

    def __str__(self) -> str:
        lines = [f"{self.fault}: {self.tried}; {len(self.violations)} violations"]
        return "\n  ".join([*lines, *self.violations[:10]])
