"""
What the last answer of a chat came from, and putting right the memory that it used.

    "where did you get that from?" ──> memories and quotes that lay beside it, those it used first
    "that's wrong, it is Antwerp"  ──> the one memory that it used, with its word replaced; an UPDATE, to be undone

Which memory an answer used is told by the words that both have and the question has not. Where that is not one memory
with one place for the new word, nothing is changed, and the answer says how to change it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from daemon.memory import manual_edits
from daemon.text import WORD, content_words, normalised, root, shorten
from store import chats, known_chats, memory_events, memory_queries, message_queries, recall_log
from store.chats import Message
from store.database import Connection
from store.known_chats import Turn
from store.memories import Memory
from store.text import storable

MOST_QUOTES = 2  # for one memory
LONGEST_QUOTE = 160  # characters
MOST_WORDS = 6  # of what a memory should say in another's place
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is said to be wrong with the last answer."""

    what: str = ""  # the right value
    old: str = ""  # the wrong one, where it is named
    own: str = ""  # or a sentence of the user's own that is right


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAnswer:
    """The last answer of a chat, and what lay beside its question."""

    text: str
    asked: str
    beside: tuple[Memory, ...]
    quoted: tuple[Message, ...]

    @property
    def used(self) -> tuple[Memory, ...]:
        """The memories that it shares words with; of which the question has none, where there are such."""
        own = [one for one in self.beside if self.news(one.text)]
        said = _roots(self.text)
        return tuple(own or [one for one in self.beside if _roots(one.text) & said])

    def news(self, text: str) -> set[str]:
        """The words, by their roots, that this text and the answer have, and the question has not."""
        return _roots(text) & _roots(self.text) - _roots(self.asked)


def find(db: Connection, turns: Sequence[Turn]) -> LastAnswer | None:
    """The answer with which these turns end; None where it is not kept, or what lay beside it is not known."""
    known = known_chats.find(db, [(role, storable(text)) for role, text in turns])
    if known is None or known.end != len(turns) or turns[-1][0] != "assistant":
        return None
    record = recall_log.of_answers(db, [known.message_id]).get(known.message_id)
    if record is None:
        return None
    asked = next((text for role, text in reversed(turns) if role == "user"), "")
    return LastAnswer(
        text=turns[-1][1],
        asked=asked,
        beside=tuple(memory_queries.get(db, id) for id in record.memories),
        quoted=tuple(chats.get(db, id) for id in record.messages),
    )


def told(db: Connection, found: Sequence[Memory], quoted: Sequence[Message], *, by_hand: str) -> str:
    """These memories and messages, a line each, with the days, the chats and the words that told them."""
    lines = []
    for one in found:
        lines.append(f"- {one.text} ({one.id})")
        sources = [chats.get(db, id) for id in memory_queries.sources(db, one.id)]
        lines += [f"  {_quote(db, source, one.text)}" for source in sources[-MOST_QUOTES:]]
        if not sources:
            lines.append(f"  {one.told_on.isoformat()}, {by_hand}")
    return "\n".join([*lines, *(f"- {_quote(db, one, one.text)}" for one in quoted)])


def corrections(last: LastAnswer, wrong: Wrong) -> list[tuple[Memory, str]]:
    """The memories that it may be about, each with what it should say."""
    found = [(one, corrected(one.text, last, wrong)) for one in last.used]
    return [(one, text) for one, text in found if text is not None and text != one.text]


def put_right(db: Connection, old: Memory, text: str, sources: Sequence[int]) -> tuple[Memory, int]:
    """
    Let `text` hold in the place of `old`; the memory, and the number of the operation.

    Where that was done before (a request that is sent again), what was done.

    Raises:
        NoSuchMemory, NotHeld, HeldAlready: as `manual_edits.edit`.
    """
    newest = memory_queries.history(db, old.id)[-1]
    if newest.state == "holds" and normalised(newest.text) == normalised(text):
        made = newest
    else:
        made = manual_edits.edit(db, old.id, text, today=date.today(), sources=sources)
    return made, memory_events.events(db, made.id)[0].id


def corrected(text: str, last: LastAnswer, wrong: Wrong) -> str | None:
    """A memory's text with the right value in the place of the wrong one; None where the place is not certain."""
    value = _new_value(text, wrong.own) if wrong.own else wrong.what
    place = _place_of(text, wrong.old) if wrong.old else _place(text, last.news(text), value or "")
    if not value or place is None or len(value.split()) > MOST_WORDS:
        return None
    start, end = place
    before = text[:start].split()
    if before and value.casefold().startswith(f"{before[-1].casefold()} "):  # "a Poodle", "it is a Beagle"
        value = value[len(before[-1]) :].strip()
    return f"{text[:start]}{value}{text[end:]}"


def _new_value(text: str, own: str) -> str | None:
    """What a sentence of the user's own says otherwise than a memory, in one piece; None: more, or nothing alike."""
    known = _roots(text)
    if not known & _roots(own):
        return None
    spans = _spans(own, lambda word: bool(_roots(word)) and not _roots(word) & known)
    return own[spans[-1][0] : spans[-1][1]] if spans and spans[-1][1] >= len(own.rstrip(" .!")) else None


def _place(text: str, news: set[str], value: str) -> tuple[int, int] | None:
    """Where the one piece stands that the answer took from a memory; of several, the one like the new value."""
    spans = _spans(text, lambda word: bool(_roots(word) & news))
    if len(spans) > 1:
        numeric = any(letter.isdigit() for letter in value)
        spans = [one for one in spans if numeric == any(letter.isdigit() for letter in text[slice(*one)])]
    return spans[0] if len(spans) == 1 else None


def _place_of(text: str, old: str) -> tuple[int, int] | None:
    found = [match.span() for match in re.finditer(re.escape(old), text, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def _spans(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
    """The pieces of `text` all of whose words are wanted."""
    spans: list[tuple[int, int]] = []
    is_open = False
    for word in WORD.finditer(text):
        if wanted(word[0]) and is_open:
            spans[-1] = (spans[-1][0], word.end())
        elif wanted(word[0]):
            spans.append(word.span())
        is_open = wanted(word[0])
    return spans


def _quote(db: Connection, message: Message, about: str) -> str:
    """The day, the chat, and the sentence of a message that has most of these words."""
    wanted = _roots(about)
    parts = [part[0].strip() for part in _SENTENCE.finditer(message.text)] or [message.text]
    best = max(parts, key=lambda part: len(_roots(part) & wanted))
    day = message.said_at.astimezone().date().isoformat()
    title = message_queries.title(db, message.chat_id)
    return (
        ", ".join(filter(None, [day, f"“{title}”" if title else ""])) + f": “{shorten(best, LONGEST_QUOTE)}”"
    )


def _roots(text: str) -> set[str]:
    return {root(word) for word in content_words(text)}
