"""Long system prompts outlive the engine's process, and nothing else does: a real engine, a real store, real files."""

import asyncio
import os
from contextlib import asynccontextmanager
from functools import partial

import pytest

from store import generations
from tests import tiny
from tests.daemon.api.world import serving
from tests.daemon.engine.conftest import own_engine

SYSTEM = "You are the one in the inn. Be the user of the inn, and say no more than the user asks. " * 6
SECRET = "Zanzibar and a heron"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny.gguf", context=1024)


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Another model, to be asked by its own name."""
    return tiny.write_model(tmp_path_factory.mktemp("model") / "beside.gguf", context=1024, seed=2)


@pytest.fixture
def start(model, tmp_path):
    """A daemon on one home, with an engine's process of its own."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "fake.gguf").symlink_to(model)  # where the daemon looks for what it serves

    @asynccontextmanager
    async def begin(**config):
        async with own_engine(model) as engine, serving(tmp_path, engine, keyring="file", **config) as world:
            yield world

    return begin


async def ask(world, text, system=SYSTEM, **more):
    """One question of a new chat; its answer, and how many tokens of the prompt were not computed for it."""
    sent = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    more = {"model": "tsubasa", "max_tokens": 8, "temperature": 0, **more}
    reply = await world.http.post("/v1/chat/completions", json={"messages": sent, **more})
    reply.raise_for_status()
    usage = reply.json()["usage"]
    return reply.json()["choices"][0]["message"]["content"], usage["prompt_tokens_details"]["cached_tokens"]


def files(world):
    folder = world.services.home.prompts
    return sorted(folder.iterdir()) if folder.exists() else []


async def saved(world, count=1):
    """The files, once there are so many of them."""
    async with asyncio.timeout(20):
        while len(found := files(world)) != count or any(one.suffix == ".part" for one in found):
            await asyncio.sleep(0.05)
    return found


async def settled(world):
    """None is on its way any more."""
    await asyncio.sleep(0.8)
    return files(world)


async def test_after_a_restart_the_first_chat_with_it_computes_its_own_words_alone(start):
    async with start() as world:
        cold = [await ask(world, "the inn"), await ask(world, "an inn")]
        (file,) = await saved(world)
    async with start() as world:
        said, cached = await ask(world, "the inn")
        again = await ask(world, "in the")

    assert 0 == cold[0][1]
    assert cached > 256 and cached >= cold[1][1]
    assert (cold[0][0], True) == (said, again[1] >= cached)
    assert SYSTEM[:40].encode() not in file.read_bytes()


async def test_one_chat_alone_saves_nothing_however_long_it_goes_on(start):
    sent = [{"role": "system", "content": SYSTEM}]
    async with start() as world:
        for text in ("the inn", "an inn", "in the"):
            sent.append({"role": "user", "content": text})
            body = {"model": "tsubasa", "messages": sent, "max_tokens": 8}
            reply = await world.http.post("/v1/chat/completions", json=body)
            sent.append(reply.json()["choices"][0]["message"])

        assert [] == await settled(world)


@pytest.mark.parametrize(
    "way",
    [
        {"model": "tsubasa:private"},
        {"model": "tsubasa:base"},
        {"model": "gpt-4o"},
        {"store": False},
    ],
    ids=["private", "base", "unknown model", "not stored"],
)
async def test_what_is_not_kept_leaves_no_file(start, way):
    async with start() as world:
        for text in ("the inn", "an inn", "in the"):
            await ask(world, text, system=SECRET + SYSTEM, **way)

        assert [] == await settled(world)


async def test_a_private_chat_reads_no_file_of_the_others(start):
    async with start() as world:
        for text in ("the inn", "an inn"):
            await ask(world, text)
        (file,) = await saved(world)
        os.utime(file, (1, 1))
    async with start() as world:
        _, cached = await ask(world, "the inn", model="tsubasa:private")

    assert (0, 1) == (cached, file.stat().st_mtime)


