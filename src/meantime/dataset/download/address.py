"""Addresses of tables: a URL, or the short name of a table of a data portal.

>>> parse_address("cdc:hn4x-zwk7").url
'https://data.cdc.gov/api/views/hn4x-zwk7/rows.csv?accessType=DOWNLOAD'
>>> parse_address("https://example.org/2023/Heart%20disease.csv?v=2").file_name
'Heart disease.csv'
>>> parse_address("data/obesity.csv") is None
True
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from meantime.dataset.file_names import end_of_name
from meantime.errors import SourceUnreadable

# Portals that have a short name.
_PORTALS = {"cdc": "data.cdc.gov"}

# Socrata, the software of most health departments' portals in the United States, names tables by four and four
# characters.
_ID = r"(?P<id>[a-z0-9]{4}-[a-z0-9]{4})"
_SHORT = re.compile(rf"(?P<portal>[a-z]+):{_ID}")
_DOMAIN_AND_ID = re.compile(rf"(?P<host>(?:[a-z0-9-]+\.)+[a-z]{{2,}}(?::[0-9]+)?)/{_ID}", re.IGNORECASE)
# What people copy from the browser: the page of a table, and addresses of its rows, of which one gives only the first
# thousand.
_PAGE = re.compile(rf"/(?:d|[^/]+/[^/]+)/{_ID}(?:/(?:about_data|data|data_preview|explore.*))?/?")
_ROWS = re.compile(rf"/(?:resource|api/views|api/v3/views)/{_ID}(?:\.csv|/rows\.csv|/query\.csv)?")
_NOT_IN_FILE_NAME = re.compile(r"[\x00-\x1f/\\:*?\"<>|]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table is on the web."""

    url: str  # of its rows
    file_name: str
    portal: str = ""  # the address of the portal, if the table is one of Socrata's
    table: str = ""  # its id there

    @property
    def shown(self) -> str:
        """The address for people: without a password, and without parameters, in which there may be a token."""
        parts = urlsplit(self.url)
        return f"{_host(parts)}/{self.table}" if self.table else f"{_host(parts)}{unquote(parts.path)}"


def parse_address(text: str) -> Address | None:
    """Return the address that a text is, or None if it is none.

    ``cdc:ID`` and ``DOMAIN/ID`` name a table of a portal, and so does the address of its page. Whether a file of that
    name exists is for the caller to look at first.

    Raises:
        SourceUnreadable: it is an address, but not one that can be downloaded from.
    """
    if match := _SHORT.fullmatch(text):
        if match["portal"] not in _PORTALS:
            known = ", ".join(f"{name}: ({host})" for name, host in _PORTALS.items())
            raise SourceUnreadable(
                f"No portal is called {match['portal']!r}. Known: {known}. For another one, give its domain: "
                f"data.example.gov/{match['id']}."
            )
        return _of_portal(f"https://{_PORTALS[match['portal']]}", match["id"])
    if match := _DOMAIN_AND_ID.fullmatch(text):
        return _of_portal(f"https://{match['host'].lower()}", match["id"])
    if not re.match("[a-zA-Z][a-zA-Z0-9+.-]*://", text):
        return None
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and (parts.port or True)
    except ValueError:
        has_host = False
    if not has_host or parts.scheme.lower() not in ("http", "https"):
        raise SourceUnreadable(
            "The address of a table begins with https:// or http:// and a host, or with s3://, postgresql:// or "
            "sqlite:///. Of a table that is anywhere else, save a file, and give its path."
        )
    if match := _PAGE.fullmatch(parts.path) or _ROWS.fullmatch(parts.path):
        return _of_portal(f"{parts.scheme.lower()}://{parts.netloc}", match["id"])
    name = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.hostname or "table"
    name = end_of_name(_NOT_IN_FILE_NAME.sub("-", name).lstrip(".")) or "table"
    return Address(url=text.partition("#")[0], file_name=name if "." in name else f"{name}.csv")


def _of_portal(base: str, table: str) -> Address:
    return Address(
        url=f"{base}/api/views/{quote(table)}/rows.csv?accessType=DOWNLOAD",
        file_name=f"{table}.csv",
        portal=base,
        table=table,
    )


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
