"""A model that can't be served is an error of one line that says why; it is not tried over and over."""

import pytest

from daemon.engine.errors import EngineError, ModelUnfit, TemplateRefused
from daemon.engine.gguf_file import checked_header
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
        ({"template": None}, r"tokenizer\.chat_template"),
        ({"strings": {"general.type": "adapter"}}, "adapter"),
        ({"strings": {"general.type": "mmproj"}}, "mmproj"),
        ({"architecture": "clip"}, "mmproj"),
        ({"architecture": "nomic-bert"}, "embeddings"),
        ({"numbers": {"qwen3.pooling_type": 3}}, "embeddings"),
        ({"numbers": {"qwen3.pooling_type": 4}}, "reranker"),
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
