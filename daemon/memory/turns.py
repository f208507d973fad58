"""
Turns: the messages that bear on a question, by words, by meaning, by who said them and when, and by what was said
around them.

    question ── words (FTS5, neighbours' columns) ──┐
             ── vector (names of people removed) ───┼─> z-scores, added ─> + what is known of each turn ─> + its session
             ── the person and the month it names ──┘

Promises: pure reading; only messages that are held. Runs in the keeper's thread. Knows nothing of models.
Source: docs/log.md, "Recall of turns": every weight was set by hand and measured there; none is fitted.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from store import vectors, words
from store.base_forms import base_forms
from store.database import id_list, moment, rows

POOL = 400  # candidates taken from each index
MEANING = 0.5  # of the cosine's z-score, beside 1 for that of the words
SPEAKER = 1.0  # +: said by the one person whom the question names; -: by another
MONTH = 1.0  # +: said in a month that the question names, half in the next one; -: in another
ASKS = -0.5  # the turn is itself a question
ANSWERS = 0.3  # the turn before it is one
TELLS_WHEN = 0.5  # for each word of time, two at most, when the question asks for a time
SESSION = 0.4  # of the mean of the best three turns of its chat
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


def people(db: Any) -> list[str]:
    """Everyone who speaks in what is held, by the names of the exports."""
    return [name for (name,) in rows(db, "select distinct speaker from messages where speaker <> ''")]


def without_names(question: str, names: Collection[str]) -> str:
    """`question` as it is embedded: who is asked about is told by the speaker, and would drown the rest."""
    bare = question
    for name in names:
        bare = re.sub(rf"\b{re.escape(name)}(?:['’]s)?(?!\w)", "", bare, flags=re.IGNORECASE)
    return " ".join(bare.split()) or question


def nearest_turns(db: Any, question: str, vector: npt.NDArray[np.float32], k: int) -> list[Turn]:
    """The `k` messages nearest to `question`, best first; `vector` is that of `without_names(question)`."""
    names = people(db)
    lexical = dict(words.search(db, "message", query_words(question, names), POOL, near=True))
    distance = dict(vectors.nearest(db, "message", vector, POOL))
    ids = sorted({*lexical, *distance})
    if not ids:
        return []
    farthest = max(distance.values(), default=1.0)
    score = _z([-lexical.get(id, 0.0) for id in ids]) + MEANING * _z(
        [-distance.get(id, farthest) for id in ids]
    )
    held = {row[0]: _Held(*row) for row in rows(db, _HELD, (id_list(ids),))}
    clues = _Clues(question, names)
    score += np.array([clues.weigh(held[id]) for id in ids])
    score += SESSION * _session_means(score, [held[id].chat_id for id in ids])
    order = np.lexsort((ids, -score))[:k]
    return [Turn(message_id=ids[place], score=float(score[place])) for place in order]


_HELD = """select m.id, m.chat_id, m.speaker, m.text, m.said_at, coalesce(parent.text, '') from messages m
    left join messages parent on parent.id = m.parent_id where m.id in (select value from json_each(?))"""


@dataclass(frozen=True, slots=True)
class _Held:
    id: int
    chat_id: int
    speaker: str
    text: str
    said_at: str
    before: str  # the text of the message before it


class _Clues:
    """What a question says about the turn that answers it, beside its words."""

    def __init__(self, question: str, names: Iterable[str]) -> None:
        named = [name for name in names if re.search(rf"\b{re.escape(name)}\b", question, re.IGNORECASE)]
        self._person = named[0] if len(named) == 1 else None
        self._months = {number for number, name in enumerate(_MONTHS) if _names_month(question, name)}
        self._asks_when = re.match(
            r"\s*(when|what (date|day)|which (date|day|month|year))\b", question, re.IGNORECASE
        )

    def weigh(self, turn: _Held) -> float:
        """How well `turn` fits, in standard deviations of the score of words."""
        weight = ASKS * ("?" in turn.text) + ANSWERS * ("?" in turn.before)
        if self._person is not None:
            weight += SPEAKER if turn.speaker == self._person else -SPEAKER
        if self._months:
            month = moment(turn.said_at).month - 1
            weight += MONTH * (
                1 if month in self._months else 0.5 if (month - 1) % 12 in self._months else -1
            )
        if self._asks_when:
            weight += TELLS_WHEN * min(2, sum(word in _TIMES for word in _WORD.findall(turn.text.lower())))
        return weight


def _names_month(question: str, month: str) -> bool:
    """ "may" is a month with a capital only."""
    return re.search(rf"\b{month.title()}\b", question, 0 if month == "may" else re.IGNORECASE) is not None


def query_words(question: str, names: Collection[str]) -> str:
    """The words of `question` that the index is asked for."""
    spoken = {part.lower() for name in names for part in _WORD.findall(name)}
    asked = dict.fromkeys(_WORD.findall(base_forms(question.lower())))
    return " ".join(word for word in asked if word not in _FUNCTION_WORDS and word not in spoken)


def _session_means(score: npt.NDArray[np.float64], chats: Sequence[int]) -> npt.NDArray[np.float64]:
    """For each turn the mean of the best scores in its chat."""
    best: dict[int, list[float]] = {}
    for chat, value in sorted(zip(chats, score, strict=True), key=lambda one: -one[1]):
        if len(best.setdefault(chat, [])) < BEST_OF_SESSION:
            best[chat].append(value)
    return np.array([np.mean(best[chat]) for chat in chats])


def _z(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Each value in standard deviations from their mean; all 0 where they don't differ."""
    every = np.array(values, dtype=np.float64)
    spread = every.std()
    return (every - every.mean()) / spread if spread > 1e-9 else np.zeros(len(every))
