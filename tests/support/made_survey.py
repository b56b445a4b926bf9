"""A made table of the shape of the CDC's file by sex: two questions, 53 places, both sexes, 2011 to 2023.

Kentucky and Pennsylvania have no 2023 value, West Virginia has the highest figure for women, and women have more than
men by a gap that is wide in the Virgin Islands and small elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

OBESITY = "Percent of adults aged 18 years and older who have obesity"
INACTIVITY = "Percent of adults who engage in no leisure-time physical activity"
# From the lowest to the highest figure.
PLACES = (
    *("Colorado", "Hawaii", "California", "District of Columbia", "Massachusetts", "Vermont", "New Jersey", "New York"),
    *("Florida", "Connecticut", "Utah", "New Hampshire", "Montana", "Washington", "Idaho", "Rhode Island", "Arizona"),
    *("Nevada", "Minnesota", "Maine", "New Mexico", "South Dakota", "Oregon", "Alaska", "Wyoming", "Maryland"),
    *("North Dakota", "Pennsylvania", "Guam", "Texas", "Illinois", "Virginia", "Kansas", "Missouri", "North Carolina"),
    *("Nebraska", "Kentucky", "Michigan", "Ohio", "Wisconsin", "Puerto Rico", "Delaware", "Georgia", "Virgin Islands"),
    *("Iowa", "Oklahoma", "Tennessee", "South Carolina", "Indiana", "Alabama", "Arkansas", "Louisiana", "Mississippi"),
    "West Virginia",
)
WITHOUT_2023 = ("Kentucky", "Pennsylvania")
_COLUMNS = (
    *("YearStart", "YearEnd", "LocationDesc", "Topic", "Question", "Data_Value_Unit", "Data_Value"),
    *("Low_Confidence_Limit", "High_Confidence_Limit", "Sample_Size", "StratificationCategory1", "Stratification1"),
)


def write(path: Path) -> None:
    """Write it as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(_COLUMNS)
        lines.writerows(_rows())


def _rows() -> Iterator[tuple[object, ...]]:
    for question, shift in ((OBESITY, 0.0), (INACTIVITY, -8.0)):
        for year in range(2011, 2024):
            for name, level, slope in _levels():
                if year == 2023 and name in WITHOUT_2023:
                    continue
                for sex, gap in (("Female", 0.0), ("Male", 9.0 if name == "Virgin Islands" else 0.6)):
                    value = round(level - slope * (2023 - year) + shift - gap, 1)
                    half = 0.4 if name == "National" else 2.0
                    limits = (round(value - half, 1), round(value + half, 1))
                    yield year, year, name, "Weight", question, "%", value, *limits, 2500, "Sex", sex


def _levels() -> Iterator[tuple[str, float, float]]:
    yield "National", 33.5, 0.5
    for index, name in enumerate(PLACES):
        yield name, 25.3 + 16.8 * index / (len(PLACES) - 1), 0.9 if name == "Ohio" else 0.5
