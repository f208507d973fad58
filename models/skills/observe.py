"""
Observe: dated chats, and what lasts in them, often nothing.

    scenes, facts told in passing, asides, questions ──> one chat ──> dated sentences in the order they were told
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from models.skills import own_words
from models.skills.items import Item, about, say, several
from models.skills.slots import (
    SLIPS,
    Fact,
    Filler,
    Scene,
    dated,
    day,
    days_back,
    facts,
    frames,
    scenes,
    slip,
    slots_of,
    statements,
    values,
)
from prompts.load import task

LEARNT = 0.25  # of the run: from here on chats are as long and as empty as they will be
EMPTY = 0.3  # share of chats in which nothing lasts
BROKEN_OFF = 0.3  # share of scenes without facts of which only the beginning comes
NAMED = 0.07  # share of chats between two people with names
STATEMENTS = 0.35  # share of what is told outside scenes that is no fact to be asked for
CHATS = (
    1,
    1,
    1,
    1,
    1,
    2,
    2,
    2,
    2,
    3,
)  # in one item: the instruction before them takes as many tokens as a short chat
LAST_WORD = 0.15  # share of chats that the assistant doesn't have the last word in
LONGEST = 2300  # characters of a chat, about
_WHEN = re.compile(r"\b(yesterday|today|tonight|last|ago|this|just|tomorrow|next|on|in \d{4})\b")
_SAD = re.compile(
    r"\b(died|death|broke|broken|lost|stolen|hospital|pain|hurts?|ill|allerg\w+|diagnosed|notice)\b"
)
_YESTERDAY = re.compile(r"\b(yesterday|last night)\b")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a chat: turns as (who, text), and the sentences that last, each with how many days ago it was."""

    turns: tuple[tuple[str, str], ...]
    noted: tuple[tuple[str, int], ...] = ()


def item(rng: random.Random, share: float) -> Item:
    """Dated chats, half of the time one alone -> what lasts in each; short ones with facts while `share` is small."""
    hard, messages = min(1.0, share / LEARNT), task("observe", taught=True)
    others: dict[int, tuple[str, ...]] = {}
    for _ in range(rng.choice(CHATS)):
        if sum(len(one["content"]) for one in messages[1:]) < LONGEST / 2:
            chat, sentences = _chat(rng, hard)
            messages.append(say("user", chat))
            others[len(messages)] = tuple(_list(some) for some in _longer_and_shorter(sentences))
            messages.append(say("assistant", _list(sentences)))
    return Item(task="observe", messages=messages, others=others)


def _list(sentences: Sequence[str]) -> str:
    return json.dumps(sentences, ensure_ascii=False)


def _longer_and_shorter(sentences: Sequence[str]) -> Iterator[Sequence[str]]:
    """One sentence more, and the lists that end before each."""
    yield [*sentences, "today: The user"]
    for end in range(len(sentences)):
        yield sentences[:end]


def _chat(rng: random.Random, hard: float) -> tuple[str, list[str]]:
    """A dated chat, and what lasts in it."""
    on, taken = day(rng), set[str]()
    pieces = [make(rng, on, taken) for make in _plan(rng, hard)]
    while len(pieces) > 1 and sum(len(text) for one in pieces for _, text in one.turns) > LONGEST:
        pieces.pop(rng.randrange(len(pieces)))
    pieces = [_answered(rng, one) for one in pieces[:-1]] + pieces[-1:]
    if rng.random() > LAST_WORD:
        pieces[-1] = _answered(rng, pieces[-1])
    elif len(pieces[-1].turns) == 2 and not any(
        text.startswith("The assistant") for text, _ in pieces[-1].noted
    ):
        pieces[-1] = replace(pieces[-1], turns=pieces[-1].turns[:1])
    if rng.random() < NAMED:
        pieces = _between_two(rng, pieces)
    turns = [turn for piece in pieces for turn in piece.turns]
    sentences = [dated(text, back, on) for piece in pieces for text, back in piece.noted]
    return as_text(turns, on), sentences


