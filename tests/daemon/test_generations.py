import asyncio

import pytest

from daemon.errors import NoSuchGeneration
from daemon.generations import Generations
from store import generations
from tests.daemon.memory.fakes import open_keeper
from tests.fakes import SHA256, FakeEngine


def adopted(db, number):
    made = generations.propose(db, b"adapter %d" % number, base_sha256=SHA256, lesson_ids=[])
    return generations.adopt(db, made.id, {}, "it knows more")


def test_a_swap_that_failed_is_made_before_the_next_answer(tmp_path):
    """The store calls a generation live that the engine has not: it died between the two."""

    async def run():
        engine = FakeEngine()
        async with open_keeper(tmp_path) as keep:
            await keep.run(adopted, 1)
            choose = Generations(keep, engine).choose
            return await choose(None), await choose(None), engine.adopted

    first, second, swaps = asyncio.run(run())

    assert (1, 1, [b"adapter 1"]) == (first.number, second.number, swaps)


def test_a_generation_whose_adapter_was_deleted_is_refused_in_clear_words(tmp_path):
    async def run():
        async with open_keeper(tmp_path) as keep:
            for number in range(5):
                await keep.run(adopted, number)
            await keep.run(generations.prune)
            await Generations(keep, FakeEngine()).use(1)

    with pytest.raises(
        NoSuchGeneration, match="deleted to save room; of the adopted ones the newest 3 are kept"
    ):
        asyncio.run(run())
