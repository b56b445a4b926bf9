"""What draws charts in a browser: the bundle of Vega in vl-convert, made once for each version of it.

Making it starts a JavaScript engine, which takes a second, and a hundred megabytes that are not released. So a child
process, ``python -m meantime.web.explorer.drawing``, makes it, and it is kept in the state directory.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
import zlib
from contextlib import suppress
from importlib import metadata
from pathlib import Path

# It takes a second on an idle machine; beyond this limit it hangs.
_MAKING_S = 60
# Compressed once and kept. The result is a twentieth shorter than with level 6, which matters on a slow network.
_LEVEL = 9
# Of a traceback the end says what it is.
_ERROR_CHARACTERS = 500


def version() -> str:
    """Return the version that the bundle depends on."""
    return metadata.version("vl-convert-python")


class Drawing:
    """The bundle, compressed; made when it is first requested. ``folder`` keeps it over restarts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"vega-{version()}.js.gz"
        self._making = threading.Lock()
        self._gzip: bytes | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether it is available without a wait."""
        return self._gzip is not None

    def gzip_bytes(self) -> bytes:
        """Return it, compressed with gzip. The first call may take a second.

        Raises:
            RuntimeError: it cannot be made; the message has the child's output.
        """
        with self._making:
            if self._gzip is None:
                self._gzip = self._read() or self._make()
            return self._gzip

    def _read(self) -> bytes | None:
        try:
            packed = self._path.read_bytes()
            gzip.decompress(packed)  # checks that it is complete and undamaged
        except (OSError, EOFError, ValueError, zlib.error):
            return None
        return packed

    def _make(self) -> bytes:
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

    # Without a snippet it returns the libraries alone; its types do not declare that.
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    sys.stdout.buffer.write(bundle.encode())


if __name__ == "__main__":
    _main()
