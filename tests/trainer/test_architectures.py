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
