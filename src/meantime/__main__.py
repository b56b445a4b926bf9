"""python -m meantime."""

from meantime.cli import main

main()
