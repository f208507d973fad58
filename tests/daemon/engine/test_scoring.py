"""How likely given replies are: against the logits of llama.cpp itself, and between other work."""

import asyncio

import numpy as np
import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import AdapterUnknown, PromptTooLong, RequestBroken
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
def test_scores_are_those_of_llama_cpps_logits(engine, run, model, adapters, tmp_path, adapted):
    name, file = "base", None
    if adapted:
        name, file = run(engine.load(adapters[0])), tmp_path / "adapter.gguf"
        file.write_bytes(adapters[0])

    scores = run(engine.score(ASKED, REPLIES, adapter=name))

    for reply, score in zip(REPLIES, scores, strict=True):
        wanted = oracle_nats(model, reply, file)
        assert len(wanted) == score.tokens
        assert wanted.sum() == pytest.approx(score.nats, abs=CLOSE * len(wanted))
        assert score.nats / score.tokens == score.mean
    assert scores[0].nats == pytest.approx(scores[4].nats, abs=1e-3)


def test_an_adapter_finds_other_replies_likely_than_the_base_and_live_is_the_adopted_one(
    engine, run, adapters
):
    base = run(engine.score(ASKED, ["in the inn"]))
    run(engine.adopt(adapters[0]))
    live = run(engine.score(ASKED, ["in the inn"]))

    assert base == run(engine.score(ASKED, ["in the inn"], adapter="base"))
    assert abs(live[0].nats - base[0].nats) > 1


def test_scores_are_the_same_while_a_chat_is_answered_and_the_cache_is_full(engine, run):
    long = [{"role": "user", "content": "y" * 430}]

    async def between():
        scoring = asyncio.create_task(engine.score(ASKED, REPLIES * 5, adapter="base"))
        await asyncio.sleep(0)
        for _ in range(3):
            await engine.complete(long, sampling=Sampling(max_tokens=40))
        return await scoring

    alone = run(engine.score(ASKED, REPLIES, adapter="base"))
    scores = run(between())

    nats = [[score.nats for score in scores[at : at + len(REPLIES)]] for at in range(0, 35, len(REPLIES))]
    for row in nats:
        assert [score.nats for score in alone] == pytest.approx(row, abs=0.05)


def test_a_chat_is_answered_before_the_replies_that_are_still_to_be_scored(engine, run):
    async def both():
        ended = []

        async def score():
            await engine.score(ASKED, [f"{n} in the inn" * 5 for n in range(200)], adapter="base")
            ended.append("scores")

        scoring = asyncio.create_task(score())
        await asyncio.sleep(0)
        await engine.complete(ASKED, sampling=Sampling(max_tokens=3))
        ended.append("chat")
        await scoring
        return ended

    assert ["chat", "scores"] == run(both())


def test_given_up_scores_leave_the_engine_to_the_next(engine, run):
    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.score(ASKED, ["x" * 400] * 256, adapter="base"), 0.2)
        return await engine.complete(ASKED, sampling=Sampling(max_tokens=2))

    assert 2 == run(give_up()).completion_tokens


def test_what_can_not_be_scored_is_a_typed_error(engine, run):
    pid = run(engine.info()) and engine.child.pid
    with pytest.raises(RequestBroken, match="replies must be 1 to 256 texts"):
        run(engine.score(ASKED, []))
    with pytest.raises(RequestBroken, match="replies must be 1 to 256 texts"):
        run(engine.score(ASKED, ["a"] * 257))
    with pytest.raises(RequestBroken, match="replies is missing"):
        run(engine._call("score", messages=ASKED))
    with pytest.raises(PromptTooLong) as caught:
        run(engine.score(ASKED, ["short", "x" * 600]))
    with pytest.raises(AdapterUnknown):
        run(engine.score(ASKED, ["a"], adapter="0" * 64))

    assert caught.value.n_prompt > 600
    assert pid == engine.child.pid
