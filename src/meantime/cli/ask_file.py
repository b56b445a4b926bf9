"""`meantime ask --data`: a statistic of a file, computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meantime.cli.snapshot_cache import compute_from
from meantime.client import arguments
from meantime.client.result import Result
from meantime.compute.local import document_of
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import RequestInvalid, StatisticUnknown
from meantime.model import Unwatched
from meantime.settings import Settings
from meantime.statistics.check import check, check_form
from meantime.statistics.registry import STATISTICS
from meantime.text import quoted


def ask_file(
    source: Source, settings: Settings, statistic: str, texts: Mapping[str, Sequence[str]], *, cached: bool
) -> Result:
    """Read the file and compute; ``cached`` as in ``compute_from``.

    Raises:
        StatisticUnknown, RequestInvalid: before the file is read, as far as it can be checked then.
        DataError: the file cannot become a data set.
    """
    if (row := STATISTICS.get(statistic)) is None:
        hint = suggestion(closest(statistic, tuple(STATISTICS)))
        raise StatisticUnknown(f"There is no statistic {quoted(statistic)}. {hint}There are: {', '.join(STATISTICS)}.")
    raw = arguments.parameters(texts, msgspec.json.schema(row.parameters))
    # Before the file, which may take a while to read.
    try:
        check_form(statistic, raw, refuse_unknown=True, by_words=True)
    except RequestInvalid as invalid:
        lines = "\n".join(problem.detail for problem in invalid.problems)
        raise RequestInvalid(lines, problems=invalid.problems) from invalid

    def compute(snapshot: Snapshot) -> Result:
        prepared = check(statistic, raw, snapshot, refuse_unknown=True, by_words=True)
        return Result(document_of(prepared, source.name, Unwatched()))

    return compute_from(source, settings, compute, cached=cached)
