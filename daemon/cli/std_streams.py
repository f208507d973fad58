"""
The streams that the program was started with: closed, full, or of few letters.

Promises: whoever asks for input gets its end where none is; what can't be written as it is appears as ?; a result that
can't be written is one line and exit code 1. Knows nothing of what is read or written.
"""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


@contextmanager
def streams() -> Iterator[None]:
    """Put something in the place of streams that are closed, and see to it that what was printed arrived."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # in this order: each takes its own number
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        _leave()
    except OSError as error:
        if error.filename is not None or error.errno not in LOST:
            raise
        sys.stderr.write(
            f"tsubasa: The result can't be written: {error.strerror}. Send it elsewhere, or make room.\n"
        )
        _leave()


def _leave() -> None:
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
    )  # the interpreter writes the rest at its end
    sys.exit(1)
