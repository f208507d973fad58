"""
Turns: the messages that bear on a question, by words, by meaning, by who said them and when, and by what was said
around them.

    question ── words (FTS5, neighbours' columns) ──┐
             ── vector (names of people removed) ───┼─> z-scores, added ─> + what is known of each turn ─> its session
             ── the person and the month it names ──┘

Promises: pure reading; only messages that are held. Runs in the store's thread. Knows nothing of models.
Source: docs/log.md, "Recall of turns": the weights are round numbers set by hand; what each is worth stands there.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from store import full_text, message_queries, vectors
from store.database import Connection, moment
from store.message_queries import MessageInContext
from store.text import base_forms

POOL = 400  # candidates taken from each index
FEATURES = {  # of one turn beside one question, and their weights
    "words": 1.0,  # bm25 over its own and its neighbours' words, as a z-score
    "meaning": 1.0,  # cosine, as a z-score
    "speaker": 2.0,  # +1: said by the one person whom the question names; -1: by another
    "month": 4.0,  # +1: said in a month that the question names, half in the next one; -1: in another
    "asks": -1.0,  # 1: the turn is itself a question
    "answers": 1.0,  # 1: the turn before it is one
    "tells_when": 2.0,  # words of time in it, two at most, when the question asks for a time
}
SESSION = 0.6  # weight of the mean of the best three turns of its chat
BEST_OF_SESSION = 3
_WORD = re.compile(r"[^\W_]+")
_FUNCTION_WORDS = frozenset(
    """
    a an the this that these those there here it its of in on at to for from with by as about into and or but so if
    then than too very just also still now i me my mine myself we us our you your yours he him his you she her hers
    they them their am is are was were be been being do does did done doing have has had having will would can could
    shall should may might must what which who whom whose when where why how many much ever get got not no s t d ll m
    re ve any some all both other over after before during while up down out off again more most such only own same
    because until between through under against
    """.split()
)


_MONTHS = "january february march april may june july august september october november december".split()
_TIMES = frozenset(
    """
    yesterday today tomorrow tonight ago last next week weekend month year morning evening night since recently soon
    monday tuesday wednesday thursday friday saturday sunday
    """.split()
    + _MONTHS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message beside a question."""

    message_id: int
    score: float  # comparable within one ranking only
    cosine: float  # of message and question


def without_names(question: str, names: Collection[str]) -> str:
    """`question` as it is embedded: who is asked about is told by the speaker, and would drown the rest."""
    bare = question
    for name in _mentioned(question, names):
        bare = re.sub(rf"\b{re.escape(name)}(?:['’]s)?(?!\w)", "", bare, flags=re.IGNORECASE)
    return " ".join(bare.split()) or question


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
    cosines: npt.NDArray[np.float64]  # (ids,) with the question; an upper bound where words alone found it


def candidates(db: Connection, question: str, vector: npt.NDArray[np.float32] | None) -> Candidates:
    """Every turn that either index offers, with what is known of it."""
    names = message_queries.speakers(db)
    lexical = dict(full_text.search(db, "message", query_words(question, names), POOL, near=True))
    distance = {} if vector is None else dict(vectors.nearest(db, "message", vector, POOL))
    ids = sorted({*lexical, *distance})
    if not ids:
        return Candidates(ids=[], chats=[], known=np.zeros((0, len(FEATURES))), cosines=np.zeros(0))
    farthest = max(distance.values(), default=1.0)
    held = {one.id: one for one in message_queries.in_context(db, ids)}
    clues = _Clues(question, names)
    known = np.column_stack(
        [
            _z([-lexical.get(id, 0.0) for id in ids]),
            _z([-distance.get(id, farthest) for id in ids]),
            np.array([clues.of(held[id]) for id in ids], dtype=np.float64),
        ]
    )
    cosines = np.array([1.0 - distance.get(id, farthest) for id in ids])
    return Candidates(ids=ids, chats=[held[id].chat_id for id in ids], known=known, cosines=cosines)


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
    return np.array([np.mean(best[chat]) for chat in chats])


class _Clues:
    """What a question says about the turn that answers it, beside its words."""

    def __init__(self, question: str, names: Iterable[str]) -> None:
        named = [
            name
            for name in _mentioned(question, names)
            if re.search(rf"\b{re.escape(name)}\b", question, re.IGNORECASE)
        ]
        self._person = named[0] if len(named) == 1 else None
        self._months = {number for number, name in enumerate(_MONTHS) if _names_month(question, name)}
        self._asks_when = re.match(
            r"\s*(when|what (date|day)|which (date|day|month|year))\b", question, re.IGNORECASE
        )

    def of(self, turn: MessageInContext) -> tuple[float, ...]:
        """The features of `turn` that need no index, in the order of `FEATURES`."""
        speaker = 0 if self._person is None else 1 if turn.speaker == self._person else -1
        times = sum(word in _TIMES for word in _WORD.findall(turn.text.lower())) if self._asks_when else 0
        return speaker, self._month(turn), "?" in turn.text, "?" in turn.before, min(2, times)

    def _month(self, turn: MessageInContext) -> float:
        if not self._months:
            return 0.0
        month = moment(turn.said_at).month - 1
        return 1.0 if month in self._months else 0.5 if (month - 1) % 12 in self._months else -1.0


def _names_month(question: str, month: str) -> bool:
    """ "may" is a month with a capital only."""
    return re.search(rf"\b{month.title()}\b", question, 0 if month == "may" else re.IGNORECASE) is not None


def query_words(question: str, names: Collection[str]) -> str:
    """The words of `question` that the index is asked for."""
    spoken = {part.lower() for name in names for part in _WORD.findall(name)}
    asked = dict.fromkeys(_WORD.findall(base_forms(question.lower())))
    return " ".join(word for word in asked if word not in _FUNCTION_WORDS and word not in spoken)


def _z(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Each value in standard deviations from their mean; all 0 where they don't differ."""
    every = np.array(values, dtype=np.float64)
    spread = every.std()
    return (every - every.mean()) / spread if spread > 1e-9 else np.zeros(len(every))
