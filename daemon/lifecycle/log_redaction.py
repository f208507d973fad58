"""
Keeps personal words out of the log: an exception that nobody expected may quote what was said.

Promises: at every level but debug, of an exception only its kind is written, and where in our code it happened. Knows
nothing of what is logged; whoever logs a message of their own answers for it.
"""

import logging
import traceback
from types import TracebackType
from typing import TypeAlias

Trouble: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
BECAUSE = "\n  … because of:\n"


class QuietFormatter(logging.Formatter):
    """Writes where an exception happened, and not what it said."""

    def formatException(self, ei: Trouble) -> str:
        """The frames and kinds of an exception and its causes, the last one first."""
        told: list[str] = []
        error = ei[1]
        while error is not None and len(told) < 10:
            where = "".join(traceback.format_tb(error.__traceback__))
            told.append(f'{where}{type(error).__qualname__} (log_level = "debug" writes what it said, too)')
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return BECAUSE.join(told)


def leave_words_out(root: logging.Logger | None = None) -> None:
    """Have every handler of the root logger write exceptions so, in the format that it has."""
    for handler in (root or logging.getLogger()).handlers:
        form = handler.formatter._fmt if handler.formatter else None
        handler.setFormatter(QuietFormatter(form))
