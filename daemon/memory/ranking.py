"""
Ranking: the memories and the messages nearest to a question, by words and by meaning (hybrid retrieval, reranked).

    memories   words (FTS5) and vector ── z-scores, added ──> best first
    messages   its share of the question's words, by rarity, and its neighbours' ──┐
               cosine with the question, without the names of people ──────────────┼─ weighted ─> + its chat's best
               who said it, whether it asks, the person and the month named ───────┘

Runs in the store's thread and only reads. Scores compare within one ranking; cosines are given too, for floors. Where
no word of a question tells anything, its messages come in the order of their cosines, kind by kind.
One set of weights, for talk between people and for chats with an assistant: round numbers near a listwise fit to both.
Source: docs/log.md, "Recall in chats with an assistant", has what each is worth.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.text import MONTHS, STOP_WORDS, WORDS_OF_RELATION, content_words, in_english
from store import full_text, memories, message_queries, programs, vectors
from store.database import Connection, moment
from store.memories import Memory
from store.message_queries import Said
from store.text import is_letter, words

MEMORY_POOL = 60  # candidates taken from each index
PROGRAMS_POOL = 900  # more of them, at most, where programs have added memories
MESSAGE_POOL = 400
WORDS_ELSEWHERE = 0.5  # what words count in a question that is not English: its stop words are not known
FEATURES = {  # of a turn and a question, and their weights
    "words": 5.0,  # the share of the question's words, by rarity, that it or its neighbours have
    "meaning": 6.5,  # cosine
    "assistant": -2.5,  # 1: the assistant said it
    "asks": -0.5,  # 1: it is itself a question
    "speaker": 1.5,  # +1: said by the one person whom the question names; -1: by another
    "month": 3.0,  # +1: said in a month that the question names, half in the next one; -1: in another
}
SESSION = 0.5  # weight of the mean of the best three turns of its chat
BEST_OF_SESSION = 3
WORDS_OF = (0.83, 0.67, 0.5, 0.33)  # what a word counts in the turn itself, before, after, two steps away
SHORT = 400  # bytes of a neighbour whose words count in full; of one that is twice as long, half
TELLING = 3.0  # the rarity that a question's words need together to count in full, in nats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One memory that holds, with how near it is to a text."""

    memory: Memory
    score: float  # fused; comparable within one ranking only
    cosine: float  # -1..1
    shares_words: bool  # a content word in common, also after stemming
    has_vector: bool = True  # False: the cosine is unknown, until it, or the question, was embedded


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message with how well it bears on a question."""

    message_id: int
    score: float  # comparable within one ranking only
    cosine: float  # of message and question


def nearest_memories(db: Connection, text: str, vector: npt.NDArray[np.float32] | None) -> list[Ranked]:
    """
    The memories that hold and are nearest to `text`, best first; at most 2 * MEMORY_POOL, or more of programs.

    Args:
        vector: embedding of `text`; None: by words alone.
    """
    pool = MEMORY_POOL + min(programs.held(db), PROGRAMS_POOL)  # so that no flood crowds out the user's own
    distance = {} if vector is None else dict(vectors.nearest(db, "memory", vector, pool))
    matched = dict(full_text.search(db, "memory", " ".join(content_words(text)), pool))
    found = memories.several(db, {*distance, *matched})
    if not found:
        return []
    farthest = max(distance.values(), default=1.0)
    cosines = [1.0 - distance.get(one.id, farthest) for one in found]
    lexical = [abs(matched.get(one.id, 0.0)) for one in found]
    unmeasured = matched.keys() - distance.keys()
    unknown = unmeasured if vector is None else vectors.without(db, "memory", unmeasured)
    by_words = 1.0 if in_english(text) else WORDS_ELSEWHERE
    fused = _standard_scores(cosines) + by_words * _standard_scores(lexical)
    ranked = [
        Ranked(
            memory=one,
            score=float(score),
            cosine=cosine,
            shares_words=one.id in matched,
            has_vector=one.id not in unknown,
        )
        for one, score, cosine in zip(found, fused, cosines, strict=True)
    ]
    return sorted(ranked, key=lambda one: (-one.score, -one.memory.id))


def without_names(question: str, names: Collection[str]) -> str:
    """`question` as it is embedded: who is asked about follows from the speaker, and would drown the rest."""
    bare = question
    for name in _mentioned(question, names):
        bare = re.sub(_whole(name, end="(?:['’]s)?"), "", bare, flags=re.IGNORECASE)
    return " ".join(bare.split()) or question


def _whole(name: str, end: str = "") -> str:
    """A pattern of `name` as a whole word; where its script sets no spaces, anywhere."""
    before = "" if is_letter(name[:1]) else r"(?<!\w)"
    after = "" if is_letter(name[-1:]) else r"(?!\w)"
    return f"{before}{re.escape(name)}{end}{after}"


def _mentioned(question: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that may stand in `question`; there may be thousands."""
    lower = question.lower()
    return [name for name in names if name.lower() in lower]


