"""`tsubasa forget`, as a user types it."""

from datetime import date

import pytest

from daemon.errors import Refused
from store import memories
from tests.daemon.commands.test_memories import typed


async def told(world):
    """A long message with two lines, another one, and a memory of each."""
    await world.chat("My bicycle is stolen.\n" + "It was red. " * 20)
    await world.chat("I sing.")
    for text, source in (("The user has no bicycle.", 1), ("The user sings.", 3)):
        await world.keeper.run(memories.add, text, told_on=date(2026, 3, 5), sources=[source])


def test_a_message_is_shown_shortened_and_forgotten_alone(tmp_path):
    said, listed = typed(tmp_path, told, ["forget", "--message", "1", "--yes"], ["memories"])
    shown = said.splitlines()[0]

    assert shown.startswith("   1  (message) user: My bicycle is stolen. It was red.") and shown.endswith("…")
    assert "Forgotten: 0 memories, 2 messages" in said
    assert "drawn from what was forgotten: 1. Them too: tsubasa forget 1" in said
    assert "2 memories" in listed


def test_memories_and_messages_are_forgotten_together(tmp_path):
    (said,) = typed(tmp_path, told, ["forget", "1", "--message", "3", "--message", "4", "--yes"])

    assert "Forgotten: 1 memory, 4 messages" in said


def test_nothing_named_is_a_mistake_and_what_is_not_there_forgets_nothing(tmp_path):
    (said,) = typed(tmp_path / "one", told, ["forget", "--yes"])
    with pytest.raises(Refused, match="There is no message 99"):
        typed(tmp_path / "two", told, ["forget", "1", "--message", "99", "--yes"])

    assert "Name a memory, or a message with --message." in " ".join(said.split())
