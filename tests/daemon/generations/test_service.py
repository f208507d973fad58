"""Which generation answers, and what is said of one that can't."""

import pytest

from daemon.engine.errors import AdapterRefused
from daemon.errors import NoSuchGeneration
from daemon.generations.service import Generations
from store import generations
from store.errors import AdapterDamaged
from tests.daemon.memory.fakes import open_store_thread
from tests.fakes import SHA256, FakeEngine


def adopted(db, number):
    made = generations.propose(db, b"adapter %d" % number, base_sha256=SHA256, lesson_ids=[])
    return generations.adopt(db, made.id, {}, "it knows more")


async def test_a_swap_that_failed_is_made_before_the_next_answer(tmp_path):
    """The store calls a generation live that the engine has not: it died between the two."""

    engine = FakeEngine()
    async with open_store_thread(tmp_path) as store_thread:
        await store_thread.run(adopted, 1)
        choose = Generations(store_thread, engine).choose
        first, second, swaps = await choose(None), await choose(None), engine.adopted

    assert (1, 1, [b"adapter 1"]) == (first.number, second.number, swaps)


async def test_a_generation_whose_adapter_was_deleted_is_refused_in_clear_words(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        for number in range(5):
            await store_thread.run(adopted, number)
        await store_thread.run(generations.prune)
        with pytest.raises(
            NoSuchGeneration, match="deleted to save room; of the adopted ones the newest 3 are kept"
        ):
            await Generations(store_thread, FakeEngine()).use(1)


@pytest.mark.parametrize(
    "damage", ["substr(adapter, 1, 4)", "x''", "null", "(select adapter from generations where id = 2)"]
)
async def test_choosing_a_damaged_generation_is_told_and_changes_nothing(tmp_path, damage):
    async with open_store_thread(tmp_path) as store_thread:
        for number in (1, 2):
            await store_thread.run(adopted, number)
        ours = Generations(store_thread, FakeEngine())
        await ours.use(0)
        await store_thread.run(
            lambda db: db.execute(f"update generations set adapter = {damage} where id = 1").get
        )
        with pytest.raises(AdapterDamaged, match="the adapter of generation 1"):
            await ours.use(1)
        found = await ours.live()

    assert None is found


class Choosy(FakeEngine):
    """Does not take the adapter of generation 1."""

    async def adopt(self, adapter):
        if adapter == b"adapter 1":
            raise AdapterRefused(sha256="1" * 64, reason="it was cut short")
        return await super().adopt(adapter)


async def test_choosing_a_generation_that_the_engine_does_not_take_says_who_answers(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        for number in (1, 2):
            await store_thread.run(adopted, number)
        with pytest.raises(NoSuchGeneration, match="does not take its adapter, so generation 2 answers"):
            await Generations(store_thread, Choosy()).use(1)
