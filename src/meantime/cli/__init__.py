"""The command line. ``main`` is the program."""

from meantime.cli.main import main

__all__ = ["main"]
