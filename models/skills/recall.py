"""
Recall: answering with memories, saying that something isn't known, and using what is known.

    facts ──> one to eight memories in a system turn ──> rounds: answered, open, remarks      told in this chat ──┘
    asked_c.toml ──> questions written by hand, with their memories

Promises: what is answered stands in a memory or in the chat before; what is open stands in neither.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from daemon.memory.recall import system_text
from models.skills import asked
from models.skills.gaps import gap
from models.skills.items import Item, Messages, say
from models.skills.slots import Filler, day
from models.skills.told import Line, Told, answers, chosen, family, known, line

UNKNOWN = "I don't know that yet."
ANOTHER = "~"  # stands for any other value, or answer
FULLER = 0.33  # share of the open questions that are answered in more words
OPEN = 0.42  # share of the rounds that nothing answers, once the run is well under way
REMARKS = 0.07
FAMILIES = 0.2  # share of the chats with memories that are about people of the user's
JOINS = (". ", ", and ", ". Also, ", "\n", ". Oh, and ", "; ")  # of two things told in one message
MANY = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8)  # memories: where there is one, all that is asked is near to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A question or a remark, and what a good model says to it."""

    asked: str
    answer: str
    values: tuple[str, ...] = ()  # what the answer takes from the memories or the chat
    is_open: bool = False  # nothing known answers it
    is_remark: bool = False  # nothing is asked
    plain: str = ""  # an open question without openers and slips
    lacks: str = ""  # a memory that would, where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A whole item, and the rounds in it for whoever checks them."""

    messages: Messages
    rounds: tuple[Round, ...]


def item(rng: random.Random, share: float) -> Item:
    """A chat with questions about the user; fewer of them are open while `share` of the run is small."""
    made = chat(rng, share)
    return Item(task="recall", messages=made.messages, others=others_of(made))


def others_of(made: Chat) -> dict[int, tuple[str, ...]]:
    """What decides between answering and not knowing, and between one value and another, in each reply."""
    found, rounds = dict[int, tuple[str, ...]](), list(made.rounds)
    for place, turn in enumerate(made.messages):
        if rounds and turn["role"] == "assistant" and turn["content"] == rounds[0].answer:
            one = rounds.pop(0)
            if one.is_remark:
                continue
            other_values = (one.answer.replace(value, ANOTHER) for value in one.values)
            others = (ANOTHER, UNKNOWN, *other_values)
            found[place] = tuple(other for other in others if other != one.answer)
    return found


def chat(rng: random.Random, share: float) -> Chat:
    """The same, with its rounds."""
    way = rng.random()
    if way < 0.3:
        return written(rng)
    often = OPEN * (0.6 + 0.4 * min(1.0, share / 0.2))
    return grounded(rng, often) if way < 0.78 else spoken(rng, often)


def written(rng: random.Random) -> Chat:
    """One written by hand, with other memories beside it where they may be."""
    entry = rng.choice(asked.entries())
    played = asked.play(rng, entry)
    lines = _dated(rng, played.memories)
    if lines and not entry.alone:
        questions = [question for question, _ in played.rounds]
        lines += [one for told in _beside(rng, questions) for one in told.lines]
        lines.sort(key=lambda one: one[0])
    messages = [say(("user", "assistant")[at % 2], text) for at, text in enumerate(played.chat)]
    messages += _system(lines)
    rounds = [Round(asked=question, answer=answer) for question, answer in played.rounds]
    return Chat(messages=messages + _turns(rounds), rounds=tuple(rounds))


def _dated(rng: random.Random, memories: Sequence[str]) -> list[Line]:
    """The memories with their days, those that have none a while after the one before."""
    on, lines = day(rng), []
    for text in memories:
        if asked.is_dated(text):
            on = date.fromisoformat(text[:10])
        lines.append((on, text) if asked.is_dated(text) else line(on, text))
        on += timedelta(days=rng.randint(1, 200))
    return lines


def _beside(rng: random.Random, questions: Sequence[str]) -> list[Told]:
    """Memories that can't bear on the questions: of quiet things, and without words of theirs."""
    found = [one for one in known(rng, 10, set()) if one.fact.key in asked.quiet()]
    free = [one for one in found if not any(answers([one], text) for text in questions)]
    return free[: rng.choice((0, 0, 0, 1, 1, 2, 3))]


def grounded(rng: random.Random, often: float) -> Chat:
    """Memories in a system turn, and rounds after it; `often` is the share of open ones."""
    held = family(rng, set()) if rng.random() < FAMILIES else known(rng, rng.choice(MANY), set())
    lines = sorted((one for told in held for one in told.lines), key=lambda one: one[0])
    before = [_remark(rng)] if rng.random() < 0.3 else []
    after = _fresh(rng.choice((2, 4, 6, 8)), lambda: _round(rng, held, often))
    return Chat(messages=[*_turns(before), *_system(lines), *_turns(after)], rounds=(*before, *after))