def _answered(rng: random.Random, piece: Piece) -> Piece:
    """The same with a short reply behind it where the user has the last word."""
    if piece.turns[-1][0] == "assistant":
        return piece
    return replace(piece, turns=(*piece.turns, ("assistant", Filler(rng=rng).fill("{ack}"))))


def as_text(turns: Iterable[tuple[str, str]], on: date) -> str:
    """A chat as the daemon lays it before a model that was taught."""
    return "\n".join([*(f"{who}: {text}" for who, text in turns), "Date:", on.isoformat()])


Maker = Callable[[random.Random, date, set[str]], Piece]


def _plan(rng: random.Random, hard: float) -> list[Maker]:
    """Which parts the chat has, in order."""
    idle: tuple[Maker, ...] = (idle_scene, idle_scene, idle_scene, asked, framed, general)
    if rng.random() < 0.02 + (EMPTY - 0.02) * hard:
        return rng.choices(idle, k=rng.choice((1, 1, 1, 2, 3)))
    many = (1, 1, 1, 2, 2, 3) if rng.random() < hard else (1, 1, 1, 2)
    telling: tuple[Maker, ...] = (telling_scene, told, corrected)
    parts = rng.choices(telling, (55, 40, 5 * hard), k=rng.choice(many))
    if rng.random() < 0.45 * hard:
        parts += rng.choices(idle, k=rng.choice((1, 1, 2)))
    rng.shuffle(parts)
    return parts


