"""
Retrieval: the memories that bear on a question, and messages that no memory tells, as lines of one system turn.

    question ──> nearest memories ──> near enough? ──> 3, up to 10 where it takes many or the scores are flat
             │──> nearest messages, in the places that memories leave empty ──> "2026-03-05: The user said: ..."
             `──> how the user wants such things done, three at most, whatever else is recalled

Small talk and questions about the world get no memories. Superseded memories speak only through what replaced them,
at length when the question is about the past. A message that a memory was drawn from is not quoted, for it may no
longer hold; nor one that tells what was forgotten. The assistant is quoted only when it is asked for, so that its
guesses don't come back as facts.
"""

import itertools
import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from daemon.embedding.choices import MINILM, Limits
from daemon.embedding.client import Embedder
from daemon.memory.forgotten import quoting_forgotten
from daemon.memory.indexing import index_missing
from daemon.memory.phrasing import in_third_person
from daemon.memory.ranking import Ranked, Turn, nearest_memories, nearest_turns, without_names
from daemon.memory.strip_quotes import strip_quotes
from daemon.store_thread import StoreThread
from daemon.text import content_words, normalised, value_words
from prompts.load import RECALL, load
from store import chats, memories, memory_queries, message_queries
from store.chats import Message
from store.database import Connection
from store.errors import NoEmbedder, WrongVectors
from store.memories import Memory
from store.text import one_line
from store.vectors import distances

FLAT = 0.25  # scores nearer than this to the k-th are as good as the k-th
PROGRAM, PROGRAMS_SHARE = "assistant", 3  # the trust of what programs note; a third of the places at most
STANDING = 3  # lines at most of how the user wants things done
PAST_LOOKED_AT = 200  # memories that hold no more, for a question about the past
PAST_TAKEN = 10  # of them, those that share most words with it
ASKED = 2000  # characters of a message that are taken for the question: its end

