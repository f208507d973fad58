"""What was forgotten is found wherever it is told, and is never learned or recalled again from what stays."""

import json
from datetime import date

import pytest

from daemon.memory.evolve import evolve
from daemon.memory.observe import Observation
from daemon.memory.recall import recall
from daemon.processes.errors import ChildStopped
from tests.daemon.api.world import serving, teach
from tests.daemon.memory.fakes import FakeEmbedder, core_of
from tests.fakes import FakeEngine

REX = "The user's dog is called Rex."
SAME, MAYBE, OTHER = (
    "The name of my dog: Rex",
    "My dog Rex bit the postman on Friday.",
    "My cat is called Minka.",
)


class Words(FakeEmbedder):
    """The words' embedder, as one that is running."""

    made = True
    is_down = False

    async def embed(self, texts, *, query=False):
        if self.is_down:
            raise ChildStopped("embedder")
        return await super().embed(texts, query=query)

    async def embed_at_once(self, texts):
        return await self.embed(texts, query=True)


async def told(world):
    """A memory and its message, and three messages that no memory was drawn from."""
    for text in ("My dog is called Rex.", SAME, MAYBE, OTHER):
        await world.chat(text)
    await world.remember(REX, 1)


async def post(world, path, **body):
    reply = await world.http.post(f"/tsubasa/{path}", json=body)
    assert 200 == reply.status_code, reply.text
    return reply.json()


def numbers(found):
    return {(one["kind"], one["id"], one["certain"], one["taken"]) for one in found["tellings"]}


async def observe_again(world, text, *sources):
    """What evolves out of a sentence that was read in these messages."""
    core = core_of(world.store_thread, embedder=world.services.embedder)
    day = date.today()
    observation = Observation(text=text, day=day, told_on=day, sources=sources, read=sources)
    return await evolve(core, observation)


async def quoted(world, question):
    found = await recall(world.store_thread, world.services.embedder, question)
    return " ".join(found.lines)


async def test_what_tells_it_in_other_words_is_shown_and_goes_and_what_may_tell_it_is_offered(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        seen = await post(world, "forget/preview", memories=[1])
        done = await post(world, "forget", memories=[1])
        left = [
            text for (text,) in await world.rows("select text from messages where role = 'user' order by id")
        ]

    assert {("message", 3, True, True), ("message", 5, False, False)} <= numbers(seen)
    assert ["[forgotten]", "[forgotten]", MAYBE, OTHER] == left
    assert [(5, "it may tell the same")] == [(one["id"], one["why"]) for one in done["stays"]]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"certain": False},
        {"keep_messages": [3]},
        {"keep_messages": [1, 2]},
        {"messages": [5]},
        {"keep_memories": [2]},
    ],
    ids=str,
)
async def test_what_is_chosen_is_what_goes_and_the_preview_s_numbers_are_those_of_the_report(tmp_path, more):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await world.remember("Rex is the name of the user's dog.", 3)
        for _ in range(2):
            await world.store_thread.run(teach, "The user sings.", "Who?", "You.")
        await world.store_thread.run(teach, REX, "Which dog?", "Rex.", sources=(1,))
        seen = await post(world, "forget/preview", memories=[1], **more)
        report = (await post(world, "forget", memories=[1], **more))["report"]
        left = {id for (id,) in await world.rows("select id from messages where not redacted")}

    counted = {"memories": len(seen["memories"])} | {name: seen[name] for name in ("messages", "lessons")}
    assert counted == {name: report[name] for name in counted}
    assert (seen["generations"], seen["kept_memories"]) == (report["generations"], report["kept_memories"])
    assert set(more.get("keep_messages", ())) <= left
    assert left.isdisjoint(more.get("messages", ()))


