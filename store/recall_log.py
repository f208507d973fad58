"""
Beside: which memories and messages lay beside the question of each answer, so that "why" can be told of old ones.

Promises: numbers only, and they go with what they stand for; an answer from before this was kept has nothing, which
is not the same as one beside which nothing lay. Knows nothing of why something was laid there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from store.database import Connection, id_list, rows, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What lay beside one question, without what was forgotten since."""

    memories: tuple[int, ...] = ()  # ids, best first
    messages: tuple[int, ...] = ()  # ids of messages that were quoted
    recall_tokens: int = 0  # of the system turn that told them, as a prompt of its own


def note(db: Connection, answer_id: int, beside: Beside) -> None:
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
    """These messages are forgotten: they lay beside nothing, and what lay beside them is told no more."""
    ids = (id_list(message_ids),)
    db.execute("delete from beside where quoted_id in (select value from json_each(?))", ids)
    db.execute("delete from answers where message_id in (select value from json_each(?))", ids)


def several(db: Connection, answer_ids: Sequence[int]) -> dict[int, Beside]:
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
        answer: Beside(
            memories=tuple(json.loads(memories)),
            messages=tuple(json.loads(messages)),
            recall_tokens=recall_tokens,
        )
        for answer, recall_tokens, memories, messages in found
    }