def spoken(rng: random.Random, often: float) -> Chat:
    """A chat in which things are told and asked again, sometimes with memories before its last questions."""
    taken = set[str]()
    held = known(rng, rng.choice((1, 2, 3, 4)), taken) if rng.random() < 0.5 else []
    lines = sorted((one for told in held for one in told.lines), key=lambda one: one[0])
    rounds = [_open(rng, held)] if rng.random() < 0.2 else []
    told: list[Told] = []
    overruled = [
        one for one in held if one.fact.single and one.fact.renews and not (one.before or one.is_vague)
    ]
    if overruled and rng.random() < 0.5:
        changed = rng.choice(overruled)
        held = [one for one in held if one is not changed]
        told.append(_overrule(rng, changed))
    for fact, filler in chosen(rng, rng.choice((0, 1, 1, 2, 2, 3)), taken, [*held, *told]):
        said = filler.user(rng.choice(fact.said) + rng.choice((".", ".", "!", "", "...")))
        told.append(Told(fact=fact, filler=filler, lines=((day(rng), said),), way="said"))
    rounds += _telling(rng, told)
    if rng.random() < 0.3 or not told:
        rounds.append(_open(rng, [*held, *told]))
    after = _fresh(rng.choice((2, 3, 4, 6)), lambda: _later(rng, held, told, often))
    return Chat(messages=[*_turns(rounds), *_system(lines), *_turns(after)], rounds=(*rounds, *after))


def _telling(rng: random.Random, told: Sequence[Told]) -> list[Round]:
    """The rounds in which the user tells these, two in one message at times, and remarks between them."""
    rounds: list[Round] = []
    left = list(told)
    while left:
        one = left.pop(0)
        said, reply = one.lines[0][1], asked.reply(rng, one.fact, one.filler)
        if left and rng.random() < 0.35:
            more = left.pop(0).lines[0][1]
            said = said.rstrip(".!") + rng.choice(JOINS) + more
            reply = asked.noted(rng)
        rounds.append(Round(asked=said, answer=reply, is_remark=True))
        if rng.random() < 0.2:
            rounds.append(_remark(rng))
    return rounds


def _overrule(rng: random.Random, one: Told) -> Told:
    """The user says that it is otherwise now than a memory tells."""
    said = one.filler.user(rng.choice(one.fact.changed) + rng.choice((".", "!", "")))
    now = one.filler.renewed(one.fact)
    return Told(fact=one.fact, filler=now, lines=((day(rng), said),), before=one.filler, way="said")


def _fresh(n: int, make: Callable[[], Round]) -> list[Round]:
    """Up to `n` rounds that don't repeat each other."""
    found = [make()]
    for _ in range(3 * n):
        one = make()
        if len(found) < n and not any(_repeats(one, two) for two in found):
            found.append(one)
    return found


def _repeats(one: Round, other: Round) -> bool:
    if one.values and other.values:
        return set(one.values) <= set(other.values)
    if one.is_open and other.is_open:
        return one.plain == other.plain
    return not (one.is_open or other.is_open or one.values or other.values)


def _later(rng: random.Random, held: list[Told], told: list[Told], often: float) -> Round:
    """A round at the chat's end: rather about what was told in it than about what the memories tell."""
    if not told and not held and rng.random() < 0.5:
        return _remark(rng)
    if told and rng.random() < 0.6:
        return _answered(rng, told, [*held, *told], dated=False)
    return _round(rng, [*held, *told], often, dated=False)


def _system(lines: Sequence[Line]) -> Messages:
    text = system_text([text for _, text in lines], tiny=False)
    return [say("system", text)] if text else []


def _turns(rounds: Sequence[Round]) -> Messages:
    return [turn for one in rounds for turn in (say("user", one.asked), say("assistant", one.answer))]


def _remark(rng: random.Random) -> Round:
    said, reply = asked.remark(rng)
    return Round(asked=said, answer=reply, is_remark=True)


def _round(rng: random.Random, held: list[Told], often: float, *, dated: bool = True) -> Round:
    way = rng.random()
    if way < REMARKS:
        return _remark(rng)
    if way < REMARKS + often:
        return _open(rng, held)
    return _answered(rng, held, held, dated=dated)


def _answered(rng: random.Random, of: list[Told], held: list[Told], *, dated: bool = True) -> Round:
    """A question about one of `of`, where `held` is all that is known."""
    able = [one for one in of if not one.is_vague]
    if not able:
        return _open(rng, held)
    one = rng.choice(able)
    fact, way = one.fact, rng.random()
    is_only = not any(other.fact.key == fact.key and other is not one for other in held)
    if one.before and fact.before_ask and is_only and way < 0.5:
        return _answer(rng, one, fact.before_ask, one.before.pick(fact.before_answer))
    if fact.event and fact.when_ask and dated and way < 0.4:
        plain = one.filler.fill(fact.answer[0]).rstrip(".")
        answer = rng.choice((f"{plain} on {one.on}.", f"{plain} on {one.on}.", f"On {one.on}."))
        return _answer(rng, one, fact.when_ask, answer, (str(one.on),))
    pairs = asked.pairs(fact)
    if pairs and way > 0.75:
        question, answer = rng.choice(pairs)
        return _answer(rng, one, (question,), one.filler.fill(answer))
    if 0.47 < way < 0.51 and (summed := _summed_up(rng, one, held)):
        return summed
    others = [other for other in able if other is not one and other.fact.key != fact.key]
    if others and 0.4 < way < 0.47:
        return _both(rng, one, rng.choice(others), held)
    question, answer = one.filler.fill(rng.choice(fact.ask)), _now(rng, one, held)
    if rng.random() < 0.6:
        question, answer = _by_name(one, held, question, answer)
    return _answer(rng, one, (question,), answer)


