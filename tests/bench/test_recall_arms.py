"""The arms of `bench.recall` on two small conversations of our own: same turns, evidence by exact ids."""

from datetime import UTC, datetime
from importlib.util import find_spec

import pytest

from bench.recall_arms import ARMS, ask_all
from bench.recall_data import BEAM, Conversation, Question
from bench.recall_mem0 import Mem0
from bench.store_mem0 import Mem0Missing
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder

DAY = datetime(2026, 5, 8, tzinfo=UTC)
SAID = (
    ("Ann", "I bought a parrot last week."),
    ("Bob", "What is it called?"),
    ("Ann", "It is called Kiwi, and it whistles."),
    ("Bob", "My sister plays the cello."),
)


def question(text, *evidence):
    return Question(text=text, kind="4 single-hop", evidence=frozenset(evidence))


def conversation(*asked):
    said = [
        NewMessage(role="user", speaker=who, text=text, external_id=str(at), said_at=DAY)
        for at, (who, text) in enumerate(SAID, start=1)
    ]
    return Conversation(origin=BEAM, name="talk", sessions=[said], questions=list(asked))


async def ask(folder, *asked, mem0=None):
    return await ask_all(conversation(*asked), FakeEmbedder(), folder, mem0)


class FakeMem0(Mem0):
    """Keeps what it was told and finds all of it, the last first."""

    def __init__(self):
        self.told = []

    def add(self, user, id, text):
        self.told.append((user, id, text))

    def search(self, user, question, k):
        return [id for _, id, _ in reversed(self.told)][:k]


async def test_every_arm_ranks_the_turns_and_the_full_one_finds_the_answer_first(tmp_path):
    (one,) = await ask(tmp_path, question("What instrument does Bob's sister play, a cello?", "4"))

    assert {*ARMS, "full"} == one.found.keys()
    assert one.evidence == {one.found["full"][0]}
    assert set(one.found["full"]) <= set(one.candidates.ids)
    assert one.seconds > 0
    assert one.beside_bytes > sum(len(text) for _, text in SAID[:1])


async def test_mem0_is_told_the_same_texts_as_the_embedder_and_asked_the_same_questions(tmp_path):
    mem0 = FakeMem0()
    (one,) = await ask(tmp_path, question("Which pet?", "1"), mem0=mem0)

    assert [f"{who}: {text}" for who, text in SAID] == [text for _, _, text in mem0.told]
    assert {"talk"} == {user for user, _, _ in mem0.told}
    assert 4 == len(one.found["mem0"])


@pytest.mark.skipif(find_spec("mem0") is not None, reason="mem0 is installed")
def test_mem0_is_not_started_where_it_is_not_installed(tmp_path):
    with pytest.raises(Mem0Missing):
        Mem0(tmp_path, embedder="all-MiniLM-L6-v2", dimension=384)
