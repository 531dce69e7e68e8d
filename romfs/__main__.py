"""`python -m romfs`: the same command."""

from romfs.cli import entry

entry()
