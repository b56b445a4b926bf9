"""Drawing, in a separate process that is watched from here.

A browser's engine draws. A large chart can make it hang, crash or use all memory; that ends this process and nothing
else. It leaves no files: it reads one pipe and writes another.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final, Literal

from meantime.charts.figure import MOST_PIXELS
from meantime.charts.layout import Spec
from meantime.errors import AnswersBusy, NotAcceptable, PictureFailed
from meantime.formats.document import dumps

Kind = Literal["svg", "png", "pdf"]

# The largest chart that there may be (5,000 marks) takes 3 s on one core, and nobody waits longer for a page.
SECONDS: Final = 30.0
# 100 MB are taken by the engine itself; 50,000 marks, ten times what a chart may have, take 330.
MEMORY_MB: Final = 700
# Each takes a core. More at once would be no sooner, and take more memory together than a small server has.
AT_ONCE: Final = 2

# How often memory is looked at: the engine takes some hundred megabytes a second at most.
_LOOK_EVERY_S = 0.1
_TAIL_CHARACTERS = 500
# The exit code of the process for that; Python has 1 and 2.
_TOO_MANY_PIXELS = 3
_PROCESS = Path(__file__).with_name("render_process.py")

_places = threading.BoundedSemaphore(AT_ONCE)


def render(
    spec: Spec,
    kind: Kind,
    *,
    scale: float = 1.0,
    height: int | None = None,
    seconds: float = SECONDS,
    memory_mb: float = MEMORY_MB,
) -> bytes:
    """Draw a specification, and return the file. Blocks until that is done.

    ``scale`` is how many pixels a PNG has for each of the page; ``height`` is that of the whole picture, in pixels of
    the page, where it is not to be as high as the specification makes it.

    Raises:
        NotAcceptable: a PNG would have more than ``MOST_PIXELS``.
        PictureFailed: the process took too long or too much memory, crashed, or reported an error.
        AnswersBusy: as many pictures are being drawn as is allowed.
    """
    if not _places.acquire(blocking=False):
        raise AnswersBusy(
            f"{AT_ONCE} pictures are being drawn, and no more are at once. Try again in two seconds, or take the chart "
            "as vl.json and draw it yourself.",
            retry_after_s=2,
        )
    try:
        order = {"kind": kind, "spec": spec, "scale": scale, "height": height, "most_pixels": MOST_PIXELS}
        return _rendered(dumps({**order, "parent": os.getpid()}), seconds, memory_mb)
    finally:
        _places.release()


def fonts() -> str:
    """Return what changes when the fonts of this machine do: letters that Arimo lacks are drawn with them."""
    homes = [Path.home() / ".fonts", Path.home() / ".local/share/fonts"]
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), *homes]
    # A folder changes when a file comes into it or goes.
    changed = [(str(at), Path(at).stat().st_mtime_ns) for folder in folders for at, *_ in os.walk(folder)]
    return repr(sorted(changed))


def _rendered(order: bytes, seconds: float, memory_mb: float) -> bytes:
    # By its path and not as a module of Meantime: it imports none of it, and starts in a tenth of the time. Its own
    # session: Ctrl-C at the terminal is for the server.
    with tempfile.TemporaryFile() as file:
        # A file and no pipe: communicate() stops writing to a pipe at its first timeout, so a long order never arrives.
        file.write(order)
        file.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", str(_PROCESS)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    try:
        picture, errors = _watched(process, time.monotonic() + seconds, memory_mb)
    except TimeoutError:
        raise PictureFailed(
            f"The picture was not drawn within {seconds:g} s. Ask for fewer locations or years, or take the chart as "
            "vl.json."
        ) from None
    finally:
        process.kill()
        process.communicate()
    if process.returncode == _TOO_MANY_PIXELS:
        raise NotAcceptable(
            f"The picture would have more than {MOST_PIXELS:,} pixels. Set a smaller chart.width or chart.scale, show "
            "fewer locations with chart.limit, or take the chart as SVG or PDF."
        )
    if process.returncode != 0 or not picture:
        what = f"Drawing the picture failed: {_ending(process.returncode)}."
        raise PictureFailed(f"{what} The chart is also available as vl.json.").for_operator(f"{what}{_tail(errors)}")
    return picture


def _watched(process: subprocess.Popen[bytes], until: float, memory_mb: float) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() > until:
            raise TimeoutError
        if _resident_mb(process.pid) > memory_mb:
            raise PictureFailed(
                f"The picture would take more than {memory_mb:g} MB of memory to draw. Ask for fewer locations or "
                "years, or take the chart as vl.json."
            )


def _resident_mb(process: int) -> float:
    """Return the memory that a process has; 0 where the system does not tell, so that there only time is bounded."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"it was ended by {signal.Signals(-code).name}"


def _tail(errors: bytes) -> str:
    text = " ".join(errors.decode("utf-8", "replace").split())[-_TAIL_CHARACTERS:]
    return f" Its last output: {text}." if text else ""
