"""What a card's memory and kind make of a base; no card is needed to decide."""

import pytest
import torch

from trainer.torch_model import compute_type, fits_whole


@pytest.mark.parametrize(
    ("free_gb", "half", "whole"),
    [(15.5, True, True), (11.9, True, False), (15.5, False, False), (20.2, False, True)],
)
def test_a_card_without_bfloat16_needs_two_more_bytes_a_parameter(free_gb, half, whole):
    """A model of 4 billion parameters: a T4 has 16 GB and no bfloat16."""
    assert whole == fits_whole(free_gb * 1e9, 4_022_000_000, half)


def test_nf4_computes_in_float16_where_there_is_no_bfloat16():
    assert torch.bfloat16 == compute_type(torch.bfloat16)
    assert torch.float16 == compute_type(torch.float32)
