"""The drawing process: orders come in on standard input, an object a line, and pictures go out on standard output.

Before a picture is a line with what came of the order and the length in bytes. Started by its path (see renderer.py),
so it must not import anything from Meantime: it starts quickly.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import select
import signal
import sys
from typing import Any

import vl_convert

# The newest that the engine carries, and the one that the specifications are written for.
VEGA_LITE = "6.4"
# Should the parent end in a way that this process does not see, it ends by itself. For each picture.
_CPU_SECONDS = 120
# Somebody who looks at charts asks for the next one within a minute; it has 100 MB so long.
_WAITS_S = 60
# Of the marks; with less there is nothing to see.
_LEAST_HEIGHT = 60
# As in layout.py and theme.py: the parameter that moves the source to the left edge, and the space around a chart.
_INDENT, _PADDING = "indent", 14
# For renderer.py, which has the limit of pixels and its reason.
_DRAWN, _TOO_MANY_PIXELS = 0, 3
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Draw what standard input says, an order a line, until it ends or none has come for long."""
    _die_with(int(sys.argv[1]))
    while select.select([sys.stdin], [], [], _WAITS_S)[0] and (line := sys.stdin.buffer.readline()):
        _limit_time()
        status, picture = _drawn(json.loads(line))
        sys.stdout.buffer.write(b"%d %d\n" % (status, len(picture)))
        sys.stdout.buffer.write(picture)
        sys.stdout.buffer.flush()
    return 0


def _drawn(order: dict[str, Any]) -> tuple[int, bytes]:
    # Nothing is loaded from anywhere: no address is allowed, also if a specification should name one.
    arguments: dict[str, Any] = {"vl_version": VEGA_LITE, "allowed_base_urls": []}
    spec, height = order["spec"], order["height"]
    drawing = vl_convert.vegalite_to_svg(spec, **arguments)
    if _is_fitted(spec, drawing, height):
        drawing = vl_convert.vegalite_to_svg(spec, **arguments)
    wide, high = (pixels * order["scale"] for pixels in _size(drawing))
    if order["kind"] == "svg":
        return _DRAWN, drawing.encode()
    if order["kind"] == "pdf":
        return _DRAWN, vl_convert.svg_to_pdf(drawing)
    if wide * high > order["most_pixels"]:
        return _TOO_MANY_PIXELS, b""
    return _DRAWN, vl_convert.svg_to_png(drawing, scale=order["scale"])


def _is_fitted(spec: dict[str, Any], drawing: str, height: int | None) -> bool:
    """Change what can be known only from a first drawing; return whether anything was."""
    indent = next((param for param in spec.get("params", ()) if param["name"] == _INDENT), None)
    left = re.search(r'<g [^>]*transform="translate\(([0-9.]+),', drawing)
    if indent is not None and left is not None:
        indent["value"] = max(float(left[1]) - _PADDING, 0)
    if height is not None:
        # Title, axes and source take what they take; the marks have the rest.
        spec["height"] = max(spec["height"] + height - _size(drawing)[1], _LEAST_HEIGHT)
    return bool(height is not None or (indent and indent["value"]))


def _size(drawing: str) -> tuple[float, float]:
    """Return width and height of an SVG."""
    found = re.search(r'<svg[^>]* width="([0-9.]+)" height="([0-9.]+)"', drawing)
    if found is None:
        raise ValueError("the drawing says no size")
    return float(found[1]), float(found[2])


def _limit_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + _CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _die_with(parent: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # It may have ended before the call.
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
