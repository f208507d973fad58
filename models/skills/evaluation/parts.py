"""
The parts of the evaluation: cases in, the daemon's own functions on the real engine, scores out.

A part is a function of a `Setting` and an engine. It gives its scores, shares with the counts beside them, and adds
what was wrong to `Setting.wrong`. A new part is such a function, and a row of `PARTS`.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.client import Engine
from daemon.memory.evolve import Choice, choose
from daemon.memory.observe import observe
from daemon.memory.recall import system_text
from models.skills.evaluation import cases
from models.skills.evaluation.cases import Change
from models.skills.evaluation.facts import Chat, Sentence, Verdict, f1, judge
from models.skills.evaluation.general import General, Person, beside_of, instructions, is_right, questions
from models.skills.evaluation.replies import Asked, chats, is_fine
from models.skills.evaluation.setting import Messages, Setting, in_groups, replies
from models.skills.evaluation.words import fits
from store.chats import Message

Scores = dict[str, Any]
Part = Callable[[Setting, Engine], Awaitable[Scores]]
ANSWER_TOKENS = 48
GENERAL_TOKENS = {"general": 64, "instructions": 96}


async def harder(setting: Setting, engine: Engine) -> Scores:
    """Facts of the harder chats: found, missed, spare, made up, and F1."""
    return (await _facts(setting, engine, setting.some(cases.harder()), "observe"))[0]


async def no_facts(setting: Setting, engine: Engine) -> Scores:
    """How many of the chats with nothing to keep stay empty."""
    scores, verdicts = await _facts(setting, engine, setting.some(cases.no_facts()), "no_facts")
    return {
        **_share([not verdict.kinds for verdict in verdicts]),
        "sentences": scores["spare"] + scores["made_up"],
    }


async def evolve(setting: Setting, engine: Engine) -> Scores:
    """How often the op and the memory are right, and of an UPDATE the merged text."""
    every = setting.some(cases.changes())

    async def ask(case: Change) -> Choice | None:
        return await choose(engine, case.new, case.memories)

    choices = await in_groups(every, ask)
    right = [is_right_choice(case, choice) for case, choice in zip(every, choices, strict=True)]
    for case, choice, fine in zip(every, choices, right, strict=True):
        if not fine:
            shown = "\n   ".join(case.memories)
            setting.wrong.append(
                f"evolve: {case.new}\n   {shown}\n   wanted {case.op} {case.memory}, got {choice}"
            )
    ops = dict.fromkeys(case.op for case in every)
    return {
        **_share(right),
        "of": {
            op: _share([fine for case, fine in zip(every, right, strict=True) if case.op == op]) for op in ops
        },
    }


async def answer(setting: Setting, engine: Engine) -> Scores:
    """How many questions are answered with the value that a memory tells."""
    return await _reading(setting, engine, "answer", setting.some(cases.asked(known=True)))


async def abstain(setting: Setting, engine: Engine) -> Scores:
    """In how many answers nothing is claimed, where nothing is known."""
    return await _reading(setting, engine, "abstain", setting.some(cases.asked(known=False)))


async def typed(setting: Setting, engine: Engine) -> Scores:
    """Messages as people type them: read, answered and not known rightly; with nano's hundred apart."""
    return await _typed(setting, engine, setting.some(cases.typed()), "typed")


async def sealed(setting: Setting, engine: Engine) -> Scores:
    """The same of the set that nobody looks at; it shows no case."""
    shown = len(setting.wrong)
    scores = await _typed(setting, engine, setting.some(cases.sealed()), "sealed")
    del setting.wrong[shown:]
    return scores


async def small_talk(setting: Setting, engine: Engine) -> Scores:
    """How many replies to greetings and remarks are speech, with nothing made up about the user."""
    remarks = setting.some(cases.small_talk())
    said = await _answers(engine, [Asked(turns=[remark]) for remark in remarks])
    right = [chats(reply, remark) for reply, remark in zip(said, remarks, strict=True)]
    for remark, reply, fine in zip(remarks, said, right, strict=True):
        if not fine:
            setting.wrong.append(f"small_talk: {remark}\n   {reply!r}")
    return _share(right)


async def general(setting: Setting, engine: Engine) -> Scores:
    """Of the general questions that the base gets right: how many still are, alone and with memories beside."""
    every, persons = questions()
    return await _kept(setting, engine, "general", setting.some(every), persons)


async def instructed(setting: Setting, engine: Engine) -> Scores:
    """The same of instructions: lists, rewriting, code, formats."""
    persons = [person for person in questions()[1] if person.language == "en"]
    return await _kept(setting, engine, "instructions", setting.some(instructions()), persons)


