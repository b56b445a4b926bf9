"""A published value's footnote goes with it, in every answer that shows it."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Period
from meantime.dataset.footnotes import footnote_warnings
from meantime.model import Unwatched
from meantime.statistics.check import check
from tests.support.factories import row, snapshot


def test_an_answer_names_the_footnotes_of_its_values() -> None:
    of = snapshot(
        [
            row(location="Ohio", footnote="* (few asked)", period=Period(2020, 2020)),
            row(location="Utah", period=Period(2020, 2020)),
            row(location="Iowa", value=None, reason="~", footnote="~", period=Period(2020, 2020)),
        ]
    )
    answer = check("estimate", {"question": "Q"}, of).compute(Unwatched())
    assert [each for each in answer.warnings if "footnote" in each] == [
        'The publisher\'s footnote to Ohio (2020): "* (few asked)".'
    ]
    utah = check("estimate", {"question": "Q", "locations": ["Utah"]}, of).compute(Unwatched())
    assert not [each for each in utah.warnings if "footnote" in each]


def test_frequent_footnotes_come_first_and_the_rest_is_counted() -> None:
    letters = "aaaaabbcdd"
    rows = [row(location=f"P{at}", footnote=letter) for at, letter in enumerate(letters)]
    of = snapshot([*rows, row(location="P10", footnote="e", category="Sex", stratum="Women")])
    warnings = footnote_warnings(of.cube, np.arange(len(rows) + 1))
    assert warnings[0] == 'The publisher\'s footnote to P0, P1, P2 and 2 more: "a".'
    assert warnings[1:] == [
        'The publisher\'s footnote to P5 and P6: "b".',
        'The publisher\'s footnote to P8 and P9: "d".',
        "2 more values have other footnotes.",
    ]
    assert footnote_warnings(of.cube, np.array([of.cube.cell_count - 1]))[0].startswith("The publisher's footnote to P")
