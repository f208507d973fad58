"""Which generation answers, and what is said of one that can't."""

import pytest

from daemon.engine.errors import AdapterRefused
from daemon.errors import NoSuchGeneration
from daemon.generations.service import Generations, NewestGenerations
from store import generations
from store.errors import AdapterDamaged
from tests.fakes import SHA256, FakeEngine


def adopted(db, number):
    made = generations.propose(db, b"adapter %d" % number, base_sha256=SHA256, lesson_ids=[])
    return generations.adopt(db, made.id, {}, "it knows more")


@pytest.fixture
async def store_thread(store_thread):
    """A store in which five generations were adopted, the last is live."""
    for number in range(1, 6):
        await store_thread.run(adopted, number)
    return store_thread


async def test_a_swap_that_failed_is_made_before_the_next_answer(store_thread):
    """The store calls a generation live that the engine has not: it died between the two."""
    engine = FakeEngine()
    choose = Generations(store_thread, engine).choose
    first, second = await choose(None), await choose(None)

    assert (5, 5, [b"adapter 5"]) == (first.number, second.number, engine.adopted)


async def test_a_generation_whose_adapter_was_deleted_is_refused(store_thread):
    await store_thread.run(generations.prune)

    with pytest.raises(NoSuchGeneration, match="deleted to save room"):
        await Generations(store_thread, FakeEngine()).use(1)


@pytest.mark.parametrize(
    "damage", ["substr(adapter, 1, 4)", "x''", "null", "(select adapter from generations where id = 2)"]
)
async def test_choosing_a_damaged_generation_is_told_and_changes_nothing(store_thread, damage):
    ours = Generations(store_thread, FakeEngine())
    await ours.use(0)
    await store_thread.run(
        lambda db: db.execute(f"update generations set adapter = {damage} where id = 1").get
    )
    with pytest.raises(AdapterDamaged, match="the adapter of generation 1"):
        await ours.use(1)

    assert await ours.live() is None


class Choosy(FakeEngine):
    """Does not take the adapter of generation 1."""

    async def adopt(self, adapter):
        if adapter == b"adapter 1":
            raise AdapterRefused(sha256="1" * 64, reason="it was cut short")
        return await super().adopt(adapter)


async def test_choosing_a_generation_that_the_engine_does_not_take_says_who_answers(store_thread):
    with pytest.raises(NoSuchGeneration, match="generation 5 answers"):
        await Generations(store_thread, Choosy()).use(1)


async def test_beside_the_main_model_the_newest_whole_generation_answers_and_the_pin_is_left_alone(
    store_thread,
):
    await store_thread.run(generations.use, 0)
    await store_thread.run(lambda db: db.execute("update generations set adapter = x'00' where id = 5").get)
    engine = FakeEngine()
    beside = NewestGenerations(store_thread, engine)
    numbers = [(await beside.choose(number)).number for number in (None, None, 0, 3)]

    assert ([4, 4, 0, 3], [b"adapter 4"]) == (numbers, engine.adopted)
    assert await Generations(store_thread, FakeEngine()).live() is None
