"""
Half a year of a person, put into a store: chats, memories that changed, imports, nights and what they made.

What is on the page is looked at with this; no model is asked for any of it.
"""

import json
import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import apsw

from store import chats, generations, imports, lessons, memories, nights, recall_log
from store.chats import NewMessage
from store.database import stamp
from store.lessons import NewLesson
from tests.fakes import SHA256

TODAY = date.today()
TOLD = [  # days ago, what was said, what is held of it
    (176, "I'm Mira, by the way. Nice to have you here.", "The user's name is Mira."),
    (176, "I live in Ghent, in a small flat near the canal.", "The user lives in Ghent."),
    (175, "I work as a baker, so I get up at four.", "The user works as a baker."),
    (171, "My sister Priya is visiting next weekend.", "The user's sister is called Priya."),
    (168, "We got a dog! She is a beagle.", "The user has a beagle."),
    (160, "No walnuts please, I'm allergic.", "The user is allergic to walnuts."),
    (151, "My best friend Tobias thinks I should travel more.", "The user's best friend is called Tobias."),
    (140, "I grew up in Bergen, so rain doesn't bother me.", "The user grew up in Bergen."),
    (133, "I've started to learn Portuguese.", "The user is learning Portuguese."),
    (120, "My birthday is on 3 May.", "The user's birthday is on 3 May."),
    (96, "Jasmine is still my favourite tea.", "The user's favourite tea is jasmine."),
    (80, "I play the cello on Thursdays.", "The user plays the cello on Thursdays."),
    (61, "I drive an old Volvo that smells of flour.", "The user drives an old Volvo."),
    (44, "I'd love to see Japan once, in autumn.", "The user would like to visit Japan in autumn."),
    (30, "My neighbour Otto feeds the dog when I'm away.", "The user's neighbour is called Otto."),
    (12, "I swim in the mornings now.", "The user swims in the mornings."),
    (3, "I've signed up for a half marathon in March.", "The user will run a half marathon in March."),
]
CHANGED = [  # days ago, what was said, which of TOLD it changes, what holds now, how
    (150, "The beagle is called Biscuit.", 4, "The user has a beagle called Biscuit.", memories.update),
    (41, "I moved to Lisbon last week!", 1, "The user lives in Lisbon.", memories.reconcile),
    (19, "I've left the bakery, I'm a nurse now.", 2, "The user works as a nurse.", memories.reconcile),
]
GUESSED = "The assistant recommended the user the book Piranesi."
ANSWER = "Noted. That is good to know."


def live(db: apsw.Connection) -> None:
    """Fill an empty store."""
    held = [memories.add(db, text, **_source(db, days, said)) for days, said, text in TOLD]
    for days, said, place, now, change in CHANGED:
        held[place] = change(db, held[place], now, **_source(db, days, said))
    source = _say(db, 25, "What should I read on the train?", "You could try Piranesi.")
    guessed = memories.add(db, GUESSED, told_on=_day(25), sources=[source + 1], trust="assistant")
    again = "Biscuit the beagle sleeps all day."
    memories.ignore(db, held[4], again, **_source(db, 9, again))
    taken = memories.add(db, "The user likes coriander.", told_on=_day(8), sources=())
    memories.undo(db, taken.id, today=_day(7))
    _import(db, "chatgpt-conversations.json", 66, 9)
    _import(db, "lm-studio-notes.json", 20, 4)
    recall_log.count_recall(db, [held[1].id, held[4].id], at=_at(2))
    recall_log.count_recall(db, [held[1].id], at=_at(1))
    _date_events(db)
    _sleep(db, [one.id for one in held], guessed.id)


def _source(db: apsw.Connection, days: int, said: str) -> dict[str, Any]:
    """That this was said so many days ago."""
    return {"told_on": _day(days), "sources": [_say(db, days, said)]}


def _say(db: apsw.Connection, days: int, said: str, answer: str = ANSWER) -> int:
    """A chat; the id of what the user said."""
    at = _at(days)
    message = chats.record(db, [NewMessage(role="user", text=said, said_at=at)], at=at)[-1]
    chats.reply(db, message, answer, at=at, model="tsubasa@0")
    return message.id


def _import(db: apsw.Connection, name: str, days: int, sessions: int) -> None:
    found = [
        [
            NewMessage(role="user", text=f"Question {number} of {name}", said_at=_at(300)),
            NewMessage(role="assistant", text="An answer of another assistant.", said_at=_at(300)),
        ]
        for number in range(sessions)
    ]
    imports.record_import(db, f"{name:x<64}"[:64], name, found, _at(days))
    db.execute("update imports set at = ? where name = ?", (stamp(_at(days)), name))


def _date_events(db: apsw.Connection) -> None:
    """Events happened when they were told, not now."""
    for event_id, told_on in list(db.execute("select id, told_on from events")):
        at = datetime.combine(date.fromisoformat(told_on), time(21), UTC)
        db.execute("update events set at = ? where id = ?", (stamp(at), event_id))


