"""What nano was taught is what the daemon sends: the same texts, letter for letter."""

import random
from dataclasses import replace
from datetime import UTC, datetime

from daemon.lessons.tiny.abstention import ABSTENTION
from daemon.memory.observe import _as_text
from daemon.memory.recall import quote, system_text
from models.nano import tasks
from models.nano.facts import UNKNOWN
from models.nano.items import facts, memories
from store.chats import Message


def message(at, line):
    role, _, text = line.partition(": ")
    return Message(
        id=at, chat_id=1, parent_id=None, role=role, speaker="", text=text, said_at=datetime(2026, 3, 5, tzinfo=UTC),
        source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip


def test_a_chat_to_observe_looks_as_it_was_taught():
    rng = random.Random(3)
    for _ in range(50):
        taught = tasks.observe(rng)[1]["content"]
        *lines, _, day = taught.split("\n")
        window = [message(at, line) for at, line in enumerate(lines)]

        assert taught == _as_text(window, datetime.fromisoformat(day).date(), 10_000)


def test_recalled_memories_and_quoted_messages_look_as_they_were_taught():
    rng = random.Random(5)
    taught = memories(facts(rng, 9), rng, quoted=1.0)["content"]
    lines = [line.removeprefix("- ") for line in taught.split("\n")[1:]]
    quoted = [line for line in lines if " said: " in line]

    assert taught == system_text(lines)
    assert quoted
    for line in quoted:
        day, _, text = line.partition(": The user said: ")
        told = replace(message(1, f"user: {text}"), said_at=datetime.fromisoformat(f"{day}T12:00+00:00"))

        assert line == quote(told, "Where do I live?")


def test_not_knowing_is_said_in_the_same_words():
    assert UNKNOWN == ABSTENTION
