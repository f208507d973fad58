"""
What a person asks of their memories in a chat, in any client: to forget something, to tell what is kept, to keep it,
what the last answer came from, and to put that right (`last_answer.py`).

    "forget my shoe size" ──> the memories, and a confirmation ──> "yes" in the next turn ──> forgotten, and told

Code answers, not the model: nothing is claimed that did not happen. Whole short messages in the languages of
`asked.toml` are known; everything else is the model's to answer. Forgetting waits for a word of the person, as it does
for programs: here, on the page, in the tray or with `tsubasa confirm`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from daemon.api.last_answer import LastAnswer, Wrong, corrections, find, put_right, told
from daemon.api.own.confirmations import do
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import Turn
from daemon.confirmations import Confirmation, Forget
from daemon.errors import KNOWN, NoSuchConfirmation, TooManyWaiting
from daemon.memory import forgotten
from daemon.memory.attribution import says_yes
from daemon.memory.recall import recall
from daemon.services import Services
from daemon.text import content_words, root
from store import memory_queries
from store.memories import Memory

LONGEST = 200  # characters of such a message
LONGEST_YES = 40
MOST_SHOWN = 30  # memories that are told at once
MOST_FORGOTTEN = 5  # memories that one message may mean
ASKED_BY = "this chat"
KINDS = ("know", "forget", "remember", "source", "wrong")
QUESTIONS = ("know", "source")
OF_LAST = ("source", "wrong")  # of the last answer
_AROUND = " .!?。！？\"'“”„«»「」"
_ASKS = re.compile(r"[?？]")
_CONFIRM = re.compile(r"tsubasa confirm ([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, and in which language."""

    kind: str  # one of `KINDS`
    language: str
    what: str = ""  # that is to be forgotten
    wrong: Wrong | None = None


def read(text: str) -> Asked | None:
    """What a whole message asks; None where that is for the model."""
    plain = text.strip().replace("，", ",").replace("、", ",").replace("’", "'")
    if len(plain) > LONGEST or "\n" in plain:
        return None
    for language, patterns in _patterns().items():
        for kind, pattern in patterns.items():
            found = pattern.fullmatch(plain)
            if not found or (kind not in QUESTIONS and _ASKS.search(plain)):
                continue
            parts = {name: (part or "").strip(_AROUND) for name, part in found.groupdict().items()}
            if kind != "wrong":
                return Asked(kind, language, parts.get("what", ""))
            if not re.match(rf"(?:{_table()[language]['negation']})(?!\w)", parts["what"], re.IGNORECASE):
                return Asked(kind, language, wrong=Wrong(**parts))
    return None


async def reply(services: Services, question: Question) -> str | None:
    """The answer to what a person asks of their memories; None where they ask something else."""
    model, turns = question.model, question.history.turns
    is_plain = not (
        question.schema or question.grammar or question.raw or question.again or question.history.is_chore
    )
    if (
        not (is_plain and model.kept and model.recalls and question.recall)
        or not turns
        or turns[-1].role != "user"
    ):
        return None
    said = turns[-1].said
    waiting, asked = _confirmed(services, turns, said), read(said)
    if (waiting or asked) is None or not await services.conversations.may_answer_of_memories(question):
        return None
    if waiting is not None:
        return await _forgotten(services, *waiting)
    assert asked is not None
    words = _table()[asked.language]
    if asked.kind in OF_LAST:
        last = await services.store_thread.run(find, _before(turns))
        if asked.wrong is not None:
            return await _put_right(services, question, asked.wrong, last, words)
        return await _came_from(services, last, words)
    if asked.kind == "remember":
        return words["noted" if services.settings.config.observe else "off"]
    if asked.kind == "know":
        held = await services.store_thread.run(memory_queries.holding)
        return words["known"].format(list=_listed(held)) if held else words["nothing"]
    return await _to_forget(services, asked, words)


