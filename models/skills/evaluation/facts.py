"""
Judging what was observed in a chat: facts found, spare sentences, sentences that are made up.

A wanted fact is found where one sentence has its words and is about its person. A sentence tells two facts at most:
whoever repeats the message has told nothing apart. Made up is a sentence with a name, number or person that nobody
spoke of, one that the case says must not be claimed, and one most of whose words are not in the chat. Spare is the
rest: true and not wanted, said twice, or no statement about the user. A case may say what is neither wanted nor spare.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.text import content_words, root
from models.skills.evaluation.words import Group, alternatives, day_of, fits, fold, known, values

ENOUGH = 0.5  # share of a wanted sentence's content words that the chat has, from which on it is not made up
MOST = 0.6  # and of any other sentence's
AT_MOST = 2  # facts that one sentence tells
PERSONS = frozenset(
    """
    sister brother twin mother father mum mom mam dad parents wife husband partner spouse fiance fiancee girlfriend
    boyfriend son daughter child kid children kids aunt auntie uncle cousin niece nephew grandmother grandma gran nan
    nana granny grandfather grandpa grandad grandson granddaughter stepson stepdaughter boss manager neighbour neighbor
    colleague coworker friend mate flatmate housemate roommate landlord landlady teacher tutor coach ex
    """.split()
)
GENERAL = frozenset(  # how sentences word what is told
    map(
        root,
        """
        user's person live work have own like love enjoy hate dislike plan go get feel favourite favorite visit move
        buy bought start stop job home pet called name want play learn study grow grew meet met former previous take
        became become currently recently regularly drive drink eat intend adopted allergic allergy prefer
        recommend promise assistant told ask use attend belong keep own has had used new years old
        """.split(),
    )
)
_CALLED = re.compile(
    r"(?:[Tt]he )?[Uu]ser(?:'s (?:\w+ )?name is| (?:is|was) (?:called|named|known as)) (\w+)"
)
_INTRODUCES = (  # how people say their own name, "{}"
    r"\b(?:i'?m|i am|call(?:s|ed|ing)? me|am called|my name'?s?(?: is)?|name'?s|it'?s|go by|signed,?|as) (?:\w+ )?{}\b"
    r"|\b{}(?: is fine|\W+they/them)|\bmy (?:own )?name\b.*\b{}\b"
)
_DOES = re.compile(r"(?:the )?user (?:is |was |has |also |now |currently )*(\w+)")
_HEARD = {  # what people say when they say so, by the beginning of the verb
    "live": "liv|mov|home|flat|house|here|rais|born|stay|settl|apartment|place|keys|lease",
    "work": "work|job|shift|employ|office|boss|start|quit|retire|trade|profession|teach|hired|self-employed",
    "play": "play|band|team|game|match|instrument|coach|song|solo|orchestra",
    "stud": "stud|degree|uni|school|course|exam|learn|phd|thesis|college|class",
    "learn": "learn|lesson|course|class|stud|teach|taking|took up",
    "allerg": "allerg|hives|react|intoleran|can't have|hay fever|itch",
    "marri": "marri|wife|husband|wedding|propos|anniversary",
    "grew": "grew|grow|rais|child|kid|born",
    "drive": "driv|car|van|truck|bus|tram",
}
_NOUNS = {
    "address": r"address|street|road|lane|liv|number|house|flat|straat|strasse|mov|\d+ ",
    "birthday": "birthday|born|turn|years old",
}
_TO_SOMEBODY = re.compile(r"\bI(?:'m|'ve|'d|'ll)?\b|\b(?i:my|me|we|us|our|you|your)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One chat with what is to be read out of it; groups as in `words.py`."""

    turns: Sequence[str]  # the user's first, then by turns
    date: str = "2026-03-05"
    facts: Sequence[Group] = ()
    maybe: Sequence[Group] = ()  # neither wanted nor wrong
    never: Sequence[Group] = ()  # must not be claimed

    @property
    def said(self) -> str:
        """All that was said."""
        return "\n".join(self.turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence that was observed."""

    text: str
    day: str = ""  # ISO date


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What became of the sentences and of the wanted facts of a chat."""

    kinds: list[str] = field(default_factory=list)  # of each: "found" | "maybe" | "spare" | "made_up"
    found: list[int] = field(default_factory=list)  # places of the facts that were told
    days: list[bool] = field(default_factory=list)  # of found facts that are to have a day: whether they do

    def is_right(self, chat: Chat) -> bool:
        """Whether everything wanted is there, and nothing else."""
        return len(self.found) == len(chat.facts) and not {"spare", "made_up"} & set(self.kinds)


def judge(chat: Chat, sentences: Sequence[Sentence]) -> Verdict:
    """Each sentence in its order, with the facts it tells."""
    verdict = Verdict()
    days = [chat.date, *(day_of(group) or "" for group in (*chat.facts, *chat.maybe))]
    spoken = known([chat.said, "user assistant"], days)
    roots = {root(word) for word in content_words(chat.said)}
    for one in sentences:
        verdict.kinds.append(_kind(chat, one, verdict, spoken, roots))
    return verdict


def f1(found: int, wanted: int, spare: int, made_up: int) -> float:
    """F1 of facts; a spare sentence counts as half a wrong one. 1.0 where nothing was wanted and nothing written."""
    if not wanted and not spare and not made_up:
        return 1.0
    recall = found / wanted if wanted else 0.0
    precision = found / (found + made_up + spare / 2) if found else 0.0
    return 2 * precision * recall / (precision + recall) if found else 0.0


def _kind(chat: Chat, one: Sentence, verdict: Verdict, spoken: set[str], roots: set[str]) -> str:
    text = one.text
    unheard = values(text) - spoken or _unheard_person(text, spoken) or _unheard_noun(text, chat)
    if unheard or _misnames(text, chat) or any(fits(text, no) for no in chat.never):
        return "made_up"
    told = [
        place
        for place, group in enumerate(chat.facts)
        if fits(text, group) and _about_its_person(text, group)
    ]
    new = [place for place in told if place not in verdict.found][:AT_MOST]
    wanted = {root(word) for place in told for word in alternatives(chat.facts[place])}
    if _grounded(text, roots | wanted) < (ENOUGH if told else MOST):
        return "made_up"
    if not _is_statement(text):
        return "spare"
    if new:
        verdict.found += new
        wanted_days = [day_of(chat.facts[place]) for place in new]
        verdict.days += [day == one.day for day in wanted_days if day is not None]
        return "found"
    if _unheard_predicate(text, chat):
        return "made_up"
    if any(fits(text, group) and _about_its_person(text, group) for group in chat.maybe):
        return "maybe"
    return "spare"


def _misnames(text: str, chat: Chat) -> bool:
    """Whether it gives the user a name by which nobody introduced themselves."""
    found = _CALLED.match(text.replace("’", "'"))
    if found is None:
        return False
    own = _INTRODUCES.replace("{}", re.escape(fold(found[1])))
    return found[1].islower() or re.search(own, fold(chat.said)) is None


def _unheard_noun(text: str, chat: Chat) -> bool:
    """Whether it takes something for the user's address or birthday where nobody spoke of one."""
    return any(
        fold(text).startswith(f"the user's {noun} is")
        and re.search(rf"\b(?:{heard})", fold(chat.said)) is None
        for noun, heard in _NOUNS.items()
    )


def _unheard_predicate(text: str, chat: Chat) -> bool:
    """Whether it says that the user lives, works, plays and so on where the chat has no word of it."""
    found = _DOES.match(fold(text))
    verb = next((verb for verb in _HEARD if found and found[1].startswith(verb)), None)
    return verb is not None and re.search(rf"\b(?:{_HEARD[verb]})", fold(chat.said)) is None


def _grounded(text: str, roots: set[str]) -> float:
    """The share of the content words that were said."""
    words = {root(word) for word in content_words(text)} - GENERAL
    return len(words & roots) / len(words) if words else 1.0


def _is_statement(text: str) -> bool:
    return not text.rstrip().endswith("?") and _TO_SOMEBODY.search(text.replace("’", "'")) is None


def _unheard_person(text: str, spoken: set[str]) -> bool:
    """Whether it speaks of a relative or the like of whom nobody spoke, as far as the words tell."""
    subject = _subject(text)
    if subject is None:
        return False
    heard = spoken & PERSONS
    return subject not in heard and not any(subject in same and heard & same for same in _SAME)


_SAME = tuple(
    frozenset(line.split())
    for line in (
        "mother mum mom mam parents",
        "father dad parents",
        "child kid children kids son daughter",
        "wife husband partner spouse fiance fiancee girlfriend boyfriend",
        "grandmother grandma gran nan nana granny",
        "grandfather grandpa grandad",
        "boss manager",
        "neighbour neighbor",
        "colleague coworker",
        "friend mate",
        "flatmate housemate roommate",
        "aunt auntie",
        "landlord landlady",
    )
)


def _subject(text: str) -> str | None:
    """The relative or the like that a sentence is about: "sister" of "The user's little sister Ruth is ill."."""
    found = re.match(r"(?:the )?user's ((?:[\w-]+ ){0,3})", f"{fold(text)} ")
    words = found[1].split() if found else []
    return next((word for word in words if word in PERSONS), None)


def _about_its_person(text: str, group: Group) -> bool:
    """Whether a sentence about somebody else's life is wanted as one."""
    return _subject(text) is None or bool(PERSONS & set(alternatives(group)))
