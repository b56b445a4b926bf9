"""Answers to draw: of the statistics themselves, over the worked example."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.dataset.samples import survey_example
from meantime.dataset.samples.survey_example import SOUP
from meantime.formats import citation
from meantime.formats.document import Document
from meantime.statistics.registry import STATISTICS

# The statistic and parameters that each chart is drawn from here.
CHART_REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ranking": ("ranking", {"years": "2020", "better": "lower"}),
    "estimates": ("estimate", {"years": "2020"}),
    "trend": ("estimate", {"years": "2016..2020", "by": ["period"]}),
    "groups": ("estimate", {"years": "2019", "by": ["stratum"], "locations": ["Avalon", "Borduria"]}),
    "comparison": ("comparison", {"years": "2020", "reference": "Avalon"}),
    "disparity": ("disparity", {"years": "2019", "category": "Sex", "reference_stratum": "Male"}),
    "means": ("states_mean", {}),
    "spread": ("distribution", {"years": "2020"}),
    "slopes": ("sensitivity", {"years": "2019..2020", "better": "lower"}),
}


def answer(statistic: str, *, synthetic: bool = False, **options: Any) -> Document:
    """Ask a statistic of the worked example."""
    row = STATISTICS[statistic]
    snapshot = survey_example.snapshot()
    parameters = msgspec.convert({"question": SOUP, **options}, row.parameters)
    known = msgspec.to_builtins(parameters)
    return Document(
        statistic=statistic,
        parameters=known,
        dataset="soups",
        fingerprint=snapshot.fingerprint,
        method_version=row.method_version,
        table=row.answer(snapshot, parameters),
        citation=citation.suggest(
            statistic=statistic,
            parameters=known,
            dataset="soups",
            fingerprint=snapshot.fingerprint,
            method_version=row.method_version,
            synthetic=synthetic,
        ),
    )


def answer_for(chart: str) -> Document:
    """Return an answer that a chart is drawn of."""
    statistic, options = CHART_REQUESTS[chart]
    return answer(statistic, **options)
