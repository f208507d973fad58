"""A model that can't be served is an error of one line that says why; it is not tried over and over."""

import hashlib

import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import EngineError, ModelUnfit, TemplateRefused
from daemon.engine.gguf_file import checked_header, size_of
from tests import tiny
from tests.daemon.engine.conftest import own_engine


async def why_not(path):
    """The error of an engine for this file; asked twice, started once."""
    async with own_engine(path) as engine:
        with pytest.raises(EngineError) as caught:
            await engine.info()
        with pytest.raises(EngineError) as again:
            await engine.complete([{"role": "user", "content": "hello"}])

    assert str(caught.value) == str(again.value)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_an_engine_says_once_why_it_can_not_serve_a_file(model, tmp_path):
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(model.read_bytes().replace(b"output_norm.weight", b"output_form.weight"))
    wordless = tiny.write_model(tmp_path / "wordless.gguf", template="{% for message in %}")

    assert "none.gguf" in str(await why_not(tmp_path / "none.gguf"))
    assert "output_norm" in str(await why_not(damaged))  # llama.cpp's own reason
    assert isinstance(await why_not(wordless), TemplateRefused)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        *((content, "GGUF") for content in (b"", b"GGUF", b"<html>", b"PK\x03\x04" * 100)),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, "GGUF"),
        (-5000, "cut short"),
        ({"strings": {"general.type": "adapter"}}, "adapter"),
        ({"strings": {"general.type": "mmproj"}}, "mmproj"),
        ({"architecture": "clip"}, "mmproj"),
        ({"architecture": "nomic-bert"}, "embeddings"),
        ({"numbers": {"qwen3.pooling_type": 3}}, "embeddings"),
        ({"numbers": {"qwen3.pooling_type": 4}}, "reranker"),
        ({"missing_rows": 2}, "its vocabulary has 269 tokens, and its embedding 267"),
    ],
    ids=str,
)
def test_a_file_that_can_not_serve_our_chats_is_refused_with_the_reason(model, tmp_path, content, why):
    path = tmp_path / "a.gguf"
    if isinstance(content, dict):
        tiny.write_model(path, **content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else model.read_bytes()[:content])

    with pytest.raises(ModelUnfit, match=why):
        checked_header(path)
    with pytest.raises(EngineError, match="no such file"):
        checked_header(tmp_path)


async def test_a_model_without_a_template_is_served_in_chatml_when_that_is_wanted(tmp_path):
    """A base model: its vocabulary may not even have a token that ends a turn, so the words that do end the answer."""
    file = tiny.write_model(tmp_path / "base.gguf", template=None)
    other = tmp_path / "other.gguf"
    other.write_bytes(file.read_bytes().replace(b"<|im_end|>", b"<|my_end|>"))

    assert "chatml" in str(await why_not(file))
    for path in (file, other):
        async with own_engine(path, chat_template="chatml") as engine:
            ((prompt, reply),) = await engine.tokenise([([{"role": "user", "content": "hello"}], "a")])
            said = await engine.complete(
                [{"role": "user", "content": "hello"}], schema={"const": "a<|im_end|>b"}
            )
        spelled_out = path == other
        assert spelled_out is (len(prompt) > 25)
        assert ("<|endoftext|>" if spelled_out else "<|im_end|>") == tiny.vocabulary()[reply[-1]]
        assert ('"a' if spelled_out else '"a<|im_end|>b"') == said.text


@pytest.fixture
def split(tmp_path):
    """A model in several files."""
    tiny.write_model(tmp_path / "m.gguf", tensors_a_part=10)
    return sorted(tmp_path.glob("m-*.gguf"))


async def test_a_model_in_several_files_is_served_whichever_of_them_is_named(model, split):
    asked = [{"role": "user", "content": "hello"}]
    said = []
    for path in (model, split[0], split[-1]):
        async with own_engine(path) as engine:
            info = await engine.info()
            said.append((await engine.complete(asked, sampling=Sampling(max_tokens=9))).text)

    assert len(split) > 2
    assert [said[0]] * 3 == said
    assert hashlib.sha256(b"".join(path.read_bytes() for path in split)).hexdigest() == info.sha256
    assert info.cannot_learn is None
    assert size_of(split[1]) == sum(path.stat().st_size for path in split)


def test_a_part_that_is_missing_cut_short_or_alone_is_named(split, tmp_path):
    data = split[1].read_bytes()
    alone = tmp_path / "alone.gguf"
    split[0].rename(alone)
    with pytest.raises(EngineError, match=f"{split[0].name}'.*no such file"):
        checked_header(split[2])
    with pytest.raises(ModelUnfit, match=rf"one of {len(split)} parts"):
        checked_header(alone)
    alone.rename(split[0])
    split[1].write_bytes(data[:-500])
    with pytest.raises(ModelUnfit, match=f"{split[1].name}'.*cut short"):
        checked_header(split[0])
