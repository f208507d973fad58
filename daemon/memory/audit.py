"""
Audit: which memories look like junk, and why.

    duplicate       the same words as an older one
    near duplicate  the same content words, or a cosine from which the embedder takes two sentences for one
    system prompt   says again what a client's system prompt says
    loop            drawn from the assistant's words alone, or says again what an older memory said
    never recalled  kept for a while, and recalled for no question yet

Nothing is changed; the oldest of several that say the same counts as good.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from daemon.embedding.choices import MINILM
from daemon.text import content_words, normalised
from store.memory_queries import Memory, Survey

FEWEST_WORDS = 2  # content words that a memory must have to be compared with a longer text
SHARE = 0.5  # of the content words of a sentence in a system prompt that a memory must say
BLOCK = 1024  # rows of a similarity matrix made at once
JUNK = ("duplicate", "near duplicate", "system prompt", "loop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One memory that may be junk."""

    memory_id: int
    text: str
    kind: str  # one of `JUNK`, or "never recalled"
    like: int | None  # the older memory that it repeats
    why: str  # for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit found."""

    held: int  # memories that hold
    junk: int  # of them, those suspected of more than never being recalled
    suspects: tuple[Suspect, ...]  # by kind, then oldest first; each memory once


def audit(found: Survey, *, now: datetime, near: float = MINILM.duplicate, unused_days: int = 30) -> Report:
    """
    Look through all memories that hold.

    Args:
        near: cosine from which the embedder of the vectors takes two sentences for one.
        unused_days: a younger one may still be recalled.
    """
    words = {memory.id: frozenset(content_words(memory.text)) for memory in [*found.held, *found.past]}
    junk: dict[int, Suspect] = {}
    for suspect in (
        *_duplicates(found.held),
        *_near_duplicates(found, words, near),
        *_restated_prompts(found, words),
        *_loops(found, words),
    ):
        junk.setdefault(suspect.memory_id, suspect)
    listed = sorted(junk.values(), key=lambda one: (JUNK.index(one.kind), one.memory_id))
    before = now - timedelta(days=unused_days)
    unused = [one for one in _never_recalled(found, before) if one.memory_id not in junk]
    return Report(held=len(found.held), junk=len(junk), suspects=(*listed, *unused))


def _duplicates(held: Iterable[Memory]) -> Iterator[Suspect]:
    first: dict[str, int] = {}
    for memory in held:
        older = first.setdefault(normalised(memory.text), memory.id)
        if older != memory.id:
            yield _suspect(memory, "duplicate", f"the same words as memory {older}", like=older)


def _near_duplicates(found: Survey, words: Mapping[int, frozenset[str]], near: float) -> Iterator[Suspect]:
    first: dict[frozenset[str], int] = {}
    for memory in found.held:
        older = first.setdefault(words[memory.id], memory.id) if words[memory.id] else memory.id
        if older != memory.id:
            yield _suspect(memory, "near duplicate", f"says the same as memory {older}", like=older)
    by_id = {memory.id: memory for memory in found.held}
    for newer, older, cosine in _near_pairs(found, near):
        why = f"means the same as memory {older} (cosine {cosine:.2f})"
        yield _suspect(by_id[newer], "near duplicate", why, like=older)


def _near_pairs(found: Survey, near: float) -> Iterator[tuple[int, int, float]]:
    """Per memory whose vector is near that of an older one: both ids, and the cosine to the nearest."""
    if len(found.vector_ids) < 2:
        return
    unit = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    for start in range(0, len(unit), BLOCK):
        cosines = unit[start : start + BLOCK] @ unit[: start + BLOCK].T
        cosines[~np.tri(len(cosines), cosines.shape[1], start - 1, dtype=bool)] = -1.0  # only what is older
        nearest = cosines.argmax(axis=1)
        for row, column in enumerate(nearest):
            if cosines[row, column] >= near:
                ids = found.vector_ids[start + row], found.vector_ids[column]
                yield *ids, float(cosines[row, column])


def _restated_prompts(found: Survey, words: Mapping[int, frozenset[str]]) -> Iterator[Suspect]:
    parts = {part for text in found.system_texts for part in re.split(r"[.!?。！？؟\n]+", text)}
    sentences = {frozenset(content_words(part)) for part in parts}
    prompts = _Sentences({place: said for place, said in enumerate(sentences) if said})
    for memory in found.held:
        said = words[memory.id]
        if len(said) >= FEWEST_WORDS and any(
            len(said) >= SHARE * len(longer) for _, longer in prompts.saying(said)
        ):
            yield _suspect(memory, "system prompt", "says again what a client's system prompt says")


def _loops(found: Survey, words: Mapping[int, frozenset[str]]) -> Iterator[Suspect]:
    for memory in found.held:
        if found.source_roles.get(memory.id) == frozenset(("assistant",)):
            yield _suspect(memory, "loop", "only the assistant said it, never the user")
    every = {memory.id: memory for memory in [*found.held, *found.past]}
    known = _Sentences({id: words[id] for id in every if words[id]})
    for memory in found.held:
        said = words[memory.id]
        if len(said) < FEWEST_WORDS:
            continue
        older = [
            every[id]
            for id, _ in known.saying(said)
            if id < memory.id and _newest(every, every[id]) != memory.id
        ]
        if older:
            what = {"holds": "holds", "replaced": "was replaced", "undone": "was taken back"}[older[0].state]
            why = f"says no more than memory {older[0].id}, which {what}"
            yield _suspect(memory, "loop", why, like=older[0].id)


def _never_recalled(found: Survey, before: datetime) -> Iterator[Suspect]:
    for memory in found.held:
        made_at = found.made_at.get(memory.id)
        if memory.id not in found.recalls and made_at is not None and made_at <= before:
            why = f"held since {made_at.date().isoformat()}, and no question has called for it"
            yield _suspect(memory, "never recalled", why)


def _newest(every: Mapping[int, Memory], memory: Memory) -> int:
    """The id of what holds in the place of `memory`; its own when it was taken back."""
    while memory.superseded_by not in (None, memory.id) and memory.superseded_by in every:
        memory = every[memory.superseded_by]
    return memory.id


def _suspect(memory: Memory, kind: str, why: str, *, like: int | None = None) -> Suspect:
    return Suspect(memory_id=memory.id, text=memory.text, kind=kind, like=like, why=why)


class _Sentences:
    """Sets of words, found by some of their words."""

    def __init__(self, sentences: Mapping[int, frozenset[str]]) -> None:
        self._sentences = sentences
        self._with: defaultdict[str, list[int]] = defaultdict(list)
        for place, said in sorted(sentences.items()):
            for word in said:
                self._with[word].append(place)

    def saying(self, words: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
        """Those that have all of `words`, by their number."""
        rarest = min((self._with.get(word, []) for word in words), key=len)
        return ((place, self._sentences[place]) for place in rarest if words <= self._sentences[place])
