"""A German, a Chinese and an Arabic user: what they tell is attributed, evolved, recalled and made into lessons."""

import json
from datetime import UTC, date, datetime

import pytest

from daemon.engine.client import Completion
from daemon.idle_work import consolidate
from daemon.lessons.eligibility import waiting
from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from prompts.load import task
from store import chats, lessons, memories
from store.chats import NewMessage
from tests.daemon.lessons.good_model import GoodModel
from tests.daemon.memory.fakes import core_of
from tests.daemon.memory.test_languages import RealEmbedder

USERS = {  # what is told in two chats and answered, what a model makes of it, a question and who does not live there
    "German": {
        "told": ("Ich wohne in Gent und mein Hund heißt Rex.", "Ich bin umgezogen, ich wohne jetzt in Oslo."),
        "reply": "Schön! Bist du 40 Jahre alt?",
        "facts": ("Die Nutzerin wohnt in Gent.", "Der Hund der Nutzerin heißt Rex.", "Die Nutzerin ist 41."),
        "moved": "Die Nutzerin wohnt in Oslo.",
        "asked": "Wo wohne ich?",
    },
    "Chinese": {
        "told": ("我住在根特，我的狗叫雷克斯。", "我搬家了，现在住在奥斯陆。"),
        "reply": "真好！你40岁了吗？",
        "facts": ("用户住在根特。", "用户的狗叫雷克斯。", "用户41岁。"),
        "moved": "用户住在奥斯陆。",
        "asked": "我住在哪里？",
    },
    "Arabic": {
        "told": ("أنا أسكن في غنت وكلبي اسمه ريكس.", "انتقلت، أسكن الآن في أوسلو."),
        "reply": "جميل! هل عمرك ٤٠ سنة؟",
        "facts": ("المستخدم يسكن في غنت.", "كلب المستخدم اسمه ريكس.", "عمر المستخدم ٤١ سنة."),
        "moved": "المستخدم يسكن في أوسلو.",
        "asked": "أين أسكن؟",
    },
}


class Reader(GoodModel):
    """Its answers to observe and evolve are fixed; it asks and answers lessons itself."""

    def __init__(self, user):
        super().__init__()
        self._user = user

    async def complete(self, messages, **rest):
        first, text = messages[0]["content"], messages[-1]["content"]
        if first == task("observe", taught=False)[0]["content"]:
            facts = [self._user["moved"]] if self._user["told"][1] in text else self._user["facts"]
            said = [{"turns": [1], "day": "today", "fact": fact} for fact in facts]
        elif first == task("evolve", taught=False)[0]["content"]:
            op = "RECONCILE" if self._user["moved"] in text else "ADD"
            old = next((line for line in text.splitlines() if self._user["facts"][0] in line), "")
            said = {"op": op, "memory": old if op == "RECONCILE" else "", "text": ""}
        else:
            return await super().complete(messages, **rest)
        written = json.dumps(said, ensure_ascii=False)
        return Completion(text=written, finish="stop", prompt_tokens=1, completion_tokens=1)


@pytest.fixture(scope="module")
def embedder():
    return RealEmbedder()


@pytest.mark.parametrize("language", USERS)
async def test_what_a_user_tells_in_another_language_is_remembered_changed_found_and_taught(
    store_thread, embedder, language
):
    user, run = USERS[language], store_thread.run
    core = core_of(store_thread, Reader(user), embedder)
    await index_missing(store_thread, embedder)
    for day, told in zip((3, 9), user["told"], strict=True):
        said = [NewMessage(role="user", text=told), NewMessage(role="assistant", text=user["reply"])]
        await run(chats.record, said, at=datetime(2026, 3, day, tzinfo=UTC))
        await consolidate(core, now=datetime(2026, 3, day + 1, tzinfo=UTC), quiet_s=120.0)
    held = {memory.text: memory for memory in await run(memories.holding)}
    found = await recall(store_thread, embedder, user["asked"])
    wait = {one.memory_id: one.reason for one in await run(waiting, date(2026, 3, 20))}
    taught = {(one.split, *one.memory_ids) for one in await run(lessons.holding)}

    assert {user["moved"]: "user", user["facts"][1]: "user", user["facts"][2]: "untrusted"} == {
        text: memory.trust for text, memory in held.items()
    }
    assert user["moved"] == found.best_first[0].text
    assert any(user["facts"][0] in line for line in found.lines)  # what was before is told with it
    assert {held[user["facts"][2]].id: "untrusted"} == wait
    for text in (user["moved"], user["facts"][1]):
        assert {("train", held[text].id), ("exam", held[text].id)} <= taught