async def test_a_generation_that_was_tainted_before_is_not_counted_again(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await world.store_thread.run(teach, REX, "Which dog?", "Rex.")
        await world.store_thread.run(teach, "The user sings.", "Who?", "You.")
        await world.store_thread.run(
            lambda db: db.execute("insert into generation_memories values (1, 2)") and None
        )
        await post(world, "forget", memories=[1])
        seen = await post(world, "forget/preview", memories=[2])
        report = (await post(world, "forget", memories=[2]))["report"]

    assert ([2], [2]) == (seen["generations"], report["generations"])


async def test_what_stays_is_neither_learned_nor_recalled_again(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        before = await quoted(world, "Who did my dog Rex bite?")
        await post(world, "forget", memories=[1], keep_messages=[3])
        after = await quoted(world, "What is the name of my dog?") + await quoted(
            world, "Who did my dog Rex bite?"
        )
        op = await observe_again(world, "Rex is the dog of the user.", 3)
        held = await world.rows("select text from memories union all select text from events")

    assert "Rex" in before
    assert "Rex" not in after
    assert ("IGNORE", "forgotten") == (op.kind, op.by)
    assert [] == [text for (text,) in held if "Rex" in text]


async def test_another_fact_of_the_same_message_is_learned_still(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await post(world, "forget", memories=[1])
        cat = await observe_again(world, "The user's cat is called Minka.", 7)
        postman = await observe_again(world, "The user knows the postman.", 5)

    assert ["ADD", "ADD"] == [cat.kind, postman.kind]


async def test_what_is_told_anew_is_learned_and_a_history_sent_again_is_not_told_anew(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await post(world, "forget", memories=[1])
        old = [
            {"role": "user", "content": "Rex: my dog's name"},
            {"role": "assistant", "content": "Nice."},
            {"role": "user", "content": "Sing!"},
        ]
        await world.http.post("/v1/chat/completions", json={"model": "tsubasa", "messages": old})
        ((resent,),) = await world.rows("select id from messages where text like 'Rex: my%'")
        resent = await observe_again(world, REX, resent)
        await world.chat("My dog is called Rex!")
        ((anew,),) = await world.rows("select max(id) from messages where role = 'user'")
        anew = await observe_again(world, REX, anew)

    assert ("forgotten", "ADD") == (resent.by, anew.kind)


async def test_only_the_user_s_own_hand_brings_it_back(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await post(world, "forget", memories=[1], keep_messages=[3])
        by_program = await world.http.post("/tsubasa/memories", json={"text": REX, "by": "assistant"})
        marks = await world.rows("select count(*) from forgotten_facts")
        await post(world, "memories", text="The name of the user's dog is Rex.")
        left = await world.rows("select count(*) from forgotten_facts")
        op = await observe_again(world, "The name of the user's dog is Rex.", 3)

    assert (409, True) == (by_program.status_code, "memories add" in by_program.text)
    assert ([(1,)], [(0,)]) == (marks, left)
    assert "forgotten" != op.by


async def test_exports_that_tell_it_are_named_and_go_only_on_request(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        inbox = world.services.home.inbox
        (inbox / "done").mkdir(parents=True)
        files = [inbox / "unread.jsonl", inbox / "done" / "old.jsonl", inbox / "other.jsonl"]
        for file, text in zip(files, (SAME, MAYBE, OTHER), strict=True):
            file.write_text(json.dumps({"role": "user", "content": text}) + "\n")
        seen = await post(world, "forget/preview", memories=[1])
        done = await post(
            world, "forget", memories=[1], delete_files=[str(files[0]), str(tmp_path / "store.db")]
        )
        there = [file.exists() for file in files]

    assert {str(files[0]): True, str(files[1]): False} == {
        one["path"]: one["certain"] for one in seen["files"]
    }
    assert ([str(files[0])], [str(files[1])]) == (done["deleted_files"], done["files"])
    assert [False, True, True] == there


async def test_no_word_of_it_is_kept_in_its_mark(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await post(world, "forget", memories=[1])
        ((mark,),) = await world.rows(
            "select at || embedder || hex(signs) || names || words from forgotten_facts"
        )
        ((names,),) = await world.rows("select names from forgotten_facts")

    assert "rex" not in mark.lower()
    assert all(0 <= one < 4096 for one in json.loads(names))


async def test_in_a_language_that_the_embedder_can_not_read_words_must_do(tmp_path):
    async with serving(tmp_path, FakeEngine("Ah."), Words()) as world:
        await told(world)
        await world.chat("Mein Hund heißt Rex und wohnt im Garten hinter dem Haus.")
        seen = await post(world, "forget/preview", memories=[1])
        await post(world, "forget", memories=[1])
        op = await observe_again(world, "Der Hund des Nutzers heißt Rex.", 9)

    assert ("message", 9, False, False) in numbers(seen)
    assert "forgotten" == op.by


async def test_without_an_embedder_words_must_do(tmp_path):
    embedder = Words()
    async with serving(tmp_path, FakeEngine("Ah."), embedder) as world:
        await told(world)

        embedder.is_down = True
        await post(world, "forget", memories=[1])
        embedder.is_down = False
        op = await observe_again(world, REX, 5)

    assert "forgotten" == op.by
