"""
Eligibility: the memories that a night does not teach yet, or never, and why.

    untrusted      neither the user's own word nor an import's: it can be recalled, and is never learned
    secret         a password, a key, the number of a card or an account: weights can't keep it
    volatile       about today, a passing state or a near plan: stale before it is learned; what is so time and again,
                   or was over when it was said, lasts
    contradicted   said within two days, the model took it to change another, which a check refused, and the two may not
                   both be true; or it went to and fro
    unseen         it changed an older memory within a day, and nobody has looked through the changes since; only nights
                   that begin by themselves wait for that, and only with the setting `look_first`
    later          the night's hours did not hold all (`night/planning.py`)
    unasked        the model found no usable question about it; only a night that has just tried can tell
    untried        it was not asked about it: it found none about many others in a row

A change of mind that was settled (RECONCILE) does not wait. A contradiction that was not settled stops waiting after
two days: then a night teaches both (`dataset.py`). What passes soon is known by English wordings, and in every language
by a date that is near; all else that passes in other languages is left to the model that observes.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from os.path import commonprefix

from daemon.memory.checks import differences
from daemon.memory.secret_values import holds_secret
from daemon.text import MONTHS, content_words, in_english, value_words
from store import memories, memory_queries, notices
from store.database import Connection
from store.lessons import TAUGHT
from store.memories import Memory
from store.memory_events import besides, changed_since

LOOKED_WITHIN = timedelta(days=1)
SETTLED_AFTER = timedelta(days=2)
NEAR = timedelta(days=30)  # a plan for a day within these is no lasting fact
_SOON = re.compile(
    r"\b(?:today|tonight|tomorrow|right now|for now"  # what was yesterday or last month stays true
    r"|(?:this|next|coming) (?:morning|afternoon|evening|night|week|weekend|month)"
    r"|(?:this|next|coming) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?<!times )in (?:a few|an?|one|two|three|\d+) (?:day|week)s?)\b",
    re.I,
)
_STATE_ENDS = (  # what may follow a state that passes: not "a cold shower", "happy in Oslo", "was sick in 2015"
    r"(?=\s*(?:[.,;:!?)]|$)"
    r"|\s(?:and|or|but|so|because|that|this|after|from|about|of|again|now|at|for|to|with)\b)"
)
_PASSING = re.compile(
    r"\b(?:is|are|was|were|feels?|felt|am)(?: (?:a bit|a little|very|really|so|quite|rather|too|feeling|still|not))*"
    r" (?:tired|sleepy|exhausted|hungry|thirsty|sick|ill|unwell|sad|angry|annoyed|bored|stressed|busy|nervous"
    r"|excited|happy(?! (?:at|for|to|with)\b)|upset|cold|hot|drunk|hungover|late|(?:lost|stuck)(?: in [\w ]+)?"
    rf"|in a hurry|in a (?:good|bad) mood|on the (?:train|bus|way)){_STATE_ENDS}"
    r"|\b(?:has|have|had|got|caught) (?:a|the)(?: (?:bad|slight|terrible))?"
    rf" (?:headache|cold|flu|fever|hangover|stomach ache){_STATE_ENDS}",
    re.I,
)
_ALWAYS = re.compile(  # so it is time and again, or was at a time long past
    r"\b(?:every|each|always|usually|often|whenever|yearly|(?:mon|tues|wednes|thurs|fri|satur|sun)days"
    rf"|(?:in|since) (?:(?:{'|'.join(MONTHS)}) )?\d{{4}}"
    r"|(?:in|during) (?:the )?(?:spring|summer|autumn|winter|mornings|afternoons|evenings))\b",
    re.I,
)
_MEETING = r"(?:meeting|appointment|interview|exam|flight|deadline)s?\b"
_PLAN = re.compile(
    r"\b(?:plans?|planning|going|intends?|wants?|hopes?|will|(?:is|are|am) meeting"
    r"|leaves?|leaving|flies|flying|travels?|travelling|visits?|visiting|meets?|expects?|has to|needs? to|is due"
    rf"|(?:has|have|having|got)(?: [\w'-]+){{1,4}}? {_MEETING}"
    rf"|{_MEETING}.{{0,60}}? (?:is|are|takes? place|begins?|starts?) (?:on|at|in|due|set|planned|\d))\b"
)
_WITHIN_HOURS = re.compile(r"\bin (?:a few|an?|one|two|three|\d+) (?:minute|hour)s?\b", re.I)
_DAY = re.compile(
    rf"\b(since )?(?:(\d{{4}})-(\d\d)-(\d\d)|(\d{{1,2}}) ({'|'.join(MONTHS)})(?: (\d{{4}}))?)\b", re.I
)
_DAY_IN_HAN = re.compile(r"()(\d{4})年(\d{1,2})月(\d{1,2})[日号]()()()")  # the same groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A memory that is not taught, and why: one of `daemon.text.WHY_WAITING`."""

    memory_id: int
    reason: str