def _sleep(db: apsw.Connection, held: Sequence[int], guessed: int) -> None:
    """Six nights: three that passed, one refused, one with nothing to do, one cut short."""
    made: list[int] = []
    taught: list[int] = []
    for memory_id in held:
        new = [_lesson(db, memory_id, split) for split in ("train", "train", "exam")]
        taught += lessons.add(db, new)
    _night(db, 28, "adopted", taught[:30], held[:10], made)
    _night(db, 21, "nothing", [], [], made)
    _night(db, 18, "adopted", taught[:42], held[:14], made, corrected=[[held[2], 3]])
    _night(db, 9, "refused", taught[:45], held[:15], made)
    _night(db, 5, "interrupted", [], [], made)
    waiting = {"untrusted": [guessed], "volatile": [held[15]]}
    _night(
        db,
        0,
        "adopted",
        taught,
        held,
        made,
        learned=held[13:15] + held[16:],
        corrected=[[held[1], 2]],
        waiting=waiting,
    )
    nights.note_forgotten(db, memories=2, messages=3, lessons=6)
    db.execute("update forgettings set at = ?", (stamp(_at(7)),))
    generations.prune(db)


def _lesson(db: apsw.Connection, memory_id: int, split: str) -> NewLesson:
    held = memories.get(db, memory_id)
    return NewLesson(
        question=f"What did I tell you on {held.told_on:%-d %B}?",
        answer=held.text.replace("The user's", "Your").replace("The user", "You told me: the user"),
        grounding=None,
        kind="fact",
        split=split,
        memory_ids=(memory_id,),
    )


def _night(
    db: apsw.Connection,
    days: int,
    outcome: str,
    taught: Sequence[int],
    held: Sequence[int],
    made: list[int],
    **numbers: object,
) -> None:
    night = nights.begin(db, job_id=None, was_live=made[-1] if made else 0)
    began = datetime.combine(_day(days), time(2, 4), UTC)
    generation_id = None
    if taught:
        adapter = random.Random(days).randbytes(60_000)
        one = generations.propose(db, adapter, base_sha256=SHA256, lesson_ids=taught)
        decide = generations.adopt if outcome == "adopted" else generations.refuse
        decide(db, one.id, _exam(outcome, taught, len(made)), REASONS[outcome])
        at = stamp(began + timedelta(minutes=7))
        db.execute("update generations set made_at = ? where id = ?", (at, one.id))
        generation_id = one.id
        if outcome == "adopted":
            made.append(one.id)
    nights.end(
        db,
        night.id,
        outcome,
        generation_id=generation_id,
        backend="torch, cpu, float32" if taught else "",
        numbers=_numbers(taught, held, days) | numbers if taught else {"facts": len(held)},
    )
    end = stamp(began + timedelta(minutes=8, seconds=12))
    db.execute(
        "update nights set began_at = ?, ended_at = ? where id = ?",
        (stamp(began), None if outcome == "interrupted" else end, night.id),
    )


REASONS = {
    "adopted": "it knows 12 more of 51 held-out questions than the generation before it, and has lost nothing",
    "refused": "it abstains less: 80 % instead of 95 % of 20 questions",
}


def _numbers(taught: Sequence[int], held: Sequence[int], days: int) -> dict[str, object]:
    return {
        "lessons": len(taught),
        "memories": len(held),
        "left_out": 0,
        "noted": [],
        "learned": list(held[-4:]),
        "corrected": [],
        "not_yet": [],
        "not_asked": [],
        "taken_back": [],
        "missed": list(taught[2:6:3]),
        "curve": curve(days),
        "cost": {
            "train_s": 392.0,
            "total_s": 486.0,
            "steps": 180,
            "tokens_per_s": 1840.0,
            "peak_mb": 912.0,
            "pauses": 1,
            "paused_s": 24.0,
            "resumed_from": 0,
            "swap_ms": 0.13,
        },
    }


def curve(seed: int, steps: int = 180) -> dict[str, object]:
    """How a loss falls: quickly, then slowly, never quite smoothly."""
    chance = random.Random(seed)
    train = [
        [step, round(0.05 + 2.4 * math.exp(-step / 26) * (1 + chance.gauss(0, 0.12)), 4)]
        for step in range(1, steps + 1)
    ]
    exam = [[step, round(0.11 + 2.2 * math.exp(-step / 30), 4)] for step in range(18, steps + 1, 18)]
    return {"train": train, "exam": exam, "total": steps}


def _exam(outcome: str, taught: Sequence[int], before: int) -> dict[str, object]:
    asked = taught[2::3]
    known = [float(place % 9 != 0) for place in range(len(asked))]
    live_known = [float(before > 0 and place < 6 * before) for place in range(len(asked))]
    marks = {"facts": [[id, known[place], live_known[place], 0.0, 0] for place, id in enumerate(asked)]}
    parts = {
        "facts": _shares(len(asked), sum(known) / len(asked), sum(live_known) / len(asked), 0.0),
        "grounded": _shares(24, 0.96, 0.96, 0.96),
        "abstain": _shares(20, 0.8 if outcome == "refused" else 0.95, 0.95, 1.0),
        "general": _shares(15, 0.93, None, 1.0),
        "canary": _shares(8, 1.0, None, 1.0),
    }
    missed = [
        {
            "part": "facts",
            "lesson_id": asked[0],
            "question": "What is my name?",
            "wanted": "Mira",
            "said": "Mia",
        }
    ]
    return json.loads(json.dumps({"parts": parts, "drift": 0.021, "marks": marks, "missed": missed}))


def _shares(asked: int, candidate: float, live: float | None, base: float) -> dict[str, object]:
    return {"asked": asked, "candidate": candidate, "live": live, "base": base}


def _day(days: int) -> date:
    return TODAY - timedelta(days=days)


def _at(days: int) -> datetime:
    return datetime.combine(_day(days), time(18, 30), UTC)
