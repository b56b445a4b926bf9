"""The acceptance by simulation, small: clear misses fail, and docs/validation.md is of the simulations that there are.

The seed is fixed, so nothing here flakes; that a criterion is missed by four Monte Carlo errors happens by chance once
in tens of thousands of figures, should a new numpy draw other numbers.
"""

from __future__ import annotations

import re

import pytest

from validation.__main__ import SIMULATIONS, SMALL_RUN_ERRORS
from validation.figures import SMALL, Figure, Section, Simulation, share
from validation.report import DOCUMENT, missed, tables, with_tables

SEED = 1


@pytest.mark.thorough
@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_no_criterion_is_clearly_missed(simulation: Simulation) -> None:
    section = simulation(SMALL, SEED)
    assert section.figures
    assert missed([section], errors=SMALL_RUN_ERRORS) == []
    # The document was written by a full run of these very simulations.
    assert f"\n### {section.title}\n" in DOCUMENT.read_text(encoding="utf-8")


def test_the_document_hides_no_miss() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    match = re.search(r"(\d+) miss it", page)
    assert match is not None
    # Each with a word on why, above the tables.
    assert page.count("**missed**, see above") == int(match[1])
    assert "**missed** |" not in page


def test_a_share_clearly_outside_is_a_miss_and_one_within_two_errors_is_reported_so() -> None:
    figures = [share((name,), hits, 10_000, least=95.0) for name, hits in (("a", 9_600), ("b", 9_480), ("c", 9_300))]
    assert [figure.verdict for figure in figures] == ["kept", "kept within its error", "**missed**"]
    assert missed([section(*figures)], errors=2.0) == ["A table: c: 93.00 ± 0.26, not at least 95"]


def test_a_miss_that_is_known_fails_no_run_and_is_shown() -> None:
    figure = share(("a",), 5, 100, least=95.0, known=True)
    assert missed([section(figure)], errors=2.0) == []
    assert figure.verdict == "**missed**, see above"
    assert "1 miss it" in tables([section(figure)], SMALL, SEED)


def test_what_nothing_is_promised_of_cannot_be_missed() -> None:
    figure = share(("a",), 0, 100)
    assert (figure.criterion, figure.verdict, figure.misses()) == ("", "", False)


def test_tables_replace_what_is_between_their_marks_and_nothing_else() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    once = with_tables(page, "NEW")
    assert "\nNEW\n" in once
    assert with_tables(once, "NEWER") == with_tables(page, "NEWER")
    assert once.startswith(page.partition("<!-- tables")[0])
    with pytest.raises(ValueError, match="no place for the tables"):
        with_tables("# A page", "NEW")


def section(*figures: Figure) -> Section:
    return Section("A table", "What it is.", ("of what",), figures)
