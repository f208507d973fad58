"""
Said: the messages that bear on a question and that no memory tells, as lines to lay beside it.

    question ──> nearest turns ──> the user's own statements, of no memory and no chat at hand
                                     `──> "2026-03-05: The user said: ..."

Extraction leaves out what seemed small when it was said; the messages still have it.
Promises: what a memory was drawn from is left to the memory, so that a statement that no longer holds is not quoted
as if it did; the assistant is quoted only when it is asked for, so that its guesses don't come back as facts.
Knows nothing of models. Runs in the store's thread.
"""

import re
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from daemon.memory.keywords import content_words, normalised
from daemon.memory.message_ranking import Turn, nearest_turns
from daemon.memory.question_kind import asks, asks_of_assistant
from daemon.memory.strip_quotes import own_words
from store import chats, message_queries
from store.chats import Message
from store.database import Connection
from store.text import one_line

LOOKED_AT = 30  # nearest turns that are looked at
BEARS_ON = 0.35  # cosine from which a turn bears on a question by meaning alone
BEARS_ON_WITH_WORDS = 0.25  # ... when it also has a content word of the question
LONGEST = 300  # characters of a message that are quoted
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def said(
    db: Connection,
    question: str,
    vector: npt.NDArray[np.float32] | None,
    k: int,
    *,
    present: Collection[str] = (),
) -> list[Message]:
    """
    Up to `k` messages, best first; their texts are their writers' own words.

    Args:
        vector: embedding of the question without the names of people; None: words must do.
        present: texts of the chat in which the question was asked; they are in front of the model already.
    """
    if k < 1 or not asks(question):
        return []
    near = nearest_turns(db, question, vector, LOOKED_AT)
    remembered = message_queries.with_memories(db, [turn.message_id for turn in near])
    roles = ("user", "assistant") if asks_of_assistant(question) else ("user",)
    known = {normalised(text) for text in (*present, question)}
    found: list[Message] = []
    for turn in near:
        message = chats.get(db, turn.message_id)
        own = own_words(message.text)  # what it quotes of others is not the user's word
        new = message.role in roles and message.id not in remembered and normalised(message.text) not in known
        if new and _bears_on(turn, own, question, by_words=vector is None):
            known.add(normalised(message.text))
            found.append(replace(message, text=own))
    return found[:k]


def line(message: Message, question: str) -> str:
    """How a message is quoted: its day, who said it, and the part of it that has most of the question's words."""
    who = one_line(message.speaker) or {"user": "The user", "assistant": "You"}.get(
        message.role, message.role
    )
    return f"{message.said_at.date().isoformat()}: {who} said: {excerpt(message.text, question)}"


def excerpt(text: str, question: str) -> str:
    """`text` in one line where it is short, else its sentences around the one with most words of `question`."""
    if len(text) <= LONGEST:
        return one_line(text)
    asked = set(content_words(question))
    sentences = [found[0].strip() for found in _SENTENCE.finditer(text[:100_000]) if found[0].strip()]
    shared = [len(asked & set(content_words(sentence))) for sentence in sentences]
    first = last = max(range(len(sentences)), key=lambda at: shared[at], default=0)
    while last + 1 < len(sentences) and sum(map(len, sentences[first : last + 2])) < LONGEST:
        last += 1
    return one_line(" ".join(sentences[first : last + 1]))[:LONGEST]


def _bears_on(turn: Turn, text: str, question: str, *, by_words: bool) -> bool:
    if asks(text) or len(content_words(text[:1000])) < 2:  # a question answers nothing
        return False
    asked = set(content_words(question))
    shared = asked & set(content_words(text[:10_000]))
    if by_words:
        return 2 * len(shared) >= len(asked) > 0
    shares = bool(shared)
    return turn.cosine >= BEARS_ON or (shares and turn.cosine >= BEARS_ON_WITH_WORDS)
