"""What is an address, and what it is called."""

from __future__ import annotations

import pytest

from meantime.dataset.download.address import parse_address
from meantime.errors import SourceUnreadable

ROWS = "https://data.cdc.gov/api/views/hn4x-zwk7/rows.csv?accessType=DOWNLOAD"


@pytest.mark.parametrize(
    "text",
    [
        "cdc:hn4x-zwk7",
        "data.cdc.gov/hn4x-zwk7",
        "Data.CDC.gov/hn4x-zwk7",
        "https://data.cdc.gov/d/hn4x-zwk7",
        "https://data.cdc.gov/Nutrition-Physical-Activity/A-long-title/hn4x-zwk7",
        "https://data.cdc.gov/Nutrition-Physical-Activity/A-long-title/hn4x-zwk7/about_data",
        "https://data.cdc.gov/resource/hn4x-zwk7.csv",
        "https://data.cdc.gov/resource/hn4x-zwk7.csv?$limit=10",
        "https://data.cdc.gov/api/views/hn4x-zwk7/rows.csv",
    ],
)
def test_a_table_of_a_portal_is_downloaded_whole(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert (address.url, address.file_name, address.shown) == (ROWS, "hn4x-zwk7.csv", "data.cdc.gov/hn4x-zwk7")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://example.org/a/b.csv", "b.csv"),
        ("https://example.org/data-2023", "data-2023.csv"),
        ("https://example.org/a/b.csv.gz?token=secret#top", "b.csv.gz"),
        ("https://example.org", "example.org"),
        ("https://example.org/..%2f..%2fetc%2fpasswd.csv", "passwd.csv"),
        ("https://example.org/.hidden.csv", "hidden.csv"),
    ],
)
def test_the_file_is_called_as_in_the_address(text: str, name: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.file_name == name
    assert not address.portal


def test_what_is_shown_has_no_password_and_no_token() -> None:
    address = parse_address("https://user:secret@example.org/a.csv?token=secret")
    assert address is not None
    assert address.shown == "example.org/a.csv"


@pytest.mark.parametrize(
    "text", ["data.csv", "folder/data.csv", "a=b.csv", "C:data.csv", "folder/abcd-efgh", "", "*.csv"]
)
def test_a_path_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    "text",
    ["ftp://example.org/a.csv", "https://", "https://a:port/b.csv", "file:///etc/passwd", "duckdb:///a.db?table=t"],
)
def test_an_address_that_cannot_be_read_from_is_refused_with_those_that_can(text: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"https:// .* s3://, postgresql:// or sqlite:///"):
        parse_address(text)


def test_an_unknown_portal_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SourceUnreadable, match=r"No portal is called 'who'. Known: cdc: \(data.cdc.gov\)"):
        parse_address("who:abcd-1234")
