"""
Which memories and messages were recalled for each answer, so that "why" can be told of old ones; and how often each
memory was recalled.

Numbers only (`answers`, `beside`, `recalls`), and they go with what they stand for. An answer from before this was
stored has no row, which is not the same as one for which nothing was recalled.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.database import Connection, id_list, moment, rows, stamp, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRecord:
    """What was recalled for one question, without what was forgotten since."""

    memories: tuple[int, ...] = ()  # ids, best first
    messages: tuple[int, ...] = ()  # ids of messages that were quoted
    recall_tokens: int = 0  # of the system turn that told them, as a prompt of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCount:
    """How often one memory was recalled."""

    n: int
    last_at: datetime  # UTC


def record(db: Connection, answer_id: int, beside: RecallRecord) -> None:
    """
    Keep it for the answer; what was kept before is replaced, what was forgotten meanwhile is passed over.

    Of an answer that is forgotten itself nothing is kept.
    """
    with writing(db):
        db.execute("delete from answers where message_id = ?", (answer_id,))
        db.execute(
            "insert into answers select id, ? from messages where id = ? and not redacted",
            (beside.recall_tokens, answer_id),
        )
        for column, held, ids in (
            ("memory_id", "memories", beside.memories),
            ("quoted_id", "messages where not redacted", beside.messages),
        ):
            db.execute(
                f"""insert into beside (answer_id, place, {column}) select message_id, key, value
                from answers, json_each(?) where message_id = ? and value in (select id from {held})""",
                (id_list(ids), answer_id),
            )


def drop(db: Connection, message_ids: Sequence[int]) -> None:
    """These messages are forgotten: they were recalled for nothing, and what was recalled for them is not kept."""
    ids = (id_list(message_ids),)
    db.execute("delete from beside where quoted_id in (select value from json_each(?))", ids)
    db.execute("delete from answers where message_id in (select value from json_each(?))", ids)


def of_answers(db: Connection, answer_ids: Sequence[int]) -> dict[int, RecallRecord]:
    """Of each of these answers of which it is known."""
    found = rows(
        db,
        """select message_id, recall_tokens,
            (select json_group_array(memory_id order by place) from beside
                where answer_id = message_id and memory_id is not null),
            (select json_group_array(quoted_id order by place) from beside
                where answer_id = message_id and quoted_id is not null)
        from answers where message_id in (select value from json_each(?))""",
        (id_list(answer_ids),),
    )
    return {
        answer: RecallRecord(
            memories=tuple(json.loads(memories)),
            messages=tuple(json.loads(messages)),
            recall_tokens=recall_tokens,
        )
        for answer, recall_tokens, memories, messages in found
    }


def count_recall(db: Connection, memory_ids: Sequence[int], *, at: datetime) -> None:
    """Note that these memories were recalled once more; those forgotten meanwhile are passed over."""
    with writing(db):
        db.execute(
            """insert into recalls select id, 1, ?1 from memories where id in (select value from json_each(?2))
            on conflict (memory_id) do update set n = n + 1, last_at = max(last_at, ?1)""",
            (stamp(at), id_list(memory_ids)),
        )


def recall_counts(db: Connection, memory_ids: Sequence[int] | None = None) -> dict[int, RecallCount]:
    """Per memory of these (None: of all) that was ever recalled, how often."""
    which = "" if memory_ids is None else "where memory_id in (select value from json_each(?))"
    ids = () if memory_ids is None else (id_list(memory_ids),)
    found = rows(db, f"select memory_id, n, last_at from recalls {which}", ids)
    return {memory_id: RecallCount(n=n, last_at=moment(last_at)) for memory_id, n, last_at in found}
