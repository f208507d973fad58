"""Items of the skills have the form that the daemon sends, and what is asked of the model can be read back by it."""

import json
import random
import re
from datetime import UTC, date, datetime

import pytest

from daemon.lessons.paraphrases import read_pairs
from daemon.memory import evolve as daemon_evolve
from daemon.memory import observe as daemon_observe
from models.skills import ask, evolve, lesson_tasks, mixture, observe, recall
from models.skills.slots import Filler, facts, statements
from prompts.load import schema, task
from store.chats import Message

MANY = 30
SHARES = (0.0, 0.1, 1.0)


def items(make, n=MANY):
    """`n` items at each moment of a run."""
    return [make(random.Random(f"{share} {seed}"), share) for share in SHARES for seed in range(n)]


def test_every_task_of_the_mixture_comes_and_ends_with_the_assistant():
    found = items(mixture.item, 200)

    assert {one.task for one in found} == set(mixture.TASKS)
    assert all(one.messages[-1]["role"] == "assistant" for one in found)


def test_the_same_generator_makes_the_same_item():
    assert mixture.item(random.Random(9), 0.5) == mixture.item(random.Random(9), 0.5)


@pytest.mark.parametrize("make", [observe.item, evolve.item, ask.item])
def test_items_open_as_the_daemon_opens_the_task(make):
    for one in items(make, 5):
        assert one.messages[:1] == task(one.task, taught=True)


def test_a_chat_is_written_as_the_daemon_writes_it():
    said = [("user", "I'm Ailsa."), ("assistant", "Hello!")]
    window = [
        Message(
            id=at,
            role=who,
            text=text,
            said_at=datetime(2026, 3, 5, tzinfo=UTC),
            chat_id=1,
            speaker="",
            parent_id=None,
            source="api",
            external_id=None,
            observed_by=None,
            hash="",
        )
        for at, (who, text) in enumerate(said)
    ]

    assert observe.as_text(said, date(2026, 3, 5)) == daemon_observe._as_text(window, date(2026, 3, 5), 4000)


def test_what_is_noted_follows_the_schema():
    pattern = schema("observe")["items"]["pattern"]
    for one in items(observe.item):
        for turn in one.messages[2::2]:
            assert all(re.match(pattern, noted) for noted in json.loads(turn["content"])), turn


def test_a_memory_has_no_value_that_the_user_did_not_say():
    for fact in (*facts(), *statements()):
        for seed in range(4):
            filler = Filler(rng=random.Random(seed))
            said, memory, _ = observe._statement(random.Random(seed * 0.3), fact, filler)
            told = [value for value in filler.values.values() if value in memory]

            assert [] == [value for value in told if value.lower() not in said.lower()], (said, memory)


def test_chats_at_the_end_of_a_run_often_have_nothing_to_keep():
    found = [observe.item(random.Random(seed), 1.0) for seed in range(300)]
    empty = sum(one.messages[-1]["content"] == "[]" for one in found)

    assert 0.2 < empty / len(found) < 0.45


def test_a_choice_points_at_a_memory_that_is_shown_and_an_update_has_a_text():
    for one in items(evolve.item):
        shown = [line for line in one.messages[1]["content"].splitlines() if not line.startswith("New: ")]
        for turn in one.messages[2::2]:
            choice = json.loads(turn["content"])

            assert choice["memory"] in ["", *shown]
            assert (choice["op"] == "ADD") == (choice["memory"] == "")
            assert (choice["op"] == "UPDATE") == bool(choice["text"])


def test_the_daemon_reads_each_choice_as_it_is_meant():
    for one in items(evolve.item, 10):
        shown = [line for line in one.messages[1]["content"].splitlines() if not line.startswith("New: ")]
        for turn in one.messages[2::2]:
            choice = daemon_evolve._read_choice(turn["content"], shown)

            assert choice is not None
            assert json.loads(turn["content"])["memory"] == ["", *shown][choice.index]


def test_the_daemon_reads_the_pairs():
    for one in items(ask.item, 10):
        assert ask.PAIRS == len(read_pairs(one.messages[-1]["content"]))


def test_pairs_follow_the_schema_of_ask():
    limits = schema("ask")["items"]["properties"]
    for one in items(ask.item):
        pairs = json.loads(one.messages[-1]["content"])

        assert len({pair["q"] for pair in pairs}) == len(pairs) == ask.PAIRS
        assert all(limits["q"]["minLength"] <= len(pair["q"]) <= limits["q"]["maxLength"] for pair in pairs)


def test_a_sentence_in_a_frame_is_filled_and_nothing_of_it_is_noted():
    found = [observe.framed(random.Random(seed), date(2026, 3, 5), set()) for seed in range(200)]

    assert all(not piece.noted for piece in found)
    assert not [text for piece in found for _, text in piece.turns if re.search(r"[{}\[\]|]", text)]


def test_general_prompts_come_with_answers_and_nothing_is_noted_of_them():
    found = [observe.general(random.Random(seed), date(2026, 3, 5), set()) for seed in range(300)]

    assert all(not piece.noted for piece in found)
    assert all([who for who, _ in piece.turns[::2]] == ["user"] * (len(piece.turns) // 2) for piece in found)
    assert {2, 4} <= {len(piece.turns) for piece in found}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lesson_tasks.rephrase, "rephrase"),
        (lesson_tasks.untold, "ask_untold"),
        (lesson_tasks.both, "ask_both"),
        (lesson_tasks.before, "ask_before"),
        (lesson_tasks.at_a_time, "ask_time"),
        (lesson_tasks.knows, "knows"),
    ],
)
def test_what_a_night_asks_for_opens_as_the_daemon_opens_it_and_is_answered_in_its_shape(make, name):
    shape = schema("questions")
    for one in items(lambda rng, share: make(rng), 5):
        system, asked, reply = one.messages
        (opening,) = task(name, taught=True)

        assert opening == system
        assert "user" == asked["role"]
        said = json.loads(reply["content"])
        if name == "knows":
            assert said in ({"knows": True}, {"knows": False})
        else:
            assert shape["minItems"] <= len(said) <= shape["maxItems"]
            assert all(len(question) <= shape["items"]["maxLength"] for question in said)


def test_questions_about_a_time_name_its_year():
    for one in items(lambda rng, share: lesson_tasks.at_a_time(rng), 10):
        year = one.messages[1]["content"].splitlines()[-1][:4]
        assert all(year in question for question in json.loads(one.messages[2]["content"]))


def test_no_wording_of_a_question_is_the_question_itself():
    for one in items(lambda rng, share: lesson_tasks.rephrase(rng), 10):
        assert one.messages[1]["content"] not in json.loads(one.messages[2]["content"])


@pytest.mark.parametrize("make", [observe.item, evolve.item, recall.item])
def test_what_a_reply_could_have_been_is_another_reply(make):
    for one in items(make, 10):
        for place, others in one.others.items():
            assert "assistant" == one.messages[place]["role"]
            assert one.messages[place]["content"] not in others


def test_every_answer_and_every_gap_is_told_from_its_opposite_and_no_remark_is():
    for seed in range(MANY):
        made = recall.chat(random.Random(seed), 1.0)
        others = recall.others_of(made)
        told = [one for one in made.rounds if not one.is_remark]

        assert len(told) == len(others)
        assert all(
            any(other == recall.UNKNOWN for other in some)
            or made.messages[place]["content"] == recall.UNKNOWN
            for place, some in others.items()
        )