def nearest_turns(
    db: Connection, question: str, vector: npt.NDArray[np.float32] | None, k: int
) -> list[Turn]:
    """The `k` messages nearest to `question`, best first; `vector`: of `without_names(question)`, None: by words."""
    found = candidates(db, question, vector)
    score = scores(found)
    order = np.lexsort((np.array(found.ids), -score))[:k]
    return [
        Turn(message_id=found.ids[place], score=float(score[place]), cosine=float(found.cosines[place]))
        for place in order
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The turns that may bear on a question."""

    ids: list[int]
    chats: list[int]  # of each, the chat it stands in
    known: npt.NDArray[np.float64]  # (ids, FEATURES)
    cosines: npt.NDArray[np.float64]  # (ids,) with the question; an upper bound where it has no vector


def candidates(db: Connection, question: str, vector: npt.NDArray[np.float32] | None) -> Candidates:
    """The turns that either index offers, with what is known of them."""
    names = message_queries.speakers(db)
    ids, share = _shares_of_words(db, query_words(question, names))
    shares = dict(zip(ids.tolist(), share.tolist(), strict=True))
    lexical = ids[np.lexsort((-ids, -share))[:MESSAGE_POOL]].tolist()
    distance: dict[int, float] = {}
    if vector is not None:
        distance = dict(vectors.nearest(db, "message", vector, MESSAGE_POOL))
        distance |= vectors.distances(db, "message", set(lexical) - distance.keys(), vector)
    said = message_queries.said(db, {*lexical, *distance})
    if not said:
        return Candidates(ids=[], chats=[], known=np.zeros((0, len(FEATURES))), cosines=np.zeros(0))
    farthest = max(distance.values(), default=1.0)
    cosines = np.array([1.0 - distance.get(one.id, farthest) for one in said])
    clues = _Clues(question, names)
    known = np.column_stack(
        [
            np.array([shares.get(one.id, 0.0) for one in said]),
            cosines,
            np.array([clues.of(one) for one in said], dtype=np.float64).reshape(-1, 4),
        ]
    )
    return Candidates(
        ids=[one.id for one in said], chats=[one.chat_id for one in said], known=known, cosines=cosines
    )


def _shares_of_words(db: Connection, query: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """
    How much of the words of a question, by their rarity, each message has, it or those around it: ids, and 0 to 1.

    Words around it count less, and those of a long message little: it has some of every question's words.
    """
    hits = full_text.hits_by_word(db, "message", query)
    rarity = np.array([one.rarity for one in hits])
    if not hits:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    links = message_queries.surroundings(db, {id for one in hits for id in one.ids})
    has = np.zeros((len(hits), len(links)))
    for row, one in enumerate(hits):
        has[row, np.searchsorted(links[:, 0], np.fromiter(one.ids, dtype=np.int64))] = 1.0
    return links[:, 0], rarity @ _with_neighbours(has, links) / max(rarity.sum(), TELLING)


def _with_neighbours(has: npt.NDArray[np.float64], links: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """
    Whether each message has each word, or may mean it: 0 to 1, of (words, messages) with 1 where it stands there.

    Args:
        links: (messages, 3), as `message_queries.surroundings` gives them.
    """
    ids, parent_ids = links[:, 0], links[:, 1]
    parents = np.searchsorted(ids, parent_ids)
    parents[(parents == len(ids)) | (np.append(ids, 0)[parents] != parent_ids)] = len(
        ids
    )  # that column: none
    spread = has * np.minimum(1.0, SHORT / np.maximum(1, links[:, 2]))
    before, after = _moved(spread, parents)
    two_before, _ = _moved(before, parents)
    _, two_after = _moved(after, parents)
    lacks = np.ones_like(has)
    for weight, found in zip(WORDS_OF, (has, before, after, np.maximum(two_before, two_after)), strict=True):
        lacks *= 1 - weight * found
    return 1 - lacks


def _moved(
    values: npt.NDArray[np.float64], parents: npt.NDArray[np.int_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each message the value of the one before it, and the highest of those after it."""
    n = len(parents)
    before = np.pad(values, ((0, 0), (0, 1)))[:, parents]
    after = np.zeros((n + 1, len(values)))
    np.maximum.at(after, parents, values.T)
    return before, after[:n].T


def scores(
    found: Candidates, weights: Mapping[str, float] = FEATURES, session: float = SESSION
) -> npt.NDArray[np.float64]:
    """How well each turn bears on the question; a feature that `weights` leaves out counts nothing."""
    own: npt.NDArray[np.float64] = found.known @ np.array([weights.get(name, 0.0) for name in FEATURES])
    return own + session * session_means(own, found.chats)


def session_means(score: npt.NDArray[np.float64], chats: Sequence[int]) -> npt.NDArray[np.float64]:
    """For each turn the mean of the best scores in its chat."""
    best: dict[int, list[float]] = {}
    for chat, value in sorted(zip(chats, score, strict=True), key=lambda one: -one[1]):
        if len(best.setdefault(chat, [])) < BEST_OF_SESSION:
            best[chat].append(value)
    means = {chat: sum(few) / len(few) for chat, few in best.items()}
    return np.array([means[chat] for chat in chats])


class _Clues:
    """What a question says about the turn that answers it, besides its words."""

    def __init__(self, question: str, names: Iterable[str]) -> None:
        named = [
            name for name in _mentioned(question, names) if re.search(_whole(name), question, re.IGNORECASE)
        ]
        self._person = named[0] if len(named) == 1 else None
        self._months = {number for number, name in enumerate(MONTHS) if _names_month(question, name)}

    def of(self, turn: Said) -> tuple[float, float, float, float]:
        """The features of `turn` that need no index, in the order of `FEATURES`."""
        speaker = 0 if self._person is None else 1 if turn.speaker == self._person else -1
        return float(turn.role == "assistant"), float(turn.asks), speaker, self._month(turn)

    def _month(self, turn: Said) -> float:
        if not self._months:
            return 0.0
        month = moment(turn.said_at).month - 1
        return 1.0 if month in self._months else 0.5 if (month - 1) % 12 in self._months else -1.0


def _names_month(question: str, month: str) -> bool:
    """ "may" is a month with a capital only."""
    return re.search(rf"\b{month.title()}\b", question, 0 if month == "may" else re.IGNORECASE) is not None


def query_words(question: str, names: Collection[str]) -> str:
    """The words of `question` that the index is asked for."""
    skipped = STOP_WORDS | WORDS_OF_RELATION | {word for name in names for word in words(name)}
    return " ".join(word for word in words(question) if word not in skipped)


def _standard_scores(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Each value in standard deviations from their mean; all 0 where they don't differ."""
    every = np.array(values, dtype=np.float64)
    spread = every.std()
    return (every - every.mean()) / spread if spread > 1e-9 else np.zeros(len(every))
