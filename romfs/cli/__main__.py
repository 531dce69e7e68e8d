"""`python -m romfs.cli`, for where the script directory is not on PATH."""

from romfs.cli import entry

entry()
