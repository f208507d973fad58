"""Recall's items: what is answered was told, what is open was not, no value that is kept apart."""

import random
from functools import cache

from daemon.memory.recall import recalled_lines
from models.skills import asked, recall
from models.skills.items import Messages
from models.skills.recall import Chat
from models.skills.slots import facts, is_kept_apart
from prompts.load import lays_memories

SEEDS = range(300)


@cache
def chat(seed: int) -> Chat:
    return recall.chat(random.Random(seed), 1.0)


def context(messages: Messages, question: str) -> str:
    """All that stands before a question, in lower case."""
    at = next(place for place, one in enumerate(messages) if one["content"] == question)
    return "\n".join(one["content"] for one in messages[: at + 1]).lower()


def test_what_is_answered_stands_in_a_memory_or_in_the_chat() -> None:
    missing = [
        (seed, one.asked, value)
        for seed in SEEDS
        for one in chat(seed).rounds
        for value in one.values
        if value.lower() not in context(chat(seed).messages, one.asked)
    ]

    assert missing == []


def test_what_is_open_is_told_nowhere() -> None:
    told = [
        (seed, one.asked)
        for seed in SEEDS
        for one in chat(seed).rounds
        if one.lacks and one.lacks in said(chat(seed).messages)
    ]

    assert told == []


def said(messages: Messages) -> str:
    """The memories and all that the user says."""
    return "\n".join(one["content"] for one in messages if one["role"] != "assistant")


def test_a_system_turn_is_the_daemons_own_with_one_dated_line_each() -> None:
    found = [[one["content"] for one in chat(seed).messages if one["role"] == "system"] for seed in SEEDS]

    assert all(len(texts) <= 1 for texts in found)
    assert all(lays_memories(text) for texts in found for text in texts)
    assert all(asked.is_dated(line) for texts in found for text in texts for line in recalled_lines(text))


def test_about_half_of_the_rounds_made_of_facts_are_open() -> None:
    rounds = [one for seed in SEEDS for one in chat(seed).rounds if one.values or one.is_open]
    share = sum(one.is_open for one in rounds) / len(rounds)

    assert 0.4 < share < 0.65


def test_some_items_have_no_memories_and_some_have_many() -> None:
    lines = [
        len(recalled_lines(one["content"]))
        for seed in SEEDS
        for one in chat(seed).messages
        if one["role"] == "system"
    ]

    assert len(lines) < 0.95 * len(SEEDS)
    assert max(lines) >= 9


def test_an_item_is_a_function_of_its_generator() -> None:
    assert recall.item(random.Random(5), 0.5) == recall.item(random.Random(5), 0.5)


def test_entries_written_by_hand_fill_and_hold_no_value_kept_apart() -> None:
    played = [asked.play(random.Random(0), one) for one in asked.entries()]
    texts = [
        text
        for one in asked.entries()
        for text in (*one.memories, *one.chat, *(part for turn in one.rounds for part in turn))
    ]

    assert not any("{" in text or "[" in text for one in played for pair in one.rounds for text in pair)
    assert [text for text in texts if is_kept_apart(text)] == []


def test_facts_told_earlier_in_the_chat_are_asked_for_later_in_it() -> None:
    asked_later = [
        one
        for seed in SEEDS
        if not any(turn["role"] == "system" for turn in chat(seed).messages)
        for one in chat(seed).rounds
        if one.values
    ]

    assert len(asked_later) > 10


def test_what_is_near_to_facts_names_facts_that_there_are_and_fits_their_slots() -> None:
    of_key = {key: [one for one in facts() if one.key == key] for key in asked.near_texts()}
    wrong = [
        (key, text)
        for key, texts in asked.near_texts().items()
        for text in texts
        if is_kept_apart(text) or not any(asked.fits(text, one) for one in of_key[key])
    ]

    assert wrong == []
