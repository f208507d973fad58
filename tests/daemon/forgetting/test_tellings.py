"""What tells a fact is looked for in slices, so that nobody waits for it, and found all the same."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import partial

from daemon.forgetting.forget import Wanted
from daemon.forgetting.tellings import LOOKED_AT, LOOKED_THROUGH
from daemon.store_thread import StoreThread
from store import chats, memories
from store.chats import NewMessage
from store.database import open_store, writing
from tests.daemon.night.fakes import LearningEngine, forgetting

DOG = "The user has a dog called Biscuit."
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
PARTS = 3


def fill(db):
    """Many memories that hold no more, and many turns; what tells the fact is the first and the last of each."""
    many = PARTS * LOOKED_AT
    for n in range(many):
        text = DOG if n in (0, many - 1) else f"The user has boat {n}."
        old = memories.add(db, f"{text[:-1]} and number {n}.", told_on=date(2026, 1, 1), sources=())
        memories.reconcile(db, old, f"The user sold thing {n}.", told_on=date(2026, 1, 2), sources=())
    messages = PARTS * LOOKED_THROUGH
    db.executemany(
        """insert into messages (id, chat_id, role, speaker, text, said_at, stored_at, source, hash)
        values (?, 1, ?, '', ?, ?, ?, 'api', ?)""",
        (
            (
                10 + n,
                "system" if n in (0, messages - 1) else "user",
                f"The dog called Biscuit, {n}",
                at,
                at,
                f"{n}",
            )
            for n in range(messages)
            for at in [NOW.isoformat(timespec="microseconds")]
        ),
    )


def in_one_transaction(db):
    with writing(db):
        fill(db)


class Counted(StoreThread):
    """Counts the slices of each work."""

    def __init__(self, folder):
        super().__init__(partial(open_store, folder / "tsubasa.db", b"k" * 32))
        self.slices = Counter()

    async def run_in_slices(self, work, /, *arguments, **named):
        def each(db):
            taking = work(db, *arguments, **named)
            while True:
                try:
                    next(taking)
                except StopIteration as end:
                    return end.value
                self.slices[work.__name__] += 1
                yield

        return await super().run_in_slices(each)


async def test_all_that_was_replaced_or_written_by_programs_is_looked_at_and_others_go_between(tmp_path):
    store_thread = Counted(tmp_path)
    await store_thread.open()
    await store_thread.run(chats.record, [NewMessage(role="user", text="hello")], at=NOW - timedelta(days=1))
    await store_thread.run(in_one_transaction)
    told = await store_thread.run(memories.add, DOG, told_on=NOW.date(), sources=())
    found = await forgetting(store_thread, LearningEngine()).preview(Wanted(memories=(told.id,)))
    await store_thread.close()
    texts = [one.text for one in found.tellings]

    assert store_thread.slices["_candidates"] > 2 * PARTS
    assert {f"The dog called Biscuit, {n}" for n in (0, PARTS * LOOKED_THROUGH - 1)} <= set(texts)
    assert {f"{DOG[:-1]} and number {n}." for n in (0, PARTS * LOOKED_AT - 1)} <= set(texts)
