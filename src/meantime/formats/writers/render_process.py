"""The drawing process: an order comes in on standard input, the picture goes out on standard output.

Started by its path (see renderer.py), so it must not import anything from Meantime: it starts for every picture.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

import vl_convert

# The newest that the engine carries, and the one that the specifications are written for.
VEGA_LITE = "6.4"
_SCALE = 2.0
# Should the parent end in a way that this process does not see, it ends by itself.
_CPU_SECONDS = 120
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Draw what standard input says."""
    order = json.load(sys.stdin.buffer)
    _die_with(order["parent"])
    # Nothing is loaded from anywhere: no address is allowed, also if a specification should name one.
    arguments = {"vl_spec": order["spec"], "vl_version": VEGA_LITE, "allowed_base_urls": []}
    if order["kind"] == "svg":
        picture = vl_convert.vegalite_to_svg(**arguments).encode()
    else:
        picture = vl_convert.vegalite_to_png(**arguments, scale=_SCALE)
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()
    return 0


def _die_with(parent: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # It may have ended before the call.
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
