"""`tsubasa forget`, as a user types it."""

import json
from datetime import date

import pytest

from daemon.errors import Refused
from tests.daemon.api.world import teach
from tests.daemon.cli.commands import typed, unwrapped


async def told(world):
    """A long message with two lines, another one, and a memory of each."""
    await world.chat("My bicycle is stolen.\n" + "It was red. " * 20)
    await world.chat("I sing.")
    await world.remember("The user has no bicycle.", 1)
    await world.remember("The user sings.", 3)


async def test_a_message_is_shown_shortened_and_forgotten_alone(tmp_path):
    said, listed = await typed(tmp_path, told, ["forget", "--message", "1", "--yes"], ["memories"])
    shown = said.splitlines()[0]

    assert shown.startswith("   1  (message) user: My bicycle is stolen. It was red.") and shown.endswith("…")
    assert "Forgotten: 0 memories, 2 messages" in said
    assert "drawn from what was forgotten: 1. Them too: tsubasa forget 1" in said
    assert "2 memories" in listed


async def test_memories_and_messages_are_forgotten_together(tmp_path):
    (said,) = await typed(tmp_path, told, ["forget", "1", "--message", "3", "--message", "4", "--yes"])

    assert "Forgotten: 1 memory, 4 messages" in said


async def test_nothing_named_is_a_mistake_and_what_is_not_there_forgets_nothing(tmp_path):
    (said,) = await typed(tmp_path / "one", told, ["forget", "--yes"])
    with pytest.raises(Refused, match="There is no message 99"):
        await typed(tmp_path / "two", told, ["forget", "1", "--message", "99", "--yes"])

    assert "Name a memory, or a message with --message." in unwrapped(said)


async def test_a_dry_run_tells_who_else_tells_it_and_forgets_nothing(tmp_path):
    async def twice(world):
        await told(world)
        await world.remember("The user sings a lot.", 3, day=date(2026, 3, 6))

    dry, listed, done = await typed(
        tmp_path, twice, ["forget", "2", "--dry-run"], ["memories"], ["forget", "2", "--yes"]
    )

    assert "Also told, perhaps, by: 3. Them too: tsubasa forget 2 3" in dry
    assert "no generation has learned it.\nNothing was forgotten." in dry
    assert "3 memories" in listed
    assert "Also told" in done and "Forgotten: 1 memory" in done


async def test_the_report_as_json_is_json_alone_and_asks_nobody(tmp_path):
    forget = ["forget", "2", "--json"]
    dry, asked, done = await typed(tmp_path, told, [*forget, "--dry-run"], forget, [*forget, "--yes"])

    assert [2] == json.loads(dry)["memories"]
    assert "add --yes, or --dry-run" in unwrapped(asked)
    assert (1, "gone") == ((whole := json.loads(done))["report"]["memories"], whole["weights"]["verdict"])


@pytest.mark.parametrize("words", [["--dry-run"], []])
async def test_what_goes_is_said_before_it_is_asked(tmp_path, words):
    async def learned(world):
        await world.chat("I sing.")
        await world.store_thread.run(teach, "The user sings.", "Do I sing?", "You sing.", sources=(1,))

    (said,) = await typed(tmp_path, learned, ["forget", "1", *words])
    goes = said.partition("Forget this for good?")[0]

    assert "The user sings." in goes
    assert "This takes 1 memory, 2 messages, 1 lesson, 1 generation." in goes
    assert "Generation 1 has learned it and will answer no more." in goes
    assert "was forgotten:" not in said