async def test_another_user_of_the_client_and_a_pause_leave_none(start):
    async with start() as world:
        await ask(world, "hello", system="Short.", user="me")
        for text in ("the inn", "an inn"):
            await ask(world, text, user="somebody else")
        await world.http.post("/tsubasa/logging", json={"on": False})
        for text in ("the inn", "an inn"):
            await ask(world, text)

        assert [] == await settled(world)


async def test_a_short_system_prompt_is_not_worth_a_file(start):
    async with start() as world:
        for text in ("the inn", "an inn"):
            await ask(world, text, system="Be brief.")

        assert [] == await settled(world)


async def test_forgetting_anything_deletes_all_of_them(start):
    async with start() as world:
        for text in ("the inn", "an inn"):
            await ask(world, text)
        await saved(world)
        told = await world.http.post("/tsubasa/forget", json={"messages": [1]})
        left = files(world)
        for text in ("in the", "an user"):
            await ask(world, text)
        again = await saved(world)

    assert (200, []) == (told.status_code, left)
    assert 1 == len(again)


async def test_what_is_on_its_way_when_something_is_forgotten_never_arrives(start):
    async with start() as world:
        gate = world.services.conversations._gate
        for text in ("the inn", "an inn"):
            await ask(world, text)
            gate.enter()  # somebody else is being answered
        await world.http.post("/tsubasa/forget", json={"messages": [1]})
        gate.leave()
        gate.leave()

        assert [] == await settled(world)


@pytest.mark.parametrize("harm", ["a bit", "the end"])
async def test_a_damaged_file_is_told_and_the_answer_is_the_same(start, harm, caplog):
    async with start() as world:
        wanted, _ = await ask(world, "the inn")
        await ask(world, "an inn")
        (file,) = await saved(world)
    if harm == "a bit":
        held = bytearray(file.read_bytes())
        held[len(held) // 2] ^= 1
        file.write_bytes(held)
    else:
        os.truncate(file, file.stat().st_size - 65_536)
    async with start() as world:
        said, cached = await ask(world, "the inn")

        assert (wanted, 0, []) == (said, cached, files(world))
    assert "is deleted, and computed anew" in caplog.text


async def test_another_generation_computes_it_for_itself(start, tmp_path):
    adapter = tiny.write_adapter(tmp_path / "adapter.gguf").read_bytes()
    async with start() as world:
        for text in ("the inn", "an inn"):
            await ask(world, text)
        await saved(world)
    async with start() as world:
        base = (await world.services.generations.model()).sha256
        made = partial(generations.propose, adapter=adapter, base_sha256=base, lesson_ids=[])
        await world.store_thread.run(lambda db: generations.adopt(db, made(db).id, {}, "it knows more"))
        _, of_the_new = await ask(world, "the inn")
        _, of_the_base = await ask(world, "the inn", model="tsubasa@0")

    assert 0 == of_the_new
    assert of_the_base > 256


async def test_a_model_beside_the_main_one_computes_it_for_itself_and_has_its_own_file(start, beside):
    async with start(models=(str(beside),)) as world:
        for text in ("the inn", "an inn"):
            await ask(world, text)
        await saved(world)
        cold = [await ask(world, text, model="beside") for text in ("the inn", "an inn")]
        await saved(world, count=2)
    async with start(models=(str(beside),)) as world:
        said, cached = await ask(world, "the inn", model="beside")
        for text in ("in the", "an user"):
            await ask(world, text, model="beside:private", system=SECRET + SYSTEM)
        left = await settled(world)

    assert (cold[0][0], 0) == (said, cold[0][1])
    assert cached > 256
    assert 2 == len(left)


async def test_with_no_room_by_the_settings_there_are_none(start):
    async with start() as world:
        for text in ("the inn", "an inn"):
            await ask(world, text)
        await saved(world)
    async with start(saved_prompts_mb=0) as world:
        gone = files(world)
        for text in ("the inn", "an inn"):
            await ask(world, text)

        assert ([], []) == (gone, await settled(world))
