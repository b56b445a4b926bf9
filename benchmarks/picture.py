"""The ratios to peers as a picture, for docs/performance.md."""

from __future__ import annotations

from typing import Any

from benchmarks.run import Run
from meantime.formats.writers.renderer import render

# Those that have other programs as peers; the first quantity of each comparison is what it is about.
_DRAWN = ("answers", "statistics", "jobs", "start")
_LIMITS = ("at most ", "at least ")


def picture_of(run: Run) -> bytes:
    """Return an SVG: a point for the median of each ratio, and a line from the lowest to the highest round."""
    records = [
        {"what": f"{each.what}: {each.peer}", "ratio": each.ratio, "low": each.lowest, "high": each.highest}
        for benchmark in run.benchmarks
        if benchmark.name in _DRAWN
        for table in benchmark.tables
        for each in table.ratios
        if each.lowest is not None and not each.peer.startswith(_LIMITS)
    ]
    return render(_spec(records), "svg")


def _spec(records: list[dict[str, Any]]) -> Any:
    scale = {"type": "log"}
    title = "times as good as the peer (median and spread of the rounds)"
    ratio = {"field": "ratio", "type": "quantitative", "scale": scale, "title": title}
    # In the order of the page.
    what = {"field": "what", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 600}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "width": 400,
        "height": {"step": 16},
        "data": {"values": records},
        "layer": [
            {"mark": {"type": "rule", "color": "#999"}, "encoding": {"x": {"datum": 1, "scale": scale}}},
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": "#9bb8d3"},
                "encoding": {"y": what, "x": {**ratio, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "color": "#1f5a8c"},
                "encoding": {"y": what, "x": ratio},
            },
        ],
    }
