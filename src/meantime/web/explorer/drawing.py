"""What draws charts in a browser: the bundle of Vega in vl-convert, made once for each version of it.

To make it starts a JavaScript engine, which takes a second and a hundred megabytes that stay taken: so a child
process makes it, and it is kept in the state directory. ``python -m meantime.web.explorer.drawing`` is that child.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import metadata
from pathlib import Path

# A second on an idle machine. Beyond this it hangs.
_MAKING_S = 60
# Once, and kept: a twentieth shorter than with 6, which counts on a slow network.
_LEVEL = 9
# Of a traceback the end says what it is.
_ERROR_CHARACTERS = 500


def version() -> str:
    """Return what the bundle depends on."""
    return metadata.version("vl-convert-python")


class Drawing:
    """The bundle, compressed; made when it is first requested. ``folder`` keeps it over restarts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"vega-{version()}.js.gz"
        self._making = threading.Lock()
        self._packed: bytes | None = None

    @property
    def is_at_hand(self) -> bool:
        """Whether it can be had without a wait."""
        return self._packed is not None

    def packed(self) -> bytes:
        """Return it, packed by gzip. The first call may take a second.

        Raises:
            RuntimeError: it cannot be made; the message has the child's output.
        """
        with self._making:
            if self._packed is None:
                self._packed = self._kept() or self._made()
            return self._packed

    def _kept(self) -> bytes | None:
        try:
            packed = self._path.read_bytes()
            gzip.decompress(packed)  # its checksum says whether it is whole
        except (OSError, EOFError, ValueError):
            return None
        return packed

    def _made(self) -> bytes:
        command = [sys.executable, "-m", __name__]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_MAKING_S, check=True)  # noqa: S603 - ours
        except (OSError, subprocess.SubprocessError) as error:
            errors = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace")
            raise RuntimeError(
                f"The library that draws charts cannot be made: {errors[-_ERROR_CHARACTERS:]}"
            ) from error
        packed = gzip.compress(done.stdout, _LEVEL, mtime=0)
        # If it cannot be stored, it is made again after a restart.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}.new")
            new.write_bytes(packed)
            new.replace(self._path)
        return packed


def _main() -> None:
    import vl_convert

    # Without a snippet of our own it hands the libraries out as they are; its types do not know that.
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    sys.stdout.buffer.write(bundle.encode())


if __name__ == "__main__":
    _main()
