"""Drawing, in separate processes that are watched from here.

A browser's engine draws. A large chart can make it hang, crash or use all memory; that ends this process and nothing
else. It leaves no files: it reads one pipe and writes another. The engine takes ten times as long to start as to draw,
so a process is kept for a minute for the next picture.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from meantime.charts.figure import MOST_PIXELS
from meantime.charts.layout import Spec
from meantime.errors import AnswersBusy, NotAcceptable, PictureFailed
from meantime.formats.document import dumps
from meantime.process_memory import resident_mb

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
# What the process says of it.
_TOO_MANY_PIXELS = 3
_PROCESS = Path(__file__).with_name("render_process.py")

# The engine keeps up to 10 MB of a picture that it has drawn, and frees none: a process that has so much is not kept.
_KEPT_MB = 250
_PIECE_BYTES = 2**16
# How long a process that has closed its output may take to end, so that it can be said how it did.
_ENDS_WITHIN_S = 1.0

_places = threading.BoundedSemaphore(AT_ONCE)
_kept: list[_Process] = []  # at most as many as there are places


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
        return _rendered(dumps(order), seconds, memory_mb)
    finally:
        _places.release()


def fonts() -> str:
    """Return what changes when the fonts of this machine do: letters that Arimo lacks are drawn with them."""
    homes = [Path.home() / ".fonts", Path.home() / ".local/share/fonts"]
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), *homes]
    # A folder changes when a file comes into it or goes.
    changed = [(str(at), Path(at).stat().st_mtime_ns) for folder in folders for at, *_ in os.walk(folder)]
    return repr(sorted(changed))


def end_kept() -> None:
    """End the processes that wait for the next picture."""
    while _kept:
        _kept.pop().end(has_ended=False)


def _rendered(order: bytes, seconds: float, memory_mb: float) -> bytes:
    until = time.monotonic() + seconds
    process, is_new = _process()
    drawn, has_ended = None, False
    try:
        drawn = process.draw(order, until, memory_mb)
        if drawn is None and not is_new:
            # It ended while it waited, or what it has drawn before has left it in a bad state.
            process.end(has_ended=True)
            process = _Process()
            drawn = process.draw(order, until, memory_mb)
        has_ended = drawn is None
    except TimeoutError:
        raise PictureFailed(
            f"The picture was not drawn within {seconds:g} s. Ask for fewer locations or years, or take the chart as "
            "vl.json."
        ) from None
    finally:
        if drawn is not None and process.resident_mb <= _KEPT_MB:
            _kept.append(process)
        else:
            process.end(has_ended=has_ended)
    if drawn is None:
        what = f"Drawing the picture failed: {process.ending}."
        raise PictureFailed(f"{what} The chart is also available as vl.json.").for_operator(f"{what}{process.tail}")
    status, picture = drawn
    if status == _TOO_MANY_PIXELS:
        raise NotAcceptable(
            f"The picture would have more than {MOST_PIXELS:,} pixels. Set a smaller chart.width or chart.scale, show "
            "fewer locations with chart.limit, or take the chart as SVG or PDF."
        )
    return picture


def _process() -> tuple[_Process, bool]:
    """Return a process, and whether it is new."""
    try:
        return _kept.pop(), False
    except IndexError:
        return _Process(), True


class _Process:
    """A process that draws one picture after the other."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        # By its path and not as a module of Meantime: it imports none of it, and starts in a tenth of the time. Its own
        # session: Ctrl-C at the terminal is for the server.
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", str(_PROCESS), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            bufsize=0,
        )
        to_process, from_process = self._process.stdin, self._process.stdout
        if to_process is None or from_process is None:
            raise AssertionError("both are pipes")
        os.set_blocking(to_process.fileno(), False)
        self._pipes = (to_process, from_process)
        self.ending = self.tail = ""
        # It ends by itself when it has waited for long; and who has ended stays in the system's list until then. Not
        # with meantime.threads, since nothing can join it: it waits for the end of the process.
        threading.Thread(target=self._process.wait, name="picture-process", daemon=True).start()

    @property
    def resident_mb(self) -> float:
        """The memory that it has."""
        return resident_mb(self._process.pid)

    def draw(self, order: bytes, until: float, memory_mb: float) -> tuple[int, bytes] | None:
        """Return what came of an order, and the picture; None if the process has ended.

        Raises:
            TimeoutError: it took too long.
            PictureFailed: it took too much memory.
        """
        to_process, from_process = (pipe.fileno() for pipe in self._pipes)
        poll = select.poll()
        poll.register(from_process, select.POLLIN)
        poll.register(to_process, select.POLLOUT)
        unsent, received = memoryview(order + b"\n"), bytearray()
        while True:
            ready = dict(poll.poll(_LOOK_EVERY_S * 1000))
            if time.monotonic() > until:
                raise TimeoutError
            # Where the system does not show it, only time is bounded.
            if self.resident_mb > memory_mb:
                raise PictureFailed(
                    f"The picture would take more than {memory_mb:g} MB of memory to draw. Ask for fewer locations or "
                    "years, or take the chart as vl.json."
                )
            if to_process in ready:
                with suppress(BrokenPipeError):  # it has ended, which reading will show
                    unsent = unsent[os.write(to_process, unsent[:_PIECE_BYTES]) :]
                if not unsent or ready[to_process] & select.POLLERR:
                    poll.unregister(to_process)
            if from_process in ready:
                piece = os.read(from_process, _PIECE_BYTES)
                if not piece:
                    return None
                received += piece
                head, line_end, picture = received.partition(b"\n")
                if line_end:
                    status, length = map(int, head.split())
                    if len(picture) == length:
                        return status, bytes(picture)

    def end(self, *, has_ended: bool) -> None:
        """End it, if it has not ended by itself, and note how it ended."""
        if has_ended:
            # It has closed its output, and is about to end.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDS_WITHIN_S)
        self._process.kill()
        self.ending = _ending(self._process.wait())
        for pipe in self._pipes:
            pipe.close()
        self._errors.seek(0)
        self.tail = _tail(self._errors.read())
        self._errors.close()


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"it was ended by {signal.Signals(-code).name}"


def _tail(errors: bytes) -> str:
    text = " ".join(errors.decode("utf-8", "replace").split())[-_TAIL_CHARACTERS:]
    return f" Its last output: {text}." if text else ""
