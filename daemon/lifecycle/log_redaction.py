"""
Keep a user's words out of the log: of an exception that nobody expected, only its kind and place are written, for its
message may quote what was said. The messages that are logged on purpose are not touched.
"""

import logging
import traceback
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
BECAUSE = "\n  … because of:\n"


class QuietFormatter(logging.Formatter):
    """Writes where an exception happened, and not what it said."""

    def formatException(self, ei: ExcInfo) -> str:
        """The frames and kinds of an exception and its causes, the last one first."""
        parts: list[str] = []
        error = ei[1]
        while error is not None and len(parts) < 10:
            where = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f'{where}{type(error).__qualname__} (log_level = "debug" writes what it said, too)')
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return BECAUSE.join(parts)


def leave_words_out(root: logging.Logger | None = None) -> None:
    """Have every handler of the root logger write exceptions so, in the format that it has."""
    for handler in (root or logging.getLogger()).handlers:
        form = handler.formatter._fmt if handler.formatter else None
        handler.setFormatter(QuietFormatter(form))
