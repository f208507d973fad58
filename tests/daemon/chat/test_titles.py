"""Titles that the model gives."""

from store import message_queries
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine


class Namer(FakeEngine):
    """A model that is not tiny."""

    def __init__(self, *words: str) -> None:
        super().__init__(*words)
        self.tiny = False


async def named(world, *questions):
    """The titles of chats that began so, after one round."""
    for question in questions:
        (await world.chat(question)).raise_for_status()
    await world.services.runner.order("titles", {})
    await world.services.runner.look()
    return [one.title for one in await world.store_thread.run(message_queries.latest_chats, 9)]


async def test_a_quiet_chat_gets_a_title_once_and_nothing_of_that_is_kept(tmp_path):
    async with serving(tmp_path, engine=Namer('{"title": " „Reste vom Lauch.“ "}'), quiet_s=0.0) as world:
        found = await named(world, "Was koche ich mit Lauch?")
        asked = len(world.engine.requests)
        again = await named(world)
        n_messages = (await world.rows("select count(*) from messages"))[0][0]

    assert (["Reste vom Lauch"], ["Reste vom Lauch"], 2) == (found, again, n_messages)
    assert (2, 2) == (asked, len(world.engine.requests))
    assert "base" == world.engine.requests[-1]["adapter"]


async def test_an_answer_that_is_no_title_leaves_the_first_words_and_is_not_asked_again(tmp_path):
    async with serving(tmp_path, engine=Namer("Sorry"), quiet_s=0.0) as world:
        found = await named(world, "What to cook?")
        left = await world.services.store_thread.run(message_queries.latest_chats, 1)

    assert (["What to cook?"], None) == (found, left[0].title_by)


async def test_a_tiny_model_is_not_asked(tmp_path):
    async with serving(tmp_path, engine=FakeEngine('{"title": "Leeks"}'), quiet_s=0.0) as world:
        found = await named(world, "What to cook?")

    assert (["What to cook?"], 1) == (found, len(world.engine.requests))
