"""Addresses of files in object storage that speaks S3's protocol.

>>> address = parse_object_address("s3://health/2023/obesity.csv")
>>> address.bucket, address.folder, address.pattern, address.file_name
('health', '2023/', 'obesity.csv', 'obesity.csv')
>>> parse_object_address("s3://health/years/*/*.csv").kept_path
'years/*/*.csv'
>>> parse_object_address("https://example.org/a.csv") is None
True
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass

from meantime.errors import SourceUnreadable

_SCHEME = re.compile(r"s3://", re.IGNORECASE)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# What could not be the name of a file here.
_NOT_IN_KEY = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """Where one file or several are in a bucket. It has no credentials: those come from the environment."""

    bucket: str
    folder: str  # of the key, without wildcards; "" or with a slash at its end
    pattern: str  # what follows it: a name, or with wildcards; "" for all data files in the folder

    @property
    def text(self) -> str:
        """The address in its one form."""
        return f"s3://{self.bucket}/{self.folder}{self.pattern}"

    @property
    def shown(self) -> str:
        """The address for people: there is nothing in it that they should not see."""
        return self.text

    @property
    def is_one(self) -> bool:
        """Whether it is that of one file."""
        return bool(self.pattern) and not glob.has_magic(self.pattern)

    @property
    def folder_name(self) -> str:
        """The name of the folder; that of the bucket where it has none."""
        return self.folder.rstrip("/").rpartition("/")[2] or self.bucket

    @property
    def file_name(self) -> str:
        """The name of the file, or of the folder of several."""
        return self.pattern if self.is_one else self.folder_name

    @property
    def kept_path(self) -> str:
        """The path of the files where they are kept, below some folder: a file, a folder or a glob."""
        return self.pattern if self.is_one else f"{self.folder_name}/{self.pattern}".rstrip("/")

    def kept_name(self, key: str) -> str:
        """Return where an object of the folder is kept, below the same folder as ``kept_path``."""
        name = key.removeprefix(self.folder)
        return name if self.is_one else f"{self.folder_name}/{name}"


def parse_object_address(text: str) -> ObjectAddress | None:
    """Return the address that a text is, or None if it is none of object storage.

    A key that ends with a slash is that of a folder; ``*``, ``?``, ``[...]`` and ``**`` are as in the path of a file.

    Raises:
        SourceUnreadable: there is no such bucket or key.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    bucket, _, key = text[scheme.end() :].partition("/")
    parts = key.split("/")
    if not _BUCKET.fullmatch(bucket) or _NOT_IN_KEY.search(key) or {"", ".", ".."} & set(parts[:-1]):
        # Not quoted: somebody may have written credentials into it.
        raise SourceUnreadable(
            "The address in object storage cannot be read. Its form is s3://BUCKET/PATH/TABLE.csv, s3://BUCKET/FOLDER/ "
            "or s3://BUCKET/FOLDER/*.csv. Credentials are in the environment (AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY), and so is the address of a storage other than Amazon's (AWS_ENDPOINT_URL)."
        )
    # At least the last part is the pattern; with it, whatever follows the first wildcard.
    first = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    folder = "".join(f"{part}/" for part in parts[:first])
    return ObjectAddress(bucket=bucket, folder=folder, pattern="/".join(parts[first:]))