def telling_scene(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """A scene in which something lasts."""
    return _played(rng, rng.choice([one for one in scenes() if one.facts]), on, taken)


def idle_scene(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """A scene in which nothing lasts, sometimes only its beginning: nothing lasts in that either."""
    scene = rng.choice([one for one in scenes() if not one.facts])
    if rng.random() < BROKEN_OFF:
        scene = replace(scene, said=scene.said[: rng.randint(1, len(scene.said))])
    return _played(rng, scene, on, taken)


def framed(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """What a user could tell, as a text to translate, a line in a story or a stranger's word: nothing of it lasts."""
    (one, first), (other, second) = several(rng, 2, taken)
    told = {"{told}": first.pick(one.said), "{told2}": second.pick(other.said)}
    scene = rng.choice(frames())
    said = [_with(text, told) for text in scene.said]
    return _played(rng, Scene(said=tuple(said[: rng.randint(1, len(said))])), on, taken)


def general(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """What has nothing to do with the user, and answers of many words."""
    said = (text for one in rng.choice(own_words.asked()).said for text in (one, None))
    filler = Filler(rng=rng)
    replies = iter(rng.sample(("{longReply}", "{longReply2}", "{quickReply}"), 3))
    turns = [("assistant", filler.fill(next(replies))) if one is None else ("user", one) for one in said]
    return Piece(tuple(turns))


def _with(text: str, told: Mapping[str, str]) -> str:
    """`text` with sentences in place of their marks."""
    for mark, sentence in told.items():
        text = text.replace(mark, sentence)
    return text


def _played(rng: random.Random, scene: Scene, on: date, taken: set[str]) -> Piece:
    filler = Filler(rng=rng, taken=taken)
    turns = [
        ("assistant", filler.fill(text)) if at % 2 else ("user", filler.user(text))
        for at, text in enumerate(scene.said)
    ]
    noted = [
        (filler.fill(text), days_back(filler.fill(when) if isinstance(when, str) else when, on))
        for text, when in scene.facts
    ]
    return Piece(tuple(turns), tuple(noted))


def told(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """One to three facts in one message, and a reply."""
    held = several(rng, rng.choice((1, 1, 1, 1, 2, 2, 3)), taken)
    held = [_other(rng, taken) if rng.random() < STATEMENTS else one for one in held]
    statements = [_statement(rng, *one) for one in held]
    noted = tuple((sentence, back) for _, sentence, back in statements)
    keep = [value for _, filler in held for value in filler.values.values()]
    text = _message(rng, [said for said, _, _ in statements])
    text = slip(rng, text, keep) if rng.random() < SLIPS else text
    replies = ("{reply}", "{reply}", "{reply}", "{kindReply}", "{kindReply}", "{longReply}")
    fitting = rng.choice(replies)  # it must not tell whether there is something to note
    reply = "{sorry}" if any(_SAD.search(sentence) for sentence, _ in noted) else fitting
    return Piece((("user", text), ("assistant", Filler(rng=rng).fill(reply).strip())), noted)


def _other(rng: random.Random, taken: set[str]) -> tuple[Fact, Filler]:
    """A statement of which nothing is asked: a negation, a consideration, hearsay."""
    return rng.choice(statements()), Filler(rng=rng, taken=taken)


def corrected(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """A fact told, and put right in the next message: only what is right in the end lasts."""
    one = rng.choice([one for one in facts() if len(one.renews) == 1])
    filler = Filler(rng=rng, taken=taken)
    said, now = filler.pick(one.said), filler.renewed(one)
    ((_, new),) = one.renews.items()
    right = f"{filler.fill('{slipOfTongue}')}{filler.values[new]}"
    reply = Filler(rng=rng).fill("{reply}").strip()
    turns = (("user", _message(rng, [said])), ("assistant", reply), ("user", right))
    return Piece((*turns, ("assistant", filler.fill("{putRight}"))), ((now.fill(one.text), 0),))


def _message(rng: random.Random, said: Sequence[str]) -> str:
    """Statements in one message, with what people put before, between and after."""
    filler, text = Filler(rng=rng), said[0]
    for more in said[1:]:
        text += (join := filler.fill("{join}")) + (_capital(more) if join.endswith((". ", "! ")) else more)
    opener = filler.fill("{opener}") if rng.random() < 0.5 else ""
    text = _capital(opener + (_capital(text) if opener.endswith((". ", "! ", "? ")) else text))
    return text + (filler.fill("{closer}") if rng.random() < 0.5 else rng.choice((".", ".", ".", "!", "")))


def _statement(rng: random.Random, one: Fact, filler: Filler) -> tuple[str, str, int]:
    """What the user says, the memory of it, and how many days ago it was."""
    way = rng.random()
    changes = _whole_changes(one)
    if changes and way < 0.2:
        said = filler.pick(changes)
        return said, filler.renewed(one).fill(one.text), 0
    said, sentence = filler.pick(one.said), filler.fill(one.text)
    if not one.event:
        return said, sentence, 0
    if _WHEN.search(said):
        return said, sentence, int(bool(_YESTERDAY.search(said)))
    back = int(way < 0.6)
    when = (
        rng.choice((" yesterday", " yesterday", " last night"))
        if back
        else rng.choice((" today", " this morning", ""))
    )
    return said + when, sentence, back


@cache
def _whole_changes(one: Fact) -> tuple[str, ...]:
    """The ways to say that it changed which tell all of the new memory."""
    told = {one.renews.get(name, name) for name in one.kinds} if one.renews else set()
    return tuple(text for text in one.changed if told and told <= slots_of(text))


def asked(rng: random.Random, on: date, taken: set[str]) -> Piece:
    """The user asks for something of theirs; the answer is known from before, so nothing is new."""
    one, filler = rng.choice(facts()), Filler(rng=rng, taken=taken)
    reply = filler.pick(one.answer) if rng.random() < 0.6 else filler.fill("{unknown}")
    return Piece((("user", filler.user(rng.choice(one.ask))), ("assistant", reply)))


def _between_two(rng: random.Random, pieces: list[Piece]) -> list[Piece]:
    """The same between two people with names; each part is told by one of them."""
    people = rng.sample(values()["name"], 2)
    return [_told_by(tuple(rng.sample(people, 2)), piece) for piece in pieces]


def _told_by(people: tuple[str, ...], piece: Piece) -> Piece:
    teller, other = people
    names = {"user": teller, "assistant": other}
    noted = ((about(teller, text).replace("The assistant", other), back) for text, back in piece.noted)
    return replace(piece, turns=tuple((names[who], text) for who, text in piece.turns), noted=tuple(noted))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
