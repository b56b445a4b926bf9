"""Addresses of tables in databases.

>>> address = parse_table_address("postgresql://reader@db.example/health?table=survey.obesity&sslmode=require")
>>> address.url, address.schema, address.table
('postgresql://reader@db.example/health?sslmode=require', 'survey', 'obesity')
>>> address.shown
'survey.obesity in db.example/health'
>>> parse_table_address("https://example.org/a.csv") is None
True
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from meantime.dataset.file_names import end_of_name
from meantime.did_you_mean import hint
from meantime.errors import SourceUnreadable

# What may follow the "?" besides the table. Whatever else a driver takes is left to its environment (PGOPTIONS,
# PGPASSFILE, ...): a secret among it would be seen wherever the address is.
_OPTIONS = {
    "postgresql": ("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "connect_timeout"),
    "sqlite": (),
}
# A host that does not answer by then is away, unless the address says another number.
CONNECT_S = 20
_PASSWORDS = ("password", "passwd", "pwd", "sslpassword")
_SCHEMES = {**{name: name for name in _OPTIONS}, "postgres": "postgresql"}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
# A part of a name: in quotes as in SQL, where it has a dot.
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_NOT_IN_FILE_NAME = re.compile(r"[\x00-\x1f/\\:*?\"<>|]+")


@dataclass(frozen=True, slots=True)
class TableAddress:
    """Where a table is in a database. It has no password: that comes from the environment or the driver's own file."""

    dialect: str  # of SQL: postgresql or sqlite
    url: str  # of the database
    schema: str | None  # None: wherever the database looks for the name
    table: str

    @property
    def text(self) -> str:
        """The address in its one form."""
        separator = "&" if "?" in self.url else "?"
        return f"{self.url}{separator}{urlencode({'table': self.qualified})}"

    @property
    def qualified(self) -> str:
        """The table with its schema, in quotes where a name has a dot or a quote."""
        return ".".join(map(_quoted_part, filter(None, (self.schema, self.table))))

    @property
    def libpq_url(self) -> str:
        """The address of a PostgreSQL database for a driver that takes the form of libpq."""
        if "connect_timeout=" in self.url:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}connect_timeout={CONNECT_S}"

    @property
    def path(self) -> str:
        """The path of a database that is a file."""
        return unquote(urlsplit(self.url).path)[1:]

    @property
    def shown(self) -> str:
        """The address for people: without the user and the options."""
        if self.dialect != "postgresql":
            return f"{self.qualified} in {self.path.rpartition('/')[2]}"
        parts = urlsplit(self.url)
        return f"{self.qualified} in {parts.netloc.rpartition('@')[2]}{unquote(parts.path)}".replace(" in /", " in ")

    @property
    def file_name(self) -> str:
        """What the tally of the table is called."""
        return end_of_name(_NOT_IN_FILE_NAME.sub("-", self.table).lstrip(".")) or "table"


def parse_table_address(text: str) -> TableAddress | None:
    """Return the address of a table that a text is, or None if it is no address of a database.

    Raises:
        SourceUnreadable: it has a password, names no table, or has an option that is not known.
    """
    scheme = _SCHEME.match(text)
    # SQLAlchemy's form, "postgresql+psycopg://", is the same address: which driver is used is decided here.
    name = scheme[1].lower().partition("+")[0] if scheme else ""
    if scheme is None or (dialect := _SCHEMES.get(name)) is None:
        return None
    try:
        parts = urlsplit(text[scheme.end() - 2 :], allow_fragments=False)
        _ = parts.port
    except ValueError:
        raise SourceUnreadable(f"The address of a database cannot be read. {_form(dialect)}") from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password is not None or any(option.lower() in _PASSWORDS for option in options):
        raise SourceUnreadable(
            "The address of a database must not have a password: it would be seen in the list of processes and in "
            "logs. Take it out, and set PGPASSWORD, or write it into ~/.pgpass."
        )
    named = options.pop("table", "")
    for option in options:
        known = ("table", *_OPTIONS[dialect])
        if option not in known:
            raise SourceUnreadable(
                f"The address of a database has no option {option!r}{hint(option, known)}; it may have "
                f"{', '.join(known)}. Set others in the environment of the driver (PGOPTIONS, PGPASSFILE)."
            )
    schema, table = _table_name(named, dialect)
    # Without a host, PostgreSQL's is that of PGHOST, or the socket of this machine.
    is_complete = "/" not in parts.path[1:] if dialect == "postgresql" else not parts.netloc
    if len(parts.path) < 2 or not is_complete:
        raise SourceUnreadable(f"The address of a database is incomplete. {_form(dialect)}")
    query = f"?{urlencode(options)}" if options else ""
    return TableAddress(dialect, f"{dialect}://{parts.netloc}{parts.path}{query}", schema, table)


def _table_name(text: str, dialect: str) -> tuple[str | None, str]:
    found: list[str] = []
    at = 0
    while match := _PART.match(text, at):
        found.append(match[1].replace('""', '"') if match[1] else match[2])
        at = match.end()
        if at < len(text) and text[at] == ".":
            at += 1
        else:
            break
    if at < len(text) or text.endswith(".") or not 1 <= len(found) <= 2:
        what = f"names no table that can be read: {text!r}" if text else "names no table"
        raise SourceUnreadable(
            f'The address of a database {what}. {_form(dialect)} Put names with dots in quotes: "a.b".'
        )
    return (found[0] if len(found) == 2 else None), found[-1]


def _quoted_part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set('."') else name


def _form(dialect: str) -> str:
    where = "HOST/DATABASE" if dialect == "postgresql" else "/PATH"
    return f"Its form is {dialect}://{where}?table=SCHEMA.TABLE, in quotes for the shell."
