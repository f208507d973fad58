"""How likely given replies are: against the logits of llama.cpp itself, and between other work."""

import asyncio

import numpy as np
import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import AdapterUnknown, EngineError, PromptTooLong
from tests import tiny
from tests.trainer.llama_oracle import LlamaOracle

ASKED = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "where do I live?"}]
PROMPT = (
    "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nwhere do I live?<|im_end|>\n"
    "<|im_start|>assistant\n"
)
REPLIES = ["in the inn", "in the inner thesis", "in", "", "in the inn", "x" * 90 + " the", "é ü <|im_end|>"]
CLOSE = 0.02  # nats per token: the engine caches in float16, the oracle in float32


def oracle_nats(model, reply, adapter=None):
    """(T,) -log p of the reply's tokens and the end of the turn, by the logits of one single batch."""
    with LlamaOracle(model) as oracle:
        prompt = oracle.tokens(PROMPT, controls=True)
        end = tiny.vocabulary().index("<|im_end|>")
        answer = [*oracle.tokens(reply, controls=False), end]
        logits = oracle.logits([*prompt, *answer], adapter)[len(prompt) - 1 : -1].astype(np.float64)
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(answer)), answer]


@pytest.mark.parametrize("adapted", [False, True])
async def test_scores_are_those_of_llama_cpps_logits(engine, model, adapters, tmp_path, adapted):
    name, file = "base", None
    if adapted:
        name, file = await engine.load(adapters[0]), tmp_path / "adapter.gguf"
        file.write_bytes(adapters[0])

    scores = await engine.score(ASKED, REPLIES, adapter=name)
    if adapted:
        await engine.unload(name)  # the engine is shared

    for reply, score in zip(REPLIES, scores, strict=True):
        wanted = oracle_nats(model, reply, file)
        assert len(wanted) == score.tokens
        assert wanted.sum() == pytest.approx(score.nats, abs=CLOSE * len(wanted))
        assert score.nats / score.tokens == score.mean
    assert scores[0].nats == pytest.approx(scores[4].nats, abs=1e-3)


async def test_an_adapter_finds_other_replies_likely_than_the_base_and_live_is_the_adopted_one(
    engine, adapters
):
    base = await engine.score(ASKED, ["in the inn"])
    await engine.adopt(adapters[0])
    live = await engine.score(ASKED, ["in the inn"])

    assert base == await engine.score(ASKED, ["in the inn"], adapter="base")
    assert abs(live[0].nats - base[0].nats) > 1


async def test_scores_are_the_same_while_a_chat_is_answered_and_the_cache_is_full(engine):
    long = [{"role": "user", "content": "y" * 430}]
    alone = await engine.score(ASKED, REPLIES, adapter="base")
    scoring = asyncio.create_task(engine.score(ASKED, REPLIES * 5, adapter="base"))
    await asyncio.sleep(0)
    for _ in range(3):
        await engine.complete(long, sampling=Sampling(max_tokens=40))
    scores = await scoring

    nats = [[score.nats for score in scores[at : at + len(REPLIES)]] for at in range(0, 35, len(REPLIES))]
    for row in nats:
        assert [score.nats for score in alone] == pytest.approx(row, abs=0.05)


async def test_a_chat_is_answered_before_the_replies_that_are_still_to_be_scored(engine):
    replies = [f"{n} in the inn" * 5 for n in range(200)]
    scoring = asyncio.create_task(engine.score(ASKED, replies, adapter="base"))
    await asyncio.sleep(0)
    await engine.complete(ASKED, sampling=Sampling(max_tokens=3))

    assert not scoring.done()
    await scoring


async def test_given_up_scores_leave_the_engine_to_the_next(engine):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine.score(ASKED, ["x" * 400] * 256, adapter="base"), 0.02)

    assert 2 == (await engine.complete(ASKED, sampling=Sampling(max_tokens=2))).completion_tokens


async def test_what_can_not_be_scored_is_a_typed_error(engine):
    await engine.info()
    pid = engine.child.pid
    for replies in ([], ["a"] * 257):
        with pytest.raises(EngineError, match="replies must be 1 to 256 texts"):
            await engine.score(ASKED, replies)
    with pytest.raises(PromptTooLong) as caught:
        await engine.score(ASKED, ["short", "x" * 600])
    with pytest.raises(AdapterUnknown):
        await engine.score(ASKED, ["a"], adapter="0" * 64)

    assert caught.value.n_prompt > 600
    assert pid == engine.child.pid
