"""Adapters: ready, live, replaced, refused; always without a trace of the one before."""

import asyncio
import hashlib

import gguf
import numpy as np
import pytest

from daemon.engine.adapters import filled_up
from daemon.engine.client import Sampling
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.processes.errors import ChildRefused
from tests import tiny
from tests.daemon.engine.conftest import own_engine

HELLO = [{"role": "user", "content": "what is my dog called?"}]
SOME = Sampling(max_tokens=40)


async def reply(engine, **options):
    return await engine.complete(HELLO, sampling=SOME, **options)


async def test_an_adopted_adapter_answers_as_in_a_fresh_engine_and_going_back_answers_as_before(
    engine, model, adapters
):
    async def fresh(adapter):
        async with own_engine(model) as other:
            await other.adopt(adapter)
            return await other.complete(HELLO, sampling=SOME)

    base = await reply(engine)
    swap_ms = await engine.adopt(adapters[0])
    noted_ms = engine.swap_ms
    first = await reply(engine)
    await engine.adopt(adapters[1])
    second = await reply(engine)
    await engine.adopt(adapters[0])
    again = await reply(engine)
    await engine.adopt(None)
    back = await reply(engine)

    assert (await fresh(adapters[0])).text == first.text == again.text
    assert 0 == first.cached_tokens == second.cached_tokens == again.cached_tokens
    assert 3 == len({base.text, first.text, second.text})
    assert base.text == back.text
    assert 0 < swap_ms == noted_ms < 1000


async def test_a_loaded_adapter_answers_beside_the_live_one_without_being_live(engine, adapters):
    base = (await reply(engine)).text
    sha256 = await engine.load(adapters[0])
    candidate = (await reply(engine, adapter=sha256)).text

    assert hashlib.sha256(adapters[0]).hexdigest() == sha256
    assert base == (await reply(engine)).text == (await reply(engine, adapter="base")).text
    await engine.adopt(adapters[0])
    assert candidate == (await reply(engine)).text
    await engine.adopt(None)
    assert candidate == (await reply(engine, adapter=sha256)).text
    await engine.unload(sha256)
    with pytest.raises(AdapterUnknown):
        await reply(engine, adapter=sha256)


async def test_a_reply_that_has_begun_ends_with_the_adapter_it_began_with(engine, adapters):
    await engine.adopt(adapters[0])
    first = engine.live
    whole, texts = (await reply(engine)).text, []
    async for piece in engine.chat(HELLO, sampling=SOME):
        texts.append(piece.text)
        if piece.completion_tokens >= 3 and engine.live == first:
            await engine.adopt(adapters[1])

    assert whole == "".join(texts)
    assert whole != (await reply(engine)).text


async def test_requests_for_different_adapters_take_turns(engine, adapters):
    first, second = await engine.load(adapters[0]), await engine.load(adapters[1])
    alone = [(await reply(engine, adapter=name)).text for name in ("base", first, second)]

    together = await asyncio.gather(*(reply(engine, adapter=name) for name in ("base", first, second) * 2))

    assert alone * 2 == [answer.text for answer in together]
    await engine.unload(first)
    await engine.unload(second)


def broken_adapters(folder):
    good = tiny.write_adapter(folder / "good.gguf").read_bytes()
    return {
        "cut short": (good[:-1000], "cut short"),
        "cut in its header": (good[:300], "cut short"),
        "empty": (b"", "not a GGUF file"),
        "text": (b"hello" * 100, "not a GGUF file"),
        "a model": (tiny.write_model(folder / "model.gguf").read_bytes(), "not a LoRA adapter"),
        "for a wider model": (
            tiny.write_adapter(folder / "wide.gguf", hidden=128).read_bytes(),
            "another model",
        ),
        "without alpha": (tiny.write_adapter(folder / "alpha.gguf", alpha=False).read_bytes(), "alpha"),
        "of another family": (good.replace(b"qwen3", b"llama", 1), "made for 'llama'"),
        "unknown tensors": (good.replace(b"blk.1.ffn_up", b"blk.9.ffn_up"), "no tensor of this model"),
    }


async def test_bytes_that_are_no_adapter_for_this_model_are_refused_and_what_is_live_stays_live(
    engine, adapters, tmp_path
):
    await engine.adopt(adapters[0])
    before, pid = (await reply(engine)).text, engine.child.pid
    for name, (data, reason) in broken_adapters(tmp_path).items():
        with pytest.raises(AdapterRefused, match=reason):
            await engine.adopt(data)
        with pytest.raises(AdapterRefused, match=reason):
            await engine.load(data)
        assert pid == engine.child.pid, name

    assert before == (await reply(engine)).text


async def test_bytes_that_do_not_match_their_hash_are_refused(engine, adapters):
    with pytest.raises(ChildRefused, match="damaged"):
        await engine.child.call("load", blob=adapters[0], adapter="0" * 64)


def products(path):
    """alpha / rank * B A of each matrix, and the ranks."""
    reader = gguf.GGUFReader(path)
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    parts = {tensor.name: np.asarray(tensor.data, dtype=np.float64) for tensor in reader.tensors}
    names = [name.removesuffix(".lora_a") for name in parts if name.endswith(".lora_a")]
    ranks = {len(parts[f"{name}.lora_a"]) for name in names}
    (rank,) = ranks
    return rank, {name: alpha / rank * parts[f"{name}.lora_b"] @ parts[f"{name}.lora_a"] for name in names}


@pytest.mark.parametrize("rank", [4, 33, 32])
def test_an_adapter_filled_up_to_a_rank_that_is_fast_is_the_same_adapter(tmp_path, rank):
    own = tiny.write_adapter(tmp_path / "own.gguf", rank=rank)
    full = tmp_path / "full.gguf"
    full.write_bytes(filled_up(own.read_bytes()))
    (before, wanted), (after, found) = products(own), products(full)

    assert (rank, -(-rank // 32) * 32) == (before, after)
    assert wanted.keys() == found.keys()
    assert all(np.allclose(wanted[name], found[name]) for name in wanted)