LOOKS = 6  # for messages to quote, each time without those that tell what was forgotten; then none is quoted
TURNS_LOOKED_AT = 30  # nearest turns that are looked at
LONGEST_QUOTE = 300  # characters of a message that are quoted
MORE = 2  # words of a question by which a passage must outdo the beginning of its message
SEARCHED = 100_000  # characters of a message in which a passage is looked for
_LEFT_OUT = "… "  # stands for what is left out before a passage, and turned about behind it
_PART = LONGEST_QUOTE - 2 * len(_LEFT_OUT)  # characters of a passage at most
_SENTENCE = re.compile(r"\S(?:(?![.!?؟]+\s|[。！？\n]).)*(?:[.!?؟。！？]+|\n|$)?")
_I = re.IGNORECASE
_ASKS = re.compile(
    r"[?？؟]|^\W*(?:(?:hi|hey|hello|so|ok|and|btw|please|well)\W+)*"
    r"(?:what|whats|what's|who|whose|whom|which|where|when|why|how|do|does|did|is|are|was|were|can|could|will|would|should"
    r"|have|has|had|am|remind me|tell me|remember|name|list)\b",
    _I,
)
_PAST = re.compile(
    r"\b(?:before|used? to|previous(?:ly)?|former(?:ly)?|earlier|originally|ever|back then|in the past|at first"
    r"|any ?more|last (?:year|month|week|summer|winter|spring|autumn)|my (?:old|ex)|(?:19|20)\d\d|chang(?:e|ed|es)"
    r"|was|were|did)\b",
    _I,
)
_MANY = re.compile(
    r"\b(?:all|every|everything|everyone|both|each|list|how many|how often|which of|compare|between|summar\w+|any of"
    r"|what (?:are|were) (?:my|the)|who are|names of|know about me|tell me about)\b"
    r"|\band\b.{0,200}\b(?:who|what|where|when|how)\b",
    _I,
)
_OF_ASSISTANT = re.compile(
    r"\b(?:you|your)\b.{0,200}\b(?:said|say|told|tell|recommend\w*|suggest\w*|promis\w*|mention\w*|advi[sc]e\w*|wrote|explain\w*"
    r"|propos\w*|answer\w*|idea)\b|\b(?:recommendation|suggestion|advice)\b",
    _I,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is put before the last user message."""

    memories: tuple[Memory, ...] = ()  # oldest first
    best_first: tuple[Memory, ...] = ()  # the same, by how well they bear on the question, standing ones last
    messages: tuple[Message, ...] = ()  # that no memory tells
    lines: tuple[str, ...] = ()  # one for each memory and message, and for what held before; oldest first


async def recall(
    store_thread: StoreThread,
    embedder: Embedder,
    question: str,
    *,
    k: int = 3,
    max_k: int = 10,
    present: Collection[str] = (),
    at_once: bool = False,
    standing: bool = False,
) -> Recalled:
    """
    What bears on `question`: `k` memories, and up to `max_k` (or `k`) while the scores stay flat or where it takes
    many; messages where memories are fewer than `k`.

    Args:
        present: texts of the chat in which it is asked.
        at_once: go by words alone where the embedder can't answer yet, instead of waiting for it.
        standing: also recall how the user wants such things done.

    Source: TSUBASA, arXiv 2604.07894: k = 3, and k = 10 for hard questions.
    """
    question = question[-ASKED:]
    if not question.strip() or k < 1:
        return Recalled()
    asked = in_third_person(question)
    bare = without_names(question, await store_thread.run(message_queries.speakers))
    texts = [asked, bare]
    vectors = await (embedder.embed_at_once(texts) if at_once else embedder.embed(texts, query=True))
    query = _Query(
        question=question,
        asked=asked,
        k=k,
        max_k=max(k, max_k),
        present=present,
        limits=embedder.limits,
        standing=standing,
    )
    for _ in range(LOOKS):
        found = await _found(store_thread, embedder, query, vectors, at_once=at_once)
        forgotten = await quoting_forgotten(store_thread, embedder, found.messages, at_once=at_once)
        if not forgotten:
            return found
        query = replace(query, passed_over=query.passed_over | forgotten)
    return await _found(store_thread, embedder, replace(query, quotes=False), vectors, at_once=at_once)


async def _found(
    store_thread: StoreThread,
    embedder: Embedder,
    query: "_Query",
    vectors: npt.NDArray[np.float32] | None,
    *,
    at_once: bool,
) -> Recalled:
    try:
        return await store_thread.run(_recall, query, vectors)
    except NoEmbedder:  # the first question ever
        if at_once:
            return await store_thread.run(_recall, query, None)
        await index_missing(store_thread, embedder)
        return await store_thread.run(_recall, query, vectors)
    except WrongVectors as error:  # the embedder's, not the store's: the job that indexes says what to do
        if not at_once:
            raise
        log.warning("Recall goes by words: %s", error)
        return await store_thread.run(_recall, query, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    question: str
    asked: str  # the same as memories are worded
    k: int
    max_k: int
    present: Collection[str]
    limits: Limits  # of the embedder
    passed_over: frozenset[int] = frozenset()  # messages that tell what was forgotten
    quotes: bool = True  # whether messages are quoted
    standing: bool = False  # whether it is told how the user wants such things done


def _recall(db: Connection, query: _Query, vectors: npt.NDArray[np.float32] | None) -> Recalled:
    """`vectors`: of the question as memories word it, and as people do; None: words must do."""
    as_memory, as_said = (None, None) if vectors is None else vectors
    near = [
        one
        for one in nearest_memories(db, query.asked, as_memory)
        if one.cosine >= (query.limits.near_with_words if one.shares_words else query.limits.near)
        or (one.shares_words and not one.has_vector)  # not embedded yet: words must do
    ]
    is_past, many = asks_past(query.question), wants_many(query.question)
    if query.standing and not many:  # these have lines of their own
        near = [one for one in near if one.memory.kind == "fact"]
    near = _few_of_programs(near, query.max_k if many else query.k)
    width = query.max_k if many else _width(near, query.k, query.max_k)
    chosen = [one.memory for one in near[:width]]
    if is_past:
        past = [one for one in _replaced(db, query.question) if one not in chosen and one.trust != PROGRAM]
        chosen += past[: query.max_k - len(chosen)]
    found = quotable_messages(
        db,
        query.question,
        as_said,
        query.k - len(chosen) if query.quotes else 0,
        present=query.present,
        limits=query.limits,
        passed_over=query.passed_over,
    )
    if query.standing:
        chosen += [one for one in _standing(db, query, as_memory) if one not in chosen]
    lines = [
        *_memory_lines(db, chosen, is_past),
        *((one.said_at.date(), quote(one, query.question)) for one in found),
    ]
    return Recalled(
        memories=tuple(sorted(chosen, key=lambda one: (one.valid_from, one.id))),
        best_first=tuple(chosen),
        messages=tuple(found),
        lines=tuple(text for _, text in sorted(lines, key=lambda one: one[0])),
    )


def _few_of_programs(near: list[Ranked], places: int) -> list[Ranked]:
    """Without more of what programs noted than a third of the places: a flood of it leaves the user's word its room."""
    room = itertools.count(max(1, places // PROGRAMS_SHARE), -1)
    return [one for one in near if one.memory.trust != PROGRAM or next(room) > 0]


def _width(near: list[Ranked], k: int, max_k: int) -> int:
    """How many are taken: `k`, and as many more as score about as well as the k-th."""
    if len(near) <= k:
        return len(near)
    floor = near[k - 1].score - FLAT
    return sum(place < k or one.score >= floor for place, one in enumerate(near[:max_k]))


def _standing(db: Connection, query: _Query, vector: npt.NDArray[np.float32] | None) -> list[Memory]:
    """
    How the user wants things done that are like what is asked for, the likest first, and how they want every answer.

    Of many that hold always the newest are taken; one place is left to what is like the question.
    """
    every = memory_queries.standing(db)
    by_id = {one.id: one for one in every if one.kind == "standing"}
    distance = {} if vector is None else distances(db, "memory", by_id, vector)
    near = [id for id, far in distance.items() if 1 - far >= query.limits.near_with_words]
    asked = set(content_words(query.asked))
    shared = {id: len(asked & set(content_words(by_id[id].text))) for id in by_id.keys() - distance.keys()}
    like = sorted(near, key=lambda id: distance[id]) + sorted(
        (id for id in shared if shared[id]), key=lambda id: (-shared[id], -id)
    )
    always = [one for one in every if one.kind == "always"][: STANDING - bool(like)]
    return [*(by_id[id] for id in like[: STANDING - len(always)]), *always]


def _memory_lines(db: Connection, chosen: list[Memory], is_past: bool) -> list[tuple[date, str]]:
    """The narratives with their days; of what changed more than once, all that held before, for a question about it."""
    lines = [(one.valid_from, _told(db, one)) for one in sorted(chosen, key=lambda one: one.id)]
    for memory in chosen if is_past else ():
        for old in memory_queries.before(db, memory)[:-1]:  # the latest is in the narrative
            lines.append((old.valid_from, f"{old.valid_from} to {old.valid_to}: {old.text}"))
    return lines


def _told(db: Connection, memory: Memory) -> str:
    """The narrative; of how the user wants things done, that it is; of what a program noted, that it did."""
    line = memories.narrative(db, memory)
    marks = [load("standing")] if memory.kind != "fact" else []
    return " ".join([line, *marks, *([load("by_program")] if memory.trust == PROGRAM else [])])


def _replaced(db: Connection, question: str) -> list[Memory]:
    """What holds now in the place of memories that the words of a question about the past lead to, best first."""
    asked = set(content_words(question))
    hits = memory_queries.replaced_with(db, sorted(asked), PAST_LOOKED_AT)
    hits = [old for old in hits if _leads_to(asked, old.text)]
    hits.sort(key=lambda old: -len(asked & set(content_words(old.text))))
    lines = (memory_queries.history(db, old.id) for old in hits[:PAST_TAKEN])
    now = [one for line in lines for one in line if one.state == "holds"]
    return list({one.id: one for one in now}.values())


def _leads_to(asked: set[str], text: str) -> bool:
    """Whether a question asks for a name that `text` has, or has half its words from there."""
    return (
        not asked.isdisjoint(value_words(text)) or 2 * len(asked & set(content_words(text))) >= len(asked) > 0
    )


def system_text(lines: Sequence[str], *, tiny: bool = True) -> str | None:
    """
    The system turn that tells the model `lines`; None for no lines: no turn at all.

    Args:
        tiny: the model can nothing but its tasks (`EngineInfo.tiny`); one that talks is told when to leave memories
            aside. Lessons are stored in the tiny one's form, and laid anew for the model that learns them.
    """
    return "\n- ".join([load(RECALL[tiny]), *lines]) if lines else None


def recalled_lines(system: str) -> list[str]:
    """The way back: the lines of a system turn that `system_text` made."""
    return system.split("\n- ")[1:]


def quotable_messages(
    db: Connection,
    question: str,
    vector: npt.NDArray[np.float32] | None,
    k: int,
    *,
    present: Collection[str] = (),
    limits: Limits = MINILM,
    passed_over: Collection[int] = (),
) -> list[Message]:
    """
    Up to `k` messages, best first; their texts are their writers' own words.

    Args:
        vector: embedding of the question without the names of people; None: words must do.
        present: texts of the chat in which the question was asked; they are in front of the model already.
        limits: of the embedder that made `vector`.
        passed_over: ids of messages that are not quoted.
    """
    if k < 1 or not asks(question):
        return []
    near = nearest_turns(db, question, vector, TURNS_LOOKED_AT)
    near = [turn for turn in near if turn.message_id not in passed_over]
    remembered = message_queries.with_memories(db, [turn.message_id for turn in near])
    roles = ("user", "assistant") if asks_of_assistant(question) else ("user",)
    known = {normalised(text) for text in (*present, question)}
    found: list[Message] = []
    for turn in near:
        message = chats.get(db, turn.message_id)
        own = strip_quotes(message.text)  # what it quotes of others is not the user's word
        new = message.role in roles and message.id not in remembered and normalised(message.text) not in known
        if new and _is_near(turn, own, question, None if vector is None else limits):
            known.add(normalised(message.text))
            found.append(replace(message, text=own))
    return found[:k]


def quote(message: Message, question: str) -> str:
    """How a message is quoted: its day, who said it, and the part of it that has most of the question's words."""
    who = one_line(message.speaker) or {"user": "The user", "assistant": "You"}.get(
        message.role, message.role
    )
    return f"{message.said_at.date().isoformat()}: {who} said: {excerpt(message.text, question)}"


def excerpt(text: str, question: str) -> str:
    """
    `text` in one line where it is short, else a passage of it; what is left out is marked, nothing else is changed.

    The passage is the beginning, where people say what they are about, unless another has `MORE` of the question's
    words than it, or the beginning has none.
    """
    if len(text) <= LONGEST_QUOTE:
        return one_line(text)
    text = text[:SEARCHED]
    parts, asked = _parts(text), set(content_words(question))
    shared = [asked & set(content_words(text[start:end])) for start, end in parts]
    place, most = 0, _words_from(0, parts, shared)
    most += MORE - 1 if most else 0
    for at, words in enumerate(shared):
        if words and at and (n := _words_from(at, parts, shared)) > most:
            place, most = at, n
    start = parts[place][0]
    end = start + _PART
    if end < len(text):
        end = max(text.rfind(" ", start, end + 1), start + _PART // 2)
    marks = (_LEFT_OUT if text[:start].strip() else "", _LEFT_OUT[::-1] if text[end:].strip() else "")
    return f"{marks[0]}{one_line(text[start:end])}{marks[1]}"


def _words_from(at: int, parts: Sequence[tuple[int, int]], shared: Sequence[set[str]]) -> int:
    """How many words of the question the passage has that begins with this part."""
    found: set[str] = set()
    for place in range(at, len(parts)):
        if parts[place][1] - parts[at][0] > _PART:
            break
        found |= shared[place]
    return len(found)


def _parts(text: str) -> list[tuple[int, int]]:
    """Where its sentences and lines stand, from and to; a long one is cut at its spaces, or where it has none."""
    found = []
    for sentence in _SENTENCE.finditer(text):
        start, end = sentence.span()
        while end - start > _PART:
            cut = max(text.rfind(" ", start, start + _PART), start) + 1
            cut = cut if cut > start + 1 else start + _PART
            found.append((start, cut))
            start = cut
        if text[start:end].strip():
            found.append((start, end))
    return found or [(0, 0)]


def _is_near(turn: Turn, text: str, question: str, limits: Limits | None) -> bool:
    """`limits`: of the cosine; None: words must do."""
    if asks(text) or len(content_words(text[:1000])) < 2:  # a question answers nothing
        return False
    asked = set(content_words(question))
    shared = asked & set(content_words(text[:10_000]))
    if limits is None:
        return 2 * len(shared) >= len(asked) > 0
    return turn.cosine >= (limits.message_near_with_words if shared else limits.message_near)


def asks(message: str) -> bool:
    """Whether it asks for something: a question mark, or it begins as questions do."""
    return _ASKS.search(message) is not None


def asks_past(question: str) -> bool:
    """Whether it may ask for what was true before."""
    return _PAST.search(question) is not None


def wants_many(question: str) -> bool:
    """Whether one memory can hardly answer it: "which towns ... and when", "what do you know about me"."""
    return _MANY.search(question) is not None


def asks_of_assistant(question: str) -> bool:
    """Whether it asks for what the assistant said: "what did you recommend"."""
    return _OF_ASSISTANT.search(question) is not None
