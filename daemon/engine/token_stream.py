"""
From bytes of tokens to text that may be shown.

Promises: no character is ever cut in two; no part of a stop string is ever shown, also when it comes in
pieces.
"""

import codecs
from collections.abc import Sequence


class TextStream:
    """The text of one reply as its tokens come in; `stopped` once a stop string was found."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.stopped = False
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""  # may be the start of a stop string

    def push(self, data: bytes) -> str:
        """The text that may be shown after these bytes: everything but what must be held back."""
        text = self._held + self._decoder.decode(data)
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back for a stop string that did not come; half a character at the end is dropped."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
