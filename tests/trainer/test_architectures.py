"""Which models can learn; what a night does on each architecture: `contracts/test_parity.py`."""

import pytest

from trainer.architectures import ARCHITECTURES, why_not

MODEL = {
    "general.architecture": "llama",
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.rope.dimension_count": 16,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_plain_model_of_every_row_can_learn(name):
    assert why_not({"general.architecture": name}) is None


@pytest.mark.parametrize(
    ("name", "tensor", "known"),
    [
        ("llama", "rope_freqs.weight", True),
        ("llama", "blk.11.attn_q.weight", True),
        ("llama", "blk.11.attn_q.bias", False),
        ("qwen2", "blk.11.attn_q.bias", True),
        ("qwen2", "blk.11.attn_output.bias", False),
        ("qwen2", "blk.0.attn_q_norm.weight", False),
        ("qwen3", "blk.0.attn_q_norm.weight", True),
        ("gemma3", "blk.0.post_ffw_norm.weight", True),
        ("qwen3", "attn_q.weight", False),
        ("qwen3", "blk.0.output.weight", False),
    ],
)
def test_a_model_with_a_tensor_that_the_trainer_does_not_read_can_not_learn(name, tensor, known):
    found = why_not({"general.architecture": name}, ["token_embd.weight", tensor])

    assert found is None if known else tensor in str(found)


@pytest.mark.parametrize(
    ("besides", "reason"),
    [
        ({}, None),
        ({"llama.expert_count": 0}, None),
        ({"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 8.0}, None),
        ({"llama.attention.key_length": 32, "llama.rope.dimension_count": 32}, None),
        ({"general.architecture": "phi3"}, "architecture phi3"),
        ({"general.architecture": ""}, "architecture is not named"),
        ({"general.type": "adapter"}, "an adapter"),
        ({"llama.expert_count": 8}, "mixture of experts"),
        ({"llama.rope.scaling.type": "yarn"}, "rope scaling of the kind yarn"),
        ({"llama.final_logit_softcapping": 30.0}, "capped logits"),
        ({"llama.attention.value_length": 32}, "different lengths"),
        ({"llama.rope.dimension_count": 8}, "part of each head"),
    ],
    ids=str,
)
def test_what_the_trainer_would_get_wrong_can_not(besides, reason):
    found = why_not(MODEL | besides)

    assert found is None if reason is None else reason in str(found)
