"""How much of a model goes onto a card, for machines that are not here."""

import pytest

from daemon.engine.gguf_file import Header
from daemon.hardware.offload_plan import Card, Hardware, plan, read_nvidia

GIB = 2**30
QWEN_4B = Header(
    values={
        "general.architecture": "qwen3",
        "qwen3.attention.head_count": 32,
        "qwen3.attention.value_length": 128,
        "qwen3.block_count": 36,
        "qwen3.attention.head_count_kv": 8,
        "qwen3.attention.key_length": 128,
        "qwen3.context_length": 262144,
    },
    tensors=(),
    needed_bytes=0,
)
SIZE = 2_497_281_120


def machine(free_gib=None, offload="CUDA"):
    cards = () if free_gib is None else (Card(name="RTX 2070", total=8 * GIB, free=int(free_gib * GIB)),)
    return Hardware(cores=8, memory=16 * GIB, cards=cards, offload=offload)


def fitted(hardware, size=SIZE, n_ctx=8192):
    return plan(hardware, lambda: QWEN_4B, size, n_ctx)


@pytest.mark.parametrize(("free_gib", "layers"), [(8, -1), (5, -1), (4.5, 34), (3, 20), (1.5, 5), (0.5, 0)])
def test_as_many_layers_as_fit_beside_their_context(free_gib, layers):
    found = fitted(machine(free_gib))

    assert layers == found.gpu_layers
    assert ("all 36 layers" if layers == -1 else f"{layers} of 36 layers") in found.said


def test_the_whole_context_of_the_model_takes_its_own_room():
    assert fitted(machine(8), n_ctx=0).gpu_layers < 10


def test_without_a_build_for_it_a_card_is_named_as_unused():
    found = fitted(machine(8, offload=""))

    assert (-1, 8) == (found.gpu_layers, found.threads)
    assert "RTX 2070 is not used: llama.cpp was built without it" in found.said


def test_without_a_card_the_header_is_not_even_read():
    def unread():
        raise AssertionError("it was read")

    assert 8 == plan(machine(offload=""), unread, SIZE, 8192).threads
    assert "1 thread" in plan(machine(offload=""), unread, 7_000_000, 8192).said


def test_the_drivers_answer_is_read_and_nonsense_passed_over():
    said = (
        "NVIDIA GeForce RTX 2070, 8192, 7500\nOdd, Name, 100, 50\n[N/A], [N/A], [N/A]\nFailed to initialize\n"
    )

    assert [("NVIDIA GeForce RTX 2070", 7500 * 2**20), ("Odd, Name", 50 * 2**20)] == [
        (card.name, card.free) for card in read_nvidia(said)
    ]
