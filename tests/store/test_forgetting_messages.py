"""Messages, forgotten by their number."""

import pytest

from store import chats, full_text, memories
from store.errors import NotFound
from tests.store.sample import DAY, embed, everything, history, later, say, vector

TOWN, STEM = "Quizzenbrook", "quizzenbrook"  # found nowhere by chance


def test_no_word_of_a_message_that_no_memory_tells_is_left_anywhere(db):
    told = say(db, f"I grew up in {TOWN}", f"{TOWN} is nice!")
    chats.record(db, history(f"Did I say that I grew up in {TOWN}?"), at=later(days=1))
    other = say(db, "I am a baker")
    embed(db, "message", [told.id, other.id], vector(1, 2), vector(0, 1))
    report = memories.forget(db, messages=[told.id])

    assert (report.memories, report.messages, report.vectors, report.generations) == (0, 3, 1, ())
    assert TOWN not in everything(db) and STEM not in everything(db)
    assert [other.id] == [id for id, _ in full_text.search(db, "message", "baker", 3)]


def test_a_memory_that_was_drawn_from_a_forgotten_message_stays_and_is_reported(db):
    told = say(db, "I am a baker by trade")
    memory = memories.add(db, "The user is a baker.", told_on=DAY, sources=[told.id])
    report = memories.forget(db, messages=[told.id])

    assert (report.memories, report.kept_memories) == (0, (memory.id,))
    assert [memory] == memories.holding(db)


def test_a_message_that_is_not_there_forgets_nothing(db):
    told = say(db, "I am a baker by trade")
    memory = memories.add(db, "The user is a baker.", told_on=DAY, sources=[told.id])
    with pytest.raises(NotFound):
        memories.forget(db, [memory.id], messages=[told.id, 99])

    assert ([memory], told) == (memories.holding(db), chats.get(db, told.id))
