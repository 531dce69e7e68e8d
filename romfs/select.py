"""Which files of a source go into the image, in gitignore syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pathspec import GitIgnoreSpec

DEFAULT_EXCLUDE = (
    # Hidden files, among them every version control directory, .venv and caches.
    ".*",
    "__pycache__/",
    "*.py[cod]",
    "CVS/",
    # Editor backups and what merges leave behind.
    "*~",
    r"\#*#",
    "*.swp",
    "*.swo",
    "*.orig",
    "*.rej",
    "*.bak",
    "Thumbs.db",
)
"""Left out unless a later pattern takes it back with `!`."""


def selector(
    include: Sequence[str], exclude: Sequence[str], never: Iterable[str] = ()
) -> Callable[[str, bool], bool]:
    """A predicate over (path, is_directory), for `Source.entries`.

    Args:
        include: If not empty, a file must match one of these.
        exclude: What matches is left out; added after `DEFAULT_EXCLUDE`.
        never: Exact paths left out whatever the patterns say.
    """
    excluded = GitIgnoreSpec.from_lines((*DEFAULT_EXCLUDE, *exclude))
    included = GitIgnoreSpec.from_lines(include) if include else None
    unwanted = frozenset(never)

    def select(path: str, is_directory: bool) -> bool:
        if path in unwanted:
            return False
        if is_directory:
            return not excluded.match_file(path + "/")
        if excluded.match_file(path):
            return False
        return included is None or included.match_file(path)

    return select