def waiting(db: Connection, today: date, *, among: Collection[int] | None = None) -> list[Waiting]:
    """What is not taught as of `today`, of the memories that hold or have these ids; oldest first."""
    found = memories.holding(db)
    judged = [memory for memory in found if among is None or memory.id in among]
    lately = [memory for memory in judged if _is_fresh(memory.told_on, today)]
    return why_wait(
        found,
        besides=besides(db),
        before={memory.id: memory_queries.before(db, memory) for memory in lately},
        today=today,
        among={memory.id for memory in judged},
    )


def unseen(db: Connection, now: datetime) -> list[Waiting]:
    """What changed another memory and waits for a look at it, a day at most: nobody must come for it to be learned."""
    found = changed_since(db, now - LOOKED_WITHIN, after=notices.looked(db))
    return [Waiting(memory_id=one.memory_id, reason="unseen") for one in found]


def why_wait(
    found: Sequence[Memory],
    *,
    besides: Sequence[tuple[int, int]],
    before: Mapping[int, Sequence[Memory]],
    today: date,
    among: Collection[int] | None = None,
) -> list[Waiting]:
    """
    Which of the memories `found` wait.

    Args:
        besides: memories that were added next to another which the model took them to change, with that other.
        before: what held in the place of those told lately, oldest first.
        among: ids of those to judge; None: all.
    """
    by_id = {memory.id: memory for memory in found}
    disputed = {
        id
        for new, old in besides
        if new in by_id and old in by_id and _is_fresh(by_id[new].told_on, today)
        if may_contradict(by_id[new].text, by_id[old].text)
        for id in (new, old)
    }
    reasons = {
        memory.id: "untrusted"
        if memory.trust not in TAUGHT
        else "secret"
        if holds_secret(memory.text)
        else "volatile"
        if is_volatile(memory, today)
        else "contradicted"
        if memory.id in disputed or _wavers(memory, before.get(memory.id, ()), today)
        else None
        for memory in found
        if among is None or memory.id in among
    }
    return [Waiting(memory_id=id, reason=reason) for id, reason in reasons.items() if reason]


def may_contradict(one: str, other: str) -> bool:
    """
    Whether two sentences tell the same thing with different values, or one denies the other.

    "The user lives in Ghent." and "... in Bonn."; not "The user's sister lives ..." and "The user's brother lives ...".
    """
    words = [[word for word in content_words(text) if word != "not"] for text in (one, other)]
    if not (in_english(one) and in_english(other)):
        return min(differences(one, other), differences(other, one)) <= 1  # nor is it known what denies
    alike = len(commonprefix(words))
    rests = [set(said[alike:]) - value_words(text) for said, text in zip(words, (one, other), strict=True)]
    return alike > 0 and all(len(rest) <= 1 for rest in rests)


def is_volatile(memory: Memory, today: date) -> bool:
    """Whether it tells of today, a passing state, or a plan for a day that was to come and is near or past."""
    text = memory.text
    if _SOON.search(text) or (_PASSING.search(text) and not _ALWAYS.search(text)):
        return True
    if not _PLAN.search(text):  # of other languages: a day of this or that year is no birthday
        return not in_english(text) and any(
            (day - today) <= NEAR for day in _days_to_come(memory, whole_only=True)
        )
    return bool(_WITHIN_HOURS.search(text)) or any((day - today) <= NEAR for day in _days_to_come(memory))


def _days_to_come(memory: Memory, *, whole_only: bool = False) -> list[date]:
    """
    The days named in it that were not over when it was told; of one without its year, the next after that.

    A day that comes every year, or since which something is so, is none.
    """
    found = []
    dates = [*_DAY.findall(memory.text), *_DAY_IN_HAN.findall(memory.text)]
    for since, year, month, day, named_day, name, named_year in dates:
        whole = bool(year or named_year)
        if not whole and (whole_only or since or _ALWAYS.search(memory.text)):
            continue
        number = int(month or MONTHS.index(name.lower()) + 1)
        for guess in (int(year or named_year),) if whole else (memory.told_on.year, memory.told_on.year + 1):
            try:
                named = date(guess, number, int(day or named_day))
            except ValueError:  # no such day
                continue
            if named >= memory.told_on:
                found.append(named)
                break
    return found


def _wavers(memory: Memory, before: Sequence[Memory], today: date) -> bool:
    """Whether this was changed twice or more within the days in which a change settles."""
    changes = [one for one in (*before, memory) if abs(memory.told_on - one.told_on) < SETTLED_AFTER]
    return _is_fresh(memory.told_on, today) and len(changes) > 2


def _is_fresh(told_on: date, today: date) -> bool:
    """Told so lately that it may not have settled; a clock that was set back makes nothing wait for long."""
    return abs(today - told_on) < SETTLED_AFTER
