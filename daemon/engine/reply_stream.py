"""
The text of one reply as its tokens come in, told apart: what the model thinks, and what it answers.

    white space? <think> thought </think> white space? answer … stop string
"""

import codecs
from collections.abc import Sequence
from typing import Literal, NamedTuple

from daemon.engine.template_traits import Tags


class Said(NamedTuple):
    """What may be shown."""

    answer: str = ""
    thought: str = ""


class ReplyStream:
    """
    `stopped` once a stop string was found in the answer; `thinking` while a thought is open.

    No character is ever cut in two; no part of a mark of thoughts or of a stop string is ever shown, also when it comes
    in pieces.
    """

    def __init__(
        self,
        stop: Sequence[str] = (),
        *,
        tags: Tags | None = None,
        thinks: bool = False,
        drop_space: bool = False,
    ) -> None:
        """
        Args:
            tags: around thoughts; None: all is answer.
            thinks: the reply begins inside a thought.
            drop_space: the space that a SentencePiece vocabulary puts before a text is none of the answer.
        """
        self.stopped = False
        self.stopped_by = ""  # the stop string that was found
        self._stop, self._tags, self._drop_space = tuple(stop), tags, drop_space
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state: Literal["opening", "thought", "behind", "answer"] = (
            "answer" if tags is None else "thought" if thinks else "opening"
        )
        self._fresh = True  # nothing of the thought was shown yet
        self._kept_back = ""  # may be the start of a mark

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._state == "thought"

    def push(self, data: bytes) -> Said:
        """What may be shown after these bytes."""
        text, thought = self._kept_back + self._decoder.decode(data), ""
        self._kept_back = ""
        if self._tags is not None and self._state == "opening":
            text = self._opened(text, self._tags)
        if self._tags is not None and self._state == "thought":
            text, thought = self._thought(text, self._tags)
        if self._state == "behind" and (text := text.lstrip()):
            self._state = "answer"
        return Said(self._answer(text) if self._state == "answer" else "", thought)

    def rest(self) -> Said:
        """What was kept back for a mark that did not come; half a character at the end is dropped."""
        rest, self._kept_back = self._kept_back, ""
        return Said(thought=rest.rstrip()) if self.thinking else Said(self._unspaced(rest))

    def _opened(self, text: str, tags: Tags) -> str:
        """What stands behind the mark that opens a thought; all of the text, when it is an answer."""
        begun = text.lstrip()
        if begun.startswith(tags.opening):
            self._state = "thought"
            return begun.removeprefix(tags.opening)
        if tags.opening.startswith(begun):
            self._kept_back = text
        else:
            self._state = "answer"
        return text

    def _thought(self, text: str, tags: Tags) -> tuple[str, str]:
        """What stands behind the thought, and what there is to show of it; space around it is none of it."""
        thought, closing, behind = text.partition(tags.closing)
        if closing:
            self._state = "behind"
        else:
            shown = text[: len(text) - _overlap(text, tags.closing)].rstrip()
            thought, self._kept_back = shown, text[len(shown) :]
        thought = thought.rstrip() if closing else thought
        thought = thought.lstrip() if self._fresh else thought
        self._fresh = self._fresh and not thought
        return behind, thought

    def _answer(self, text: str) -> str:
        found = [(at, stop) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            at, self.stopped_by = min(found)
            self.stopped = True
            return self._unspaced(text[:at])
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._kept_back = text[len(text) - keep :]
        return self._unspaced(text[: len(text) - keep])

    def _unspaced(self, text: str) -> str:
        if text and self._drop_space:
            self._drop_space = False
            return text.removeprefix(" ")
        return text


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
