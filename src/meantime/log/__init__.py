"""The server's log: lines at the terminal for people, and in ``webserver.log`` for the record."""

from meantime.log.lines import VALUE_LIMIT
from meantime.log.log import Log

__all__ = ["VALUE_LIMIT", "Log"]
