"""Where a server is unless somebody says otherwise."""

from __future__ import annotations

DEFAULT_URL = "http://127.0.0.1:5000"
