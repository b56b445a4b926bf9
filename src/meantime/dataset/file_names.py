"""Names that files had elsewhere, for files of ours."""

from __future__ import annotations

_MOST_CHARACTERS = 120
# File systems allow 255 bytes. A download without a suffix gets ".csv", and a file beside it has 15 bytes more while it
# is written: ".NAME.download.json".
_MOST_BYTES = 236


def end_of_name(name: str) -> str:
    """Return the end of a name, with its suffix: as much as the name of a file may have.

    >>> end_of_name("obesity.csv")
    'obesity.csv'
    >>> len(end_of_name("x" * 200 + ".csv")), len(end_of_name("統" * 100 + ".csv").encode())
    (120, 235)
    """
    return name[-_MOST_CHARACTERS:].encode(errors="ignore")[-_MOST_BYTES:].decode(errors="ignore")
