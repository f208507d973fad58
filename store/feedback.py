"""
Feedback: what the user thinks of an answer, and how it should have been; how they like answers, and no fact of them.

One row per answer; it goes with the answer (a trigger of the schema) and with what is forgotten in its words. Nothing
of it is recalled or taught.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.database import Connection, id_list, moment, rows, stamp, writing

UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What the user thinks of one answer."""

    message_id: int
    kind: str  # "preference": a thumb alone; "style": how the answer should have been
    thumb: int  # UP or DOWN; 0: none
    correction: str  # how it should have been; "": not said
    at: datetime  # UTC
    answer: str  # the answer itself


def put(db: Connection, message_id: int, *, thumb: int, correction: str, at: datetime) -> None:
    """Keep it for this answer; what was kept before is replaced, and dropped where nothing is said."""
    with writing(db):
        db.execute("delete from feedback where message_id = ?", (message_id,))
        if thumb or correction:
            db.execute(
                "insert into feedback select id, ?, ?, ? from messages where id = ? and not redacted",
                (thumb, correction, stamp(at), message_id),
            )


def of_messages(db: Connection, message_ids: Sequence[int]) -> dict[int, Feedback]:
    """Of each of these answers that the user has said anything of."""
    wanted = "message_id in (select value from json_each(?))"
    return {one.message_id: one for one in _found(db, wanted, id_list(message_ids))}


def latest(db: Connection, most: int) -> list[Feedback]:
    """The last of it, the newest first."""
    return _found(db, "true")[:most]


def drop_quoting(db: Connection, quotes: Sequence[str]) -> None:
    """What has one of these texts (in small letters) in it is gone; call it inside a transaction."""
    found = rows(db, "select message_id, lower(correction) from feedback")
    ids = [id for id, text in found if any(quote in text for quote in quotes)]
    db.execute("delete from feedback where message_id in (select value from json_each(?))", (id_list(ids),))


def _found(db: Connection, wanted: str, *given: str) -> list[Feedback]:
    return [
        Feedback(
            message_id=id,
            kind="style" if correction else "preference",
            thumb=thumb,
            correction=correction,
            at=moment(at),
            answer=answer,
        )
        for id, thumb, correction, at, answer in rows(
            db,
            f"""select message_id, thumb, correction, feedback.at, text from feedback
            join messages on id = message_id where {wanted} order by feedback.at desc, message_id desc""",
            given,
        )
    ]
