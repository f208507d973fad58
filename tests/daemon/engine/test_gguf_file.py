"""Headers of GGUF files, whole and damaged."""

import random

import pytest

from daemon.engine.gguf_file import Broken, read_header
from tests import tiny

WIDTH = "qwen3.embedding_length"


def test_a_header_says_what_the_file_is_and_how_long_it_must_be(model):
    data = model.read_bytes()
    header = read_header(data)

    assert "qwen3" == header.text("general.architecture")
    assert tiny.TEMPLATE == header.text("tokenizer.chat_template")
    assert tiny.HIDDEN == header.values[WIDTH]
    assert (tiny.HIDDEN, len(tiny.vocabulary())) == header.tensors[0].shape
    assert len(data) - 32 < header.needed_bytes <= len(data)
    for name, limit in (("tsubasa.unsure", 0.5), ("general.architecture", 0.5), (WIDTH, float(tiny.HIDDEN))):
        assert limit == header.limit(name, 0.5)  # what the file does not state is the usual one


def test_a_header_that_is_cut_off_anywhere_is_broken(model):
    data = model.read_bytes()
    end = data.index(b"blk.1.")  # somewhere in the table of tensors
    for length in range(0, end, 37):
        with pytest.raises(Broken):
            read_header(data[:length])


def test_damaged_bytes_are_a_header_or_broken_but_never_another_error(model):
    data = bytearray(model.read_bytes()[:8000])
    dice = random.Random(1)
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(4, len(damaged))] = dice.choice((0, 1, 127, 255, dice.randrange(256)))
        try:
            read_header(bytes(damaged))
        except Broken as error:
            assert str(error)