def _before(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """The turns up to the answer that is meant: what was asked of it since, and answered, is passed over."""
    said = [(turn.role, turn.recorded) for turn in turns[:-1]]
    while len(said) > 2 and said[-2][0] == "user" and (asked := read(said[-2][1])) and asked.kind in OF_LAST:
        del said[-2:]
    return said


async def _came_from(services: Services, last: LastAnswer | None, words: Mapping[str, str]) -> str:
    if last is None:
        return words["unknown"]
    if not last.beside and not last.quoted:
        return words["unaided"]
    found = last.used or last.beside
    lines = await services.store_thread.run(told, found, last.quoted, by_hand=words["hand"])
    return words["used" if last.used else "beside"].format(list=lines)


async def _put_right(
    services: Services, question: Question, wrong: Wrong, last: LastAnswer | None, words: Mapping[str, str]
) -> str | None:
    """What was changed, or that nothing was, and how; None where the answer had nothing from memories."""
    if last is None or not last.used:
        return None
    found = corrections(last, wrong)
    if len(found) != 1:
        return words["which"].format(list=_listed(last.used))
    ((old, text),) = found
    kept = await services.conversations.keep(question)
    try:
        made, event = await services.store_thread.run(put_right, old, text, [kept.id] if kept else [])
    except KNOWN as error:  # it was changed or forgotten meanwhile, or another says that
        return str(error)
    await forgotten.lift(services.store_thread, services.embedder, made.text)
    await services.runner.order("index", {})
    return words["changed"].format(old=old.text, new=made.text, id=made.id, event=event)


async def _to_forget(services: Services, asked: Asked, words: Mapping[str, str]) -> str:
    meant = await _meant(services, asked.what)
    if not meant:
        return words["none"]
    act = Forget(memories=tuple(one.id for one in meant))
    try:
        one = services.confirmations.ask(act, asked_by=ASKED_BY)
    except TooManyWaiting as error:
        return str(error)
    return words["ask"].format(list=_listed(meant), id=one.id)


async def _meant(services: Services, what: str) -> list[Memory]:
    """The memories that bear on it by a word or by meaning, the best first."""
    found = await recall(services.store_thread, services.embedder, what, k=MOST_FORGOTTEN, at_once=True)
    best = list(found.best_first[:MOST_FORGOTTEN])
    wanted = {root(word) for word in content_words(what)}
    named = [one for one in best if wanted & {root(word) for word in content_words(one.text)}]
    if named or not best or services.embedder.made is None:
        return named
    vectors = await services.embedder.embed([what, *(one.text for one in best)])
    near = (vectors[1:] @ vectors[0]).tolist()
    limit = services.embedder.limits.same_thing
    return [one for one, cosine in zip(best, near, strict=True) if cosine >= limit]


def _confirmed(services: Services, turns: Sequence[Turn], said: str) -> tuple[Confirmation, str] | None:
    """The confirmation to which a person says yes with this turn, and its language."""
    if (
        len(turns) < 2
        or turns[-2].role != "assistant"
        or len(said.strip()) > LONGEST_YES
        or not says_yes(said)
    ):
        return None
    named = _CONFIRM.search(turns[-2].text)
    try:
        one = services.confirmations.get(named[1]) if named else None
    except NoSuchConfirmation:
        return None
    if one is None or one.state != "waiting" or one.asked_by != ASKED_BY:
        return None
    begins = turns[-2].text.strip()
    language = next(
        (name for name, words in _table().items() if begins.startswith(words["ask"].partition("{")[0])), "en"
    )
    return one, language


async def _forgotten(services: Services, one: Confirmation, language: str) -> str:
    words = _table()[language]
    services.confirmations.decide(one.id, allow=True)
    try:
        await do(services, one)
    except KNOWN:
        return words["failed"]
    return words["forgot"].format(count=len(one.memories))


def _listed(held: Sequence[Memory]) -> str:
    lines = [f"- {one.text} ({one.id})" for one in held[-MOST_SHOWN:]]
    return "\n".join([*lines, f"… {len(held)}"] if len(held) > MOST_SHOWN else lines)


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("daemon.api").joinpath("asked.toml").read_text(encoding="utf-8"))


@cache
def _patterns() -> dict[str, dict[str, re.Pattern[str]]]:
    polite = (
        r"(?:(?:please|bitte|por favor|s'il (?:te|vous) pla[iî]t|per favore|alsjeblieft|пожалуйста|请),?\s*)?"
    )
    return {
        language: {
            kind: re.compile(rf"{polite}(?:{words[kind]})(?<![?？])\s*[.!?。！？]*", re.IGNORECASE)
            for kind in KINDS
        }
        for language, words in _table().items()
    }