def _now(rng: random.Random, one: Told, held: Sequence[Told], *, plain: bool = False) -> str:
    """The answer, with all that is known of that key of that person; `plain`: in the plainest wording."""
    same = [other for other in held if other.fact.key == one.fact.key and other.owner() == one.owner()]
    same = [other for other in same if not other.is_vague]
    if len(same) == 1:
        return one.filler.pick(one.fact.answer[:1] if plain else (one.fact.answer[0], *one.fact.answer))
    return _merged([other.filler.fill(one.fact.answer[0]) for other in same])


def _merged(sentences: Sequence[str]) -> str:
    """Sentences that begin alike, as one: "You dislike kale and tripe."."""
    words = [text.rstrip(".").split() for text in dict.fromkeys(sentences)]
    begins = _alike(words)
    if begins < 2 or len(words) < 2:
        return " ".join(dict.fromkeys(sentences))
    rest = [one[begins:] for one in words]
    ends = _alike([one[::-1] for one in rest])
    values = [" ".join(one[: len(one) - ends]) for one in rest]
    listed = f"{', '.join(values[:-1])} and {values[-1]}"
    return " ".join([*words[0][:begins], listed, *rest[0][len(rest[0]) - ends :]]) + "."


def _alike(lists: Sequence[Sequence[str]]) -> int:
    """With how many words all begin, one word at least left over in each."""
    at = 0
    while all(len(one) > at + 1 and one[at] == lists[0][at] for one in lists):
        at += 1
    return at


def _both(rng: random.Random, one: Told, other: Told, held: Sequence[Told]) -> Round:
    """Two questions in one."""
    first, second = (part.filler.fill(part.fact.ask[0]) for part in (one, other))
    question = f"{first.rstrip('?.')} and {second[0].lower()}{second[1:]}"
    told = [_now(rng, part, held, plain=True) for part in (one, other)]
    answer = " ".join(text if text.endswith((".", "!")) else f"{text}." for text in told)
    return Round(asked=one.filler.user(question), answer=answer, values=_values(answer, one, other))


def _summed_up(rng: random.Random, one: Told, held: Sequence[Told]) -> Round | None:
    """All that is known of the user or of somebody, where that isn't much."""
    who = [kind for kind in ("relative", "woman", "man") if kind in one.fact.kinds]
    about = [other for other in held if not who or other.owner() == one.owner()]
    if len(about) > 5 or any(other.is_vague for other in about):
        return None
    whom = f"my {one.filler.values[who[0]]}" if who else "me"
    question = asked.wrapped(rng, f"{rng.choice(asked.summing_up())} {whom}?")
    answer = " ".join(dict.fromkeys(_now(rng, other, held, plain=True) for other in about))
    return Round(asked=one.filler.user(question), answer=answer, values=_values(answer, *about))


def _answer(
    rng: random.Random, one: Told, questions: Sequence[str], answer: str, values: tuple[str, ...] = ()
) -> Round:
    question = one.filler.user(asked.wrapped(rng, one.filler.fill(rng.choice(questions))))
    return Round(asked=question, answer=answer, values=values or _values(answer, one))


def _by_name(one: Told, held: Sequence[Told], question: str, answer: str) -> tuple[str, str]:
    """The same about a person by the name that another memory tells: "Where does Ruth live?"."""
    whom = one.filler.values.get("relative", "")
    named = [
        other.filler.values["name"]
        for other in held
        if other.fact.key == "relative name"
        and not other.is_vague
        and other.filler.values.get("relative") == whom
    ]
    if not whom or not named or one.fact.key == "relative name" or f"my {whom}" not in question:
        return question, answer
    return (
        question.replace(f"my {whom}", named[0]),
        answer.replace(f"Your {whom}", named[0]).replace(f"your {whom}", named[0]),
    )


def _values(answer: str, *sources: Told) -> tuple[str, ...]:
    """The values of the facts that stand in `answer`."""
    found = [value for one in sources for value in one.filler.values.values()]
    found += [value for one in sources if one.before for value in one.before.values.values()]
    return tuple(value for value in found if value.lower() in answer.lower())


def _open(rng: random.Random, held: list[Told]) -> Round:
    """A question that nothing known answers, mostly a near miss."""
    found = gap(rng, held)
    answer = UNKNOWN
    if rng.random() < FULLER:
        answer = found.answer or asked.unknown(rng)
    question = Filler(rng=rng).user(asked.wrapped(rng, found.question))
    return Round(asked=question, answer=answer, is_open=True, plain=found.question, lacks=found.lacks)
