"""
Items as token sequences: one for each chat, with every turn of the assistant as an answer to be foretold.

    Item ──> the engine's tokens of each turn ──> Cut ──> Sequences and Targets of one step

The targets of an item are its own words, as if they were certain; those of a base's own words are what the base expects
there, which keeps its other words as likely as they were.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engine.client import Engine
from models.skills import own_words
from models.skills.items import Item, Messages, several
from models.skills.slots import day
from trainer.backend import Backend, Ints, Sequences, Targets, join, pack
from trainer.targets import NEVER, finite

D = 5  # tokens that the base expects, kept for each token of an answer
CHOICE = 12  # times that a token which decides something counts
OPENING, OPENING_COUNTS = (
    8,
    5,
)  # tokens in which an answer of the base's own takes its way, and how often each counts
BESIDE = 0.5  # share of the base's own words that are learned with memories beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A chat as the model reads it."""

    tokens: tuple[int, ...]
    answers: tuple[tuple[int, int], ...]  # first and behind the last token of each
    choices: tuple[int, ...] = ()  # places of the tokens that decide something, and count for more
    teacher: tuple[int, ...] | None = None  # what the base reads before the answer, where it is the teacher


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnItem(Item):
    """A chat whose last answer is the base's own; `alone`: the same without the memories that the student reads."""

    alone: Messages


def own_item(rng: random.Random, rows: Sequence[own_words.Row]) -> OwnItem:
    """One of `rows`, half of the time with memories beside that the answer is none of."""
    row = rng.choice(rows)
    messages = row.messages
    if rng.random() < BESIDE:
        on = sorted(day(rng) for _ in range(own_words.MOST_BESIDE))
        held = several(rng, own_words.MOST_BESIDE, set())
        lines = [f"{when}: {filler.fill(one.text)}" for when, (one, filler) in zip(on, held, strict=True)]
        messages = own_words.beside(rng, row, lines)
    return OwnItem(task="own", messages=messages, alone=row.messages[:-1])


async def cut(engine: Engine, items: Sequence[Item]) -> list[Cut]:
    """`items` as tokens of the model that `engine` serves."""
    turns = [_replies(one) for one in items]
    pairs = iter(await engine.tokenise([(before, reply) for some in turns for before, reply, _ in some]))
    instead = [(before, other) for some in turns for before, _, others in some for other in others]
    swapped = iter(await engine.tokenise(instead))
    alone = iter(await engine.tokenise([(one.alone, None) for one in items if isinstance(one, OwnItem)]))
    found: list[Cut] = []
    for one, some in zip(items, turns, strict=True):
        replies = [_cut_reply(*next(pairs), [next(swapped)[1] for _ in others]) for _, _, others in some]
        found += _joined(replies, tuple(next(alone)[0]) if isinstance(one, OwnItem) else None)
    return found


def _replies(item: Item) -> list[tuple[Messages, str, tuple[str, ...]]]:
    """
    What stands before each turn of the assistant, that turn, and what it could have been; of the base's own words the
    last one.
    """
    places = [place for place, turn in enumerate(item.messages) if turn["role"] == "assistant"]
    some = places[-1:] if isinstance(item, OwnItem) else places
    return [
        (item.messages[:place], item.messages[place]["content"], item.others.get(place, ())) for place in some
    ]


Reply = tuple[list[int], list[int], list[int]]  # tokens before, its own, and which of these decide something


def _cut_reply(before: list[int], own: list[int], others: Sequence[Sequence[int]]) -> Reply:
    differ = (_first_difference(own, other) for other in others)
    return before, own, sorted({place for place in differ if place is not None})


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The first place where the tokens differ; None: they don't, such as two spellings that a tokenizer reads alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, its) in pairs if mine != its), None)


def _joined(replies: Sequence[Reply], teacher: tuple[int, ...] | None) -> Iterator[Cut]:
    """One sequence where each turn's prompt goes on from the one before, as most templates have it; else several."""
    tokens: list[int] = []
    answers: list[tuple[int, int]] = []
    decisive: list[int] = []

    def made() -> Cut:
        return Cut(tokens=tuple(tokens), answers=tuple(answers), choices=tuple(decisive), teacher=teacher)

    for prompt, answer, choices in replies:
        if answers and prompt[: len(tokens)] != tokens:
            yield made()
            answers, decisive = [], []
        tokens = [*prompt, *answer]
        answers.append((len(prompt), len(tokens)))
        decisive += [len(prompt) + choice for choice in choices]
    yield made()


class Teacher:
    """What the base expects in its own answers; it is asked once for each."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], Targets] = {}

    def expects(self, lessons: Sequence[Cut]) -> list[Targets]:
        """Of each lesson, at the tokens of its one answer."""
        keys = [(one.teacher or (), one.tokens[slice(*one.answers[0])]) for one in lessons]
        if unknown := [key for key in dict.fromkeys(keys) if key not in self._known]:
            said = finite(self._backend.teach(pack(unknown), D))
            ends = np.cumsum([len(answer) for _, answer in unknown])
            for end, key in zip(ends, unknown, strict=True):
                self._known[key] = said.part(slice(int(end) - len(key[1]), int(end)))
        return [self._known[key] for key in keys]


def batch_of(lessons: Sequence[Cut], teacher: Teacher) -> tuple[Sequences, Targets]:
    """The lessons of one step, like beginnings side by side, and what is to be foretold."""
    ordered = sorted(lessons, key=lambda one: one.tokens)
    places = [_places(one) for one in ordered]
    expected = iter(teacher.expects([one for one in ordered if one.teacher is not None]))
    targets = [
        next(expected).part(mine - one.answers[0][0])
        if one.teacher is not None
        else _certain([one.tokens[place] for place in mine])
        for one, mine in zip(ordered, places, strict=True)
    ]
    starts = np.cumsum([0, *(len(one.tokens) for one in ordered[:-1])])
    sequences = Sequences(
        tokens=np.array([token for one in ordered for token in one.tokens], np.int64),
        lengths=np.array([len(one.tokens) for one in ordered], np.int64),
        places=np.concatenate([start + mine - 1 for start, mine in zip(starts, places, strict=True)]),
        answers=np.array(
            [one.tokens[place] for one, mine in zip(ordered, places, strict=True) for place in mine], np.int64
        ),
    )
    return sequences, join(targets)


def _places(lesson: Cut) -> Ints:
    """The places of the answers' tokens, each as often as it counts."""
    places = np.concatenate([np.arange(first, last) for first, last in lesson.answers])
    if lesson.teacher is not None:
        return np.repeat(places, np.where(np.arange(len(places)) < OPENING, OPENING_COUNTS, 1))
    return np.repeat(places, np.where(np.isin(places, lesson.choices), CHOICE, 1))


def _certain(answer: Sequence[int]) -> Targets:
    """`answer` as if nothing else could be said; tokens that are as good as impossible fill the other places."""
    tokens = np.array(answer, np.int64)[:, None]
    others = (tokens + np.arange(1, D)) % (tokens.max() + 1)
    logp = np.full((len(answer), D), NEVER, np.float32)
    logp[:, 0] = 0.0
    return Targets(
        tokens=np.concatenate([tokens, others], 1),
        logp=logp,
        rest=np.full(len(answer), NEVER, np.float32),
    )