PARTS: dict[str, Part] = {
    "observe": harder,
    "no_facts": no_facts,
    "evolve": evolve,
    "answer": answer,
    "abstain": abstain,
    "typed": typed,
    "general": general,
    "instructions": instructed,
    "small_talk": small_talk,
}


def is_right_choice(case: Change, choice: Choice | None) -> bool:
    """Whether op and memory are right, and the text of an UPDATE has what both say."""
    if choice is None or choice.op not in (case.op, *case.also):
        return False
    if choice.op == "ADD":
        return True  # what it stands beside is nobody's matter
    if case.memory is not None and choice.index != case.memory + 1:
        return False
    return choice.op != "UPDATE" or fits(choice.text or case.new, case.merged)


async def _facts(
    setting: Setting, engine: Engine, every: Sequence[Chat], name: str
) -> tuple[Scores, list[Verdict]]:
    observed = await _observed(engine, every)
    verdicts = [judge(chat, sentences) for chat, sentences in zip(every, observed, strict=True)]
    for chat, sentences, verdict in zip(every, observed, verdicts, strict=True):
        if not verdict.is_right(chat):
            setting.wrong.append(_told(name, chat, sentences, verdict))
    return _fact_scores(every, verdicts), verdicts


def _fact_scores(every: Sequence[Chat], verdicts: Sequence[Verdict]) -> Scores:
    kinds = [kind for verdict in verdicts for kind in verdict.kinds]
    wanted, found = sum(len(chat.facts) for chat in every), sum(len(verdict.found) for verdict in verdicts)
    spare, made_up = kinds.count("spare"), kinds.count("made_up")
    days = [right for verdict in verdicts for right in verdict.days]
    chats_right = [verdict.is_right(chat) for chat, verdict in zip(every, verdicts, strict=True)]
    return {
        "f1": round(f1(found, wanted, spare, made_up), 4),
        "facts": wanted,
        "found": found,
        "made_up": made_up,
        "spare": spare,
        "days": _share(days),
        "chats_right": _share(chats_right),
    }


async def _observed(engine: Engine, every: Sequence[Chat]) -> list[list[Sentence]]:
    """What the daemon would note of each chat."""

    async def read(chat: Chat) -> list[Sentence]:
        turns = [
            _message(place + 1, "assistant" if place % 2 else "user", text)
            for place, text in enumerate(chat.turns)
        ]
        observed = await observe(engine, turns, day=date.fromisoformat(chat.date))
        return [Sentence(text=one.text, day=one.day.isoformat()) for one in observed.found]

    return await in_groups(every, read)


async def _reading(setting: Setting, engine: Engine, name: str, every: Sequence[Asked]) -> Scores:
    said = await _answers(engine, every)
    right = [is_fine(asked, reply) for asked, reply in zip(every, said, strict=True)]
    for asked, reply, fine in zip(every, said, right, strict=True):
        if not fine:
            setting.wrong.append(_told_reply(name, asked, reply))
    return _share(right)


async def _answers(engine: Engine, every: Sequence[Asked]) -> list[str]:
    """What the model says to each, with its memories laid before it as in a chat."""
    tiny = (await engine.info()).tiny
    prompts = [_prompt(asked.turns, system_text(list(asked.memories), tiny=tiny)) for asked in every]
    return [one.text.strip() for one in await replies(engine, prompts, max_tokens=ANSWER_TOKENS)]


def _prompt(turns: Sequence[str], memories: str | None) -> Messages:
    sent = [Turn(role="assistant" if place % 2 else "user", text=text) for place, text in enumerate(turns)]
    return parse_history(sent).messages(memories)


async def _typed(
    setting: Setting, engine: Engine, every: Sequence[tuple[str, Chat | Asked]], name: str
) -> Scores:
    read = [one for _, one in every if isinstance(one, Chat)]
    questions_of = [one for _, one in every if isinstance(one, Asked)]
    observed, said = await _observed(engine, read), await _answers(engine, questions_of)
    right: dict[str, list[bool]] = {"observe": [], "answer": [], "abstain": []}
    verdicts = [judge(chat, sentences) for chat, sentences in zip(read, observed, strict=True)]
    for chat, sentences, verdict in zip(read, observed, verdicts, strict=True):
        right["observe"].append(verdict.is_right(chat))
        if not verdict.is_right(chat):
            setting.wrong.append(_told(name, chat, sentences, verdict))
    for asked, reply in zip(questions_of, said, strict=True):
        fine = is_fine(asked, reply)
        right["answer" if asked.expect else "abstain"].append(fine)
        if not fine:
            setting.wrong.append(_told_reply(name, asked, reply))
    facts = _fact_scores(read, verdicts)
    return {
        **_share([fine for found in right.values() for fine in found]),
        "of": {task: _share(found) for task, found in right.items()},
        "f1": facts["f1"],
    }


