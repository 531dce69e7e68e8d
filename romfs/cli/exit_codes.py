"""Exit codes, in one place: scripts and CI rely on them.

0 done, 1 any failure without a code of its own, 2 wrong usage; the others tell a
flashing script what to do next.
"""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
NO_PORT = 3
NO_PARTITION = 4
DOES_NOT_FIT = 5
INCOMPATIBLE = 6
WRITE_REFUSED = 7
LINK_LOST = 8
VERIFY_FAILED = 9
INTERRUPTED = 130


def of(error: Exception) -> int:
    """The exit code of an exception."""
    from romfs import errors

    table: tuple[tuple[type[Exception], int], ...] = (
        (errors.NoPort, NO_PORT),
        (errors.NoPartition, NO_PARTITION),
        (errors.DoesNotFit, DOES_NOT_FIT),
        (errors.IncompatibleMpy, INCOMPATIBLE),
        (errors.WriteRefused, WRITE_REFUSED),
        (errors.TransportError, LINK_LOST),
        (errors.VerifyError, VERIFY_FAILED),
    )
    return next((code for kind, code in table if isinstance(error, kind)), FAILED)
