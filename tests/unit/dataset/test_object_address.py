"""Addresses in object storage: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from meantime.dataset.object_address import parse_object_address
from meantime.errors import SourceUnreadable


@pytest.mark.parametrize(
    ("text", "kept_path", "file_name"),
    [
        ("s3://health/obesity.csv.gz", "obesity.csv.gz", "obesity.csv.gz"),
        ("S3://health/a/b/obesity.csv", "obesity.csv", "obesity.csv"),
        ("s3://health/a/b/", "b", "b"),
        ("s3://health", "health", "health"),
        ("s3://health/", "health", "health"),
        ("s3://health/a/*.csv", "a/*.csv", "a"),
        ("s3://health/**/x.parquet", "health/**/x.parquet", "health"),
    ],
)
def test_a_key_is_a_file_a_folder_or_a_glob(text: str, kept_path: str, file_name: str) -> None:
    address = parse_object_address(text)
    assert address is not None
    assert (address.kept_path, address.file_name) == (kept_path, file_name)
    assert address.text.lower().rstrip("/") == text.lower().rstrip("/")


@pytest.mark.parametrize(
    "text",
    ["s3://", "s3:///a.csv", "s3://AKID:hidden@health/a.csv", "s3://Health/a.csv", "s3://health/a//b.csv",
     "s3://health/../a.csv", "s3://health/a\n.csv"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(SourceUnreadable, match="s3://BUCKET/PATH/TABLE") as refused:
        parse_object_address(text)
    assert "hidden" not in refused.value.operator_reason
