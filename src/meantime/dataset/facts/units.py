"""One spelling for each unit that files spell in several ways: "%", "Percent" and "per cent" are all percent."""

from __future__ import annotations

from meantime.text import PERCENT

# In lower case. The CDC's Chronic Disease Indicators and PLACES write "%", other tables a word.
PERCENT_SPELLINGS = (
    "%",
    "percent",
    "percents",
    "per cent",
    "percentage",
    "percent (%)",
    "percentage (%)",
    "pct",
    "pct.",
)


def normalized_unit(unit: str) -> str:
    """Return the one spelling of a unit; a unit that has no other spelling is returned as it is.

    >>> normalized_unit(" % "), normalized_unit("Per Cent"), normalized_unit("cases per 100,000")
    ('percent', 'percent', 'cases per 100,000')
    """
    return PERCENT if unit.strip(" ").casefold() in PERCENT_SPELLINGS else unit


def normalized_unit_sql(column: str) -> str:
    """Return the SQL of the same for a column of units."""
    spellings = ", ".join(f"'{spelling}'" for spelling in PERCENT_SPELLINGS)
    return f"CASE WHEN lower(trim({column})) IN ({spellings}) THEN '{PERCENT}' ELSE {column} END"
