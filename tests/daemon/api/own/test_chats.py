"""Past chats over HTTP."""

from datetime import UTC, datetime

from store import imports, memories
from store.chats import NewMessage
from tests.daemon.api.world import GHENT, OSLO, moved_house, serving


async def listed(world, query=""):
    return (await world.http.get(f"/tsubasa/chats{query}")).json()["chats"]


async def chat_of(world, number, **query):
    return (await world.http.get(f"/tsubasa/chats/{number}", params=query)).raise_for_status().json()


async def test_the_latest_chats_come_first_with_what_was_said_first(tmp_path):
    async with serving(tmp_path) as world:
        empty = await listed(world)
        for text in ("first   one\n here", "second"):
            await world.chat(text)
        await world.chat(model="tsubasa:private", text="a secret")
        found = await listed(world, "?n=5")

    assert [] == empty
    assert [("second", "api", 2), ("first one here", "api", 2)] == [
        (chat["title"], chat["source"], chat["n_messages"]) for chat in found
    ]


async def test_a_chat_is_told_down_the_branch_that_was_continued_last(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("hi")
        begun = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
        for last in ("old wording", "new wording"):
            await world.chat(messages=[*begun, {"role": "user", "content": last}])
        (chat,) = await listed(world)
        found = (await world.http.get(f"/tsubasa/chats/{chat['id']}")).json()["messages"]

    assert ["hi", "Hello.", "new wording", "Hello."] == [message["text"] for message in found]
    assert [None, "tsubasa@0", None, "tsubasa@0"] == [message["model"] for message in found]


async def test_a_chat_of_which_every_word_was_forgotten_is_not_listed(tmp_path):
    async with serving(tmp_path) as world:
        for text in ("I live in Ghent", "second"):
            await world.chat(text)
        (chat,) = await listed(world, "?n=1")
        said = (await world.http.get(f"/tsubasa/chats/{chat['id']}")).json()["messages"]
        await world.store_thread.run(lambda db: memories.forget(db, messages=[one["id"] for one in said]))
        found = await listed(world)

    assert ["I live in Ghent"] == [chat["title"] for chat in found]


async def test_an_imported_chat_stands_where_it_was_said_and_not_where_it_was_stored(tmp_path):
    then = datetime(2025, 10, 3, 9, tzinfo=UTC)

    async with serving(tmp_path) as world:
        await world.chat("today")
        told = [[NewMessage(role="user", text="long ago", said_at=then)]]
        now = datetime.now(UTC)
        await world.store_thread.run(imports.record_import, "a" * 64, "export.json", told, now)
        found = await listed(world)

    assert ["today", "long ago"] == [chat["title"] for chat in found]
    assert {then} == {datetime.fromisoformat(found[1][one]) for one in ("started_at", "last_at")}


async def test_two_chats_that_begin_alike_are_both_listed_with_what_was_said_in_each(tmp_path):
    begun = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
    async with serving(tmp_path) as world:
        for _ in range(2):
            await world.chat("hi")
        asked = [
            await world.chat(messages=[*begun, {"role": "user", "content": f"I am {name}"}])
            for name in ("Ann", "Bob")
        ]
        numbers = [
            chat["id"]
            for page in ("?n=1", "?n=1&skip=1", "?n=1&skip=2")
            for chat in await listed(world, page)
        ]
        shown = {
            number: [message["text"] for message in (await chat_of(world, number))["messages"]]
            for number in numbers
        }

    assert [["I am Ann"], ["I am Bob"]] == [shown[reply.json()["tsubasa"]["chat"]][2:3] for reply in asked]
    assert [2, 1] == sorted(numbers, reverse=True)


async def test_each_branch_of_a_chat_is_named_and_can_be_read(tmp_path):
    begun = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
    async with serving(tmp_path) as world:
        await world.chat("hi")
        for last in ("old wording", "new wording"):
            await world.chat(messages=[*begun, {"role": "user", "content": last}])
        (chat,) = await listed(world)
        branches = (await chat_of(world, chat["id"]))["branches"]
        read = [(await chat_of(world, chat["id"], branch=one["last"]))["messages"] for one in branches]
        stranger = await world.http.get(f"/tsubasa/chats/{chat['id']}?branch=99")

    assert (2, ["new wording", "old wording"]) == (chat["n_branches"], [one["text"] for one in branches])
    assert ["new wording", "old wording"] == [messages[2]["text"] for messages in read]
    assert (404, True) == (stranger.status_code, "message 99" in stranger.json()["error"]["message"])


async def test_a_chat_is_found_by_its_title_and_its_words_and_named_and_taken_out(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("What should I cook with leeks?")
        await world.chat("Which trains go to Bergen?")
        named = await world.http.post("/tsubasa/chats/1", json={"title": "Dinner", "pinned": True})
        by_title = (await world.http.get("/tsubasa/chats", params={"search": "dinn"})).json()["chats"]
        by_words = (await world.http.get("/tsubasa/chats", params={"search": "train"})).json()["chats"]
        file = (await world.http.get("/tsubasa/chats/1/export")).json()
        missing = [
            (await world.http.post("/tsubasa/chats/9", json={"title": "x"})).status_code,
            (await world.http.get("/tsubasa/chats/9/export")).status_code,
            (await world.http.get("/tsubasa/chats/1/export?as=pdf")).status_code,
        ]

    assert ("Dinner", True) == (named.json()["title"], named.json()["pinned"])
    assert [(1, "title")] == [(one["id"], one["by"]) for one in by_title[:1]]
    assert [(2, "words", "Which trains go to Bergen?")] == [
        (one["id"], one["by"], one["excerpt"]) for one in by_words[:1]
    ]
    assert "Dinner.md" == file["name"] and "## User" in file["text"] and "leeks" in file["text"]
    assert [404, 404, 400] == missing


async def test_what_was_noted_stands_with_its_message_and_in_the_changes_until_it_is_taken_back(tmp_path):
    async with serving(tmp_path) as world:
        await moved_house(world)
        told = (await chat_of(world, 1))["messages"]
        changes = (await world.http.get("/tsubasa/memories/changes")).json()["noted"]
        (noted,) = told[0]["noted"]
        await world.http.post("/tsubasa/undo", json={"event": noted["event_id"]})
        after = (await chat_of(world, 1))["messages"][0]["noted"]

    assert (OSLO, GHENT, "RECONCILE") == (noted["text"], noted["was"], noted["op"])
    assert [noted] == changes and [] == told[1]["noted"]
    assert [GHENT] == [one["text"] for one in after]
