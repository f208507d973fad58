"""
Known chats: which stored chat a history goes on that a client sent, and from where on it is new.

    stored:  hi ── hello ── I live in Ghent ── noted ── and tomatoes? ── in April
    sent:    [system turn]   a summary          noted ── and tomatoes? ── in April ── how much water?
                                                └── the longest run of known turns ──┘  └── new

Only what user and assistant said counts, by its words alone (`tombstones.py`: case and white space make no difference):
system turns and the output of tools change as clients like. A run that is no beginning must say enough to be known by.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from store import tombstones
from store.database import Connection, rows

SPOKEN = ("user", "assistant")
ENOUGH = 40  # letters of a run by which a chat is known without its beginning
RARE = 50  # stored turns with the same words: of so few, all chats are looked at
MOST = 2_000  # where all words of a history are said often: so many turns, the newest
Turn = tuple[str, str]  # role, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The part of a history that is stored."""

    start: int  # place of its first turn in the history
    end: int  # behind its last
    message_id: int  # the stored message that this last one is


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    chat_id: int
    before: int | None  # the spoken message before it
    mark: str


@dataclass(frozen=True, slots=True)
class _Run:
    turns: int
    end: int  # place of its last turn among the spoken ones
    id: int
    chat_id: int
    begins: bool  # both the chat and the history


def find(db: Connection, turns: Sequence[Turn]) -> Known | None:
    """The part of this history that is stored in one chat; None where nothing of it is known."""
    places = [place for place, (role, text) in enumerate(turns) if role in SPOKEN and text.strip()]
    marks = [tombstones.mark(db, *turns[place]) for place in places]
    spoken = [turns[place] for place in places]
    letters = [0, *accumulate(len(text) for _, text in spoken)]
    runs = [run for run in _runs(_stored(db, marks), marks) if _is_enough(run, spoken, letters)]
    if not runs:
        return None
    longest = max(run.turns for run in runs)
    chats = {run.chat_id for run in runs if run.turns == longest}
    end = max(run.end for run in runs if run.chat_id in chats)
    last = [run for run in runs if run.chat_id in chats and run.end == end]
    most = max(run.turns for run in last)
    ids = [run.id for run in last if run.turns == most]
    message_id = _newest(db, ids, ending_first=end < len(places) - 1)
    return Known(start=places[end - most + 1], end=places[end] + 1, message_id=message_id)


def follow(db: Connection, known: Known, turns: Sequence[Turn]) -> Known:
    """The same, with the output of tools behind it that is stored too."""
    end, message_id = known.end, known.message_id
    while end < len(turns) and turns[end][0] not in SPOKEN:
        role, text = turns[end]
        found = rows(
            db,
            "select id from messages where parent_id = ? and role = ? and mark = ? order by id desc limit 1",
            (message_id, role, tombstones.mark(db, role, text)),
        )
        if not found:
            break
        end, message_id = end + 1, found[0][0]
    return Known(start=known.start, end=end, message_id=message_id)


def _stored(db: Connection, marks: Sequence[str]) -> list[_Row]:
    """The stored messages with these marks, oldest first: of the chats that have those of them which are rare."""
    each = list(dict.fromkeys(marks))
    counted = """select mark from messages where mark in (select value from json_each(?))
        group by mark having count(*) <= ?"""
    rare = [mark for (mark,) in rows(db, counted, (json.dumps(each), RARE))]
    within = (
        """and m.chat_id in (select chat_id from messages where mark in (select value from json_each(?)))"""
    )
    found = rows(
        db,
        f"""select m.id, m.chat_id, m.parent_id, m.mark, parent.role from messages m
        left join messages parent on parent.id = m.parent_id
        where m.mark in (select value from json_each(?)) {within if rare else ""} order by m.id desc limit ?""",
        (json.dumps(each), *([json.dumps(rare)] if rare else []), MOST),
    )
    return [
        _Row(id, chat_id, parent if role in SPOKEN else _spoken_before(db, parent), mark)
        for id, chat_id, parent, mark, role in reversed(found)
    ]


def _spoken_before(db: Connection, message_id: int | None) -> int | None:
    """The nearest message of user or assistant, from this one on upwards."""
    while message_id is not None:
        ((role, parent),) = rows(db, "select role, parent_id from messages where id = ?", (message_id,))
        if role in SPOKEN:
            break
        message_id = parent
    return message_id


def _runs(stored: Sequence[_Row], marks: Sequence[str]) -> list[_Run]:
    """For each stored turn and each place where it stands in the history, how many turns before it are the same."""
    places: dict[str, list[int]] = {}
    for place, mark in enumerate(marks):
        places.setdefault(mark, []).append(place)
    turns: dict[tuple[int, int], int] = {}
    begins: set[tuple[int, int]] = set()  # those that are the beginning of chat and history
    found = []
    for row in stored:
        for end in places[row.mark]:
            before = (row.before, end - 1) if row.before is not None else None
            turns[row.id, end] = 1 + (turns.get(before, 0) if before else 0)
            if (before is None and end == 0) or before in begins:
                begins.add((row.id, end))
            starts = (row.id, end) in begins
            if turns[row.id, end] > 1 or starts:
                found.append(_Run(turns[row.id, end], end, row.id, row.chat_id, starts))
    return found


def _is_enough(run: _Run, spoken: Sequence[Turn], letters: Sequence[int]) -> bool:
    """
    Whether a chat is known by this run: from the beginning by any, else by what two said, at some length.

    Args:
        letters: how many there are before each of the spoken turns, and in all.
    """
    if run.begins:
        return True
    start = run.end - run.turns + 1
    both = any(spoken[at][0] != spoken[run.end][0] for at in range(start, run.end))
    return both and letters[run.end + 1] - letters[start] >= ENOUGH


def _newest(db: Connection, ids: Sequence[int], *, ending_first: bool) -> int:
    """The newest of these messages; first of those that nothing follows."""
    follows = "exists (select 1 from messages where parent_id = found.id)" if ending_first else "null"
    sql = f"""select id from messages found where id in (select value from json_each(?))
        order by {follows}, id desc limit 1"""
    return int(rows(db, sql, (json.dumps(list(ids)),))[0][0])