async def _kept(
    setting: Setting, engine: Engine, name: str, every: Sequence[General], persons: Sequence[Person]
) -> Scores:
    """
    Of what the base gets right for sure, how much still is; greedy answers waver with what shares their batch.

    `base_again` is that wavering: what of its right answers the base itself gives rightly when asked in another order.
    """
    people = [beside_of(one, at, persons) for at, one in enumerate(every)]
    tiny = (await engine.info()).tiny
    memories = [system_text(list(person.lines), tiny=tiny) for person in people]
    alone = await _general_answers(engine, name, every)
    beside = await _general_answers(engine, name, every, memories)
    base, again = await _of_base(setting, name, every)
    first, second, right = (
        [is_right(one, said) for one, said in zip(every, answers, strict=True)]
        for answers in (base, again, alone)
    )
    right_beside = [
        is_right(one, said, person.names) for one, said, person in zip(every, beside, people, strict=True)
    ]
    sure = [place for place in range(len(every)) if first[place] and second[place]]
    for place in sure:
        if not (right[place] and right_beside[place]):
            shown = f"alone  {alone[place]!r}\n   beside {beside[place]!r}"
            setting.wrong.append(f"{name}: {every[place].ask}\n   base   {base[place]!r}\n   {shown}")
    return {
        **_share([answers[place] for answers in (right, right_beside) for place in sure]),
        "kept_alone": _share([right[place] for place in sure]),
        "kept_beside": _share([right_beside[place] for place in sure]),
        "base": _share(first),
        "base_again": _share([now for was, now in zip(first, second, strict=True) if was]),
        "alone": _share(right),
        "beside": _share(right_beside),
    }


async def _of_base(setting: Setting, name: str, every: Sequence[General]) -> tuple[list[str], list[str]]:
    """The base's own answers, in order and in the opposite one; from the file `base_answers` where it has them."""
    path = setting.base_answers
    kept: dict[str, list[str]] = (
        json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}
    )
    missing = [one for one in every if one.ask not in kept]
    if missing:
        async with setting.engine(as_base=True) as engine:
            said = await _general_answers(engine, name, missing)
            again = (await _general_answers(engine, name, missing[::-1]))[::-1]
        kept |= {one.ask: list(both) for one, *both in zip(missing, said, again, strict=True)}
        if path:
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=0), encoding="utf-8")
    return [kept[one.ask][0] for one in every], [kept[one.ask][1] for one in every]


async def _general_answers(
    engine: Engine, name: str, every: Sequence[General], memories: Sequence[str | None] = ()
) -> list[str]:
    beside = memories or [None] * len(every)
    prompts = [_prompt([one.ask], told) for one, told in zip(every, beside, strict=True)]
    return [one.text.strip() for one in await replies(engine, prompts, max_tokens=GENERAL_TOKENS[name])]


def _share(right: Sequence[bool]) -> Scores:
    """The share of what is right, with the counts; None of nothing."""
    return {
        "share": round(sum(right) / len(right), 4) if right else None,
        "right": sum(right),
        "cases": len(right),
    }


def _told(name: str, chat: Chat, sentences: Sequence[Sentence], verdict: Verdict) -> str:
    said = [f"| {turn}" for turn in chat.turns]
    read = [f"{kind} {one.day}: {one.text}" for kind, one in zip(verdict.kinds, sentences, strict=True)]
    missed = [f"missed {list(group)}" for place, group in enumerate(chat.facts) if place not in verdict.found]
    return "\n   ".join([f"{name} {chat.date}", *said, *read, *missed])


def _told_reply(name: str, asked: Asked, said: str) -> str:
    wanted = (
        f"wanted {list(asked.expect)}, not {[list(one) for one in asked.reject]}"
        if asked.expect
        else "not known"
    )
    return "\n   ".join([f"{name}: {' / '.join(asked.turns)}", *asked.memories, wanted, repr(said)])


def _message(id: int, role: str, text: str) -> Message:
    return Message(
        id=id, chat_id=1, parent_id=None, role=role, speaker="", text=text, said_at=datetime.now(UTC),
        source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip
