"""Adapters: ready, live, replaced, refused; always without a trace of the one before."""

import asyncio
import hashlib

import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from tests import tiny
from tests.daemon.engine.conftest import make_engine

HELLO = [{"role": "user", "content": "what is my dog called?"}]
SOME = Sampling(max_tokens=40)


def reply(run, engine, **options):
    return run(engine.complete(HELLO, sampling=SOME, **options))


def test_an_adopted_adapter_answers_as_in_a_fresh_engine_and_going_back_answers_as_before(
    engine, run, model, adapters
):
    async def fresh(adapter):
        other = make_engine(model)
        try:
            await other.adopt(adapter)
            return await other.complete(HELLO, sampling=SOME)
        finally:
            await other.stop()

    base = reply(run, engine)
    swap_ms = run(engine.adopt(adapters[0]))
    first = reply(run, engine)
    run(engine.adopt(adapters[1]))
    second = reply(run, engine)
    run(engine.adopt(None))
    back = reply(run, engine)

    assert run(fresh(adapters[0])).text == first.text
    assert 0 == first.cached_tokens == second.cached_tokens
    assert 3 == len({base.text, first.text, second.text})
    assert base.text == back.text
    assert 0 < swap_ms < 1000


def test_adopting_an_adapter_again_after_another_does_not_reuse_what_was_dropped(engine, run, adapters):
    run(engine.adopt(adapters[0]))
    first = reply(run, engine)
    run(engine.adopt(adapters[1]))
    run(engine.adopt(adapters[0]))

    again = reply(run, engine)
    assert (first.text, 0) == (again.text, again.cached_tokens)


def test_a_loaded_adapter_answers_beside_the_live_one_without_being_live(engine, run, adapters):
    base = reply(run, engine).text
    sha256 = run(engine.load(adapters[0]))
    candidate = reply(run, engine, adapter=sha256).text

    assert hashlib.sha256(adapters[0]).hexdigest() == sha256
    assert base == reply(run, engine).text == reply(run, engine, adapter="base").text
    run(engine.adopt(adapters[0]))
    assert candidate == reply(run, engine).text
    run(engine.adopt(None))
    assert candidate == reply(run, engine, adapter=sha256).text
    run(engine.unload(sha256))
    with pytest.raises(AdapterUnknown):
        reply(run, engine, adapter=sha256)


def test_a_reply_that_has_begun_ends_with_the_adapter_it_began_with(engine, run, adapters):
    async def swap_in_between():
        texts = []
        async for piece in engine.chat(HELLO, sampling=SOME):
            texts.append(piece.text)
            if piece.completion_tokens >= 3 and engine.live == first:
                await engine.adopt(adapters[1])
        return "".join(texts)

    run(engine.adopt(adapters[0]))
    first = engine.live
    whole = reply(run, engine).text

    assert whole == run(swap_in_between())
    assert whole != reply(run, engine).text


def test_requests_for_different_adapters_take_turns(engine, run, adapters):
    async def together():
        asked = [engine.complete(HELLO, sampling=SOME, adapter=name) for name in ("base", first, second) * 2]
        return [answer.text for answer in await asyncio.gather(*asked)]

    first, second = run(engine.load(adapters[0])), run(engine.load(adapters[1]))
    alone = [reply(run, engine, adapter=name).text for name in ("base", first, second)]

    assert alone * 2 == run(together())
    run(engine.unload(first))
    run(engine.unload(second))


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


def test_bytes_that_are_no_adapter_for_this_model_are_refused_and_what_is_live_stays_live(
    engine, run, adapters, tmp_path
):
    run(engine.adopt(adapters[0]))
    before, pid = reply(run, engine).text, engine.child.pid
    for name, (data, reason) in broken_adapters(tmp_path).items():
        with pytest.raises(AdapterRefused, match=reason):
            run(engine.adopt(data))
        with pytest.raises(AdapterRefused, match=reason):
            run(engine.load(data))
        assert pid == engine.child.pid, name

    assert before == reply(run, engine).text


def test_bytes_that_do_not_match_their_hash_are_refused(engine, run, adapters):
    with pytest.raises(AdapterRefused, match="damaged"):
        run(engine._call("load", blob=adapters[0], adapter="0" * 64))
