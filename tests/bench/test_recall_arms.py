"""The arms of `bench.recall` on two small conversations of our own: same turns, evidence by exact ids."""

from importlib.util import find_spec

import pytest

from bench.recall_arms import ARMS, ask_all
from bench.recall_mem0 import Mem0
from bench.store_mem0 import Mem0Missing
from tests.daemon.memory.fakes import FakeEmbedder

SAID = (
    ("Ann", "I bought a parrot last week."),
    ("Bob", "What is it called?"),
    ("Ann", "It is called Kiwi, and it whistles."),
    ("Bob", "My sister plays the cello."),
)


def question(text, *evidence, category=4):
    return {"question": text, "evidence": list(evidence), "category": category}


def conversation(*qa):
    said = [
        {"speaker": who, "dia_id": f"D1:{at}", "text": text} for at, (who, text) in enumerate(SAID, start=1)
    ]
    talk = {"speaker_a": "Ann", "speaker_b": "Bob", "session_1": said}
    talk["session_1_date_time"] = "1:56 pm on 8 May, 2026"
    return {"sample_id": "conv-1", "conversation": talk, "qa": list(qa)}


async def ask(folder, *qa, mem0=None):
    return await ask_all(conversation(*qa), FakeEmbedder(), folder, mem0)


class FakeMem0(Mem0):
    """Keeps what it was told and finds all of it, the last first."""

    def __init__(self):
        self.told = []

    def add(self, user, id, text):
        self.told.append((user, id, text))

    def search(self, user, question, k):
        return [id for _, id, _ in reversed(self.told)][:k]


async def test_every_arm_ranks_the_turns_and_the_full_one_finds_the_answer_first(tmp_path):
    (one,) = await ask(tmp_path, question("What instrument does Bob's sister play, a cello?", "D1:4"))

    assert {*ARMS, "full"} == one.found.keys()
    assert one.evidence == {one.found["full"][0]}
    assert set(one.found["full"]) <= set(one.candidates.ids)
    assert one.seconds > 0


async def test_evidence_is_what_is_exactly_the_id_of_a_turn(tmp_path):
    named = (["D1:1", "D1:3"], ["D1:1; D1:3", "D1:1"], ["D1:99", "D", "D:1:3"], [])
    asked = await ask(tmp_path, *(question("Which pet?", *evidence) for evidence in named))

    assert [2, 1] == [len(one.evidence) for one in asked]


async def test_questions_that_nothing_answers_are_left_out(tmp_path):
    asked = await ask(
        tmp_path, *(question("Which pet?", "D1:1", category=category) for category in range(1, 6))
    )

    assert [1, 2, 3, 4] == [one.category for one in asked]


async def test_mem0_is_told_the_same_texts_as_the_embedder_and_asked_the_same_questions(tmp_path):
    mem0 = FakeMem0()
    (one,) = await ask(tmp_path, question("Which pet?", "D1:1"), mem0=mem0)

    assert [f"{who}: {text}" for who, text in SAID] == [text for _, _, text in mem0.told]
    assert {"conv-1"} == {user for user, _, _ in mem0.told}
    assert 4 == len(one.found["mem0"])


@pytest.mark.skipif(find_spec("mem0") is not None, reason="mem0 is installed")
def test_mem0_is_not_started_where_it_is_not_installed(tmp_path):
    with pytest.raises(Mem0Missing):
        Mem0(tmp_path, embedder="all-MiniLM-L6-v2", dimension=384)
