"""
Attribution: who said what a sentence says, out of a window of a chat.

    sentence + window ──> names spelt as they were said ──> the messages that say it ──> whose word it is

What only the assistant said about the user is nobody's word, unless the user said yes to it: a guess that came back
as a fact is how stores fill with junk. A sentence with a name that nobody said is not trusted.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.text import MONTHS, WEEKDAYS, content_words, root, value_words
from store.chats import Message

CLOSE = 0.8  # likeness from which a name that nobody said is a slip for one that was said
SHORTEST_SLIP = 3  # letters of a name that was cut off
_ASSISTANT = "The assistant"  # how a sentence about what the assistant said begins
_YES = re.compile(
    r"\W*(yes|yeah|yep|yup|right|correct|exactly|indeed|true|that's right|that is right)\b", re.IGNORECASE
)
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-Þ][^\W\d_]+")  # as it was said: with a capital
_CALENDAR = frozenset([*MONTHS, *WEEKDAYS, "today", "yesterday"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """A sentence and whose word it is."""

    text: str
    sources: tuple[int, ...]  # ids of the messages that tell it
    trust: str  # "user" | "assistant" | "import" | "untrusted"


def attribute(
    text: str,
    window: Sequence[Message],
    *,
    named: Sequence[int] | None = None,
    likeness: Sequence[float] | None = None,
) -> Attributed | None:
    """
    Who said `text`; None when it is only what the assistant said about the user.

    Args:
        named: the turns that the model says it comes from, as places in `window` from 0; what is no place in it is
            passed over. None: the model names none, and words decide.
        likeness: cosine of `text` and each turn of `window`, in the same order; None: not embedded.
    """
    places = sorted({place for place in named or () if 0 <= place < len(window)})
    sources = [window[place] for place in places] or _sources(text, window)
    trust = _trust(text, sources, window)
    if trust == "assistant" and not text.startswith(_ASSISTANT):
        return None
    return Attributed(text=_as_spelt(text, window), sources=tuple(turn.id for turn in sources), trust=trust)


def _as_spelt(text: str, window: Sequence[Message]) -> str:
    """`text` with names that nobody said put right, where the slip is plain: "Tngrid" becomes "Ingrid"."""
    roots = {root(word) for turn in window for word in _words(turn)}
    slips = [name for name in value_words(text) - _CALENDAR if name.isalpha() and root(name) not in roots]
    if not slips:
        return text
    said = {word.lower(): word for turn in window for word in _NAME.findall(f"{turn.speaker} {turn.text}")}
    for slip in slips:
        cut_off = [name for name in said if len(slip) >= SHORTEST_SLIP and name.startswith(slip)]
        meant = cut_off or difflib.get_close_matches(slip, said, n=1, cutoff=CLOSE)
        if meant:
            text = re.sub(rf"\b{re.escape(slip)}\b", said[meant[0]], text, flags=re.IGNORECASE)
    return text


def _sources(text: str, window: Sequence[Message]) -> list[Message]:
    """
    The messages that share most words with the sentence: of the user, or where it tells of the assistant or
    shares none with the user, of the assistant. All of the user's when it shares none with anybody.
    """
    first = "assistant" if text.startswith(_ASSISTANT) else "user"
    said = set(content_words(text))
    for role in (first, "assistant" if first == "user" else "user"):
        shared = [(len(said & set(content_words(turn.text))), turn) for turn in window if turn.role == role]
        most = max((count for count, _ in shared), default=0)
        if most:
            return [turn for count, turn in shared if count == most]
    return [turn for turn in window if turn.role == "user"]


def _trust(text: str, sources: Sequence[Message], window: Sequence[Message]) -> str:
    """Whose word it is, by its names and its last word, which mostly is the news."""
    by_user = {root(word) for turn in _of_user(window) for word in _words(turn)}
    by_assistant = {root(word) for turn in window if turn.role == "assistant" for word in _words(turn)}
    names = {root(word) for word in value_words(text) - _CALENDAR if word.isalpha()}
    news = {*names, *(root(word) for word in content_words(text)[-1:])}
    every = by_user | by_assistant
    if not names <= every or every.isdisjoint(root(word) for word in content_words(text)):
        return "untrusted"
    if text.startswith(_ASSISTANT) or (news & by_assistant) - by_user:
        return "assistant"
    return "import" if any(turn.source == "import" for turn in sources) else "user"


def _of_user(window: Sequence[Message]) -> list[Message]:
    """What the user said, and what the assistant said that the user said yes to."""
    said = [turn for turn in window if turn.role == "user"]
    pairs = zip(window, window[1:], strict=False)
    agreed = [before for before, after in pairs if after.role == "user" and _YES.match(after.text)]
    return said + [turn for turn in agreed if turn.role == "assistant"]


def _words(turn: Message) -> list[str]:
    return content_words(f"{turn.role} {turn.speaker} {turn.text}")
