"""A model that can't be served is an error of one line that says why; it is not tried over and over."""

import pytest

from daemon.engine.errors import EngineError, ModelUnfit, TemplateRefused
from daemon.engine.gguf_file import checked_header
from tests import tiny
from tests.daemon.engine.conftest import make_engine


async def why_not(path):
    """The error of an engine for this file; asked twice, started once."""
    engine = make_engine(path)
    try:
        with pytest.raises(EngineError) as caught:
            await engine.info()
        with pytest.raises(EngineError) as again:
            await engine.complete([{"role": "user", "content": "hello"}])
    finally:
        await engine.stop()

    assert str(caught.value) == str(again.value)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_missing_model_is_named(tmp_path):
    assert "none.gguf" in str(await why_not(tmp_path / "none.gguf"))
    with pytest.raises(EngineError, match="no such file"):
        checked_header(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"<html>", b"PK\x03\x04" * 100, b"GGUF\x03\x00\x00\x00" + b"\xff" * 64]
)
def test_a_file_that_is_no_gguf_is_called_so(tmp_path, content):
    (tmp_path / "a.gguf").write_bytes(content)
    with pytest.raises(ModelUnfit, match="GGUF"):
        checked_header(tmp_path / "a.gguf")


def test_a_download_that_was_cut_short_is_told_with_both_sizes(model, tmp_path):
    whole = model.read_bytes()
    (tmp_path / "a.gguf").write_bytes(whole[:-5000])
    with pytest.raises(ModelUnfit, match=str(len(whole) - 5000)):
        checked_header(tmp_path / "a.gguf")


@pytest.mark.parametrize(
    ("change", "why"),
    [({"architecture": "mamba"}, "'mamba'.* qwen3"), ({"template": None}, r"tokenizer\.chat_template")],
)
def test_a_model_that_our_chats_do_not_fit_is_refused_with_the_reason(tmp_path, change, why):
    with pytest.raises(ModelUnfit, match=why):
        checked_header(tiny.write_model(tmp_path / "a.gguf", **change))


async def test_a_chat_template_that_does_not_compile(tmp_path):
    path = tiny.write_model(tmp_path / "a.gguf", template="{% for message in %}")
    assert isinstance(await why_not(path), TemplateRefused)


async def test_a_file_that_llama_cpp_does_not_take_comes_with_its_reason(model, tmp_path):
    """Such as a tensor that is not where it should be."""
    (tmp_path / "a.gguf").write_bytes(
        model.read_bytes().replace(b"output_norm.weight", b"output_form.weight")
    )
    assert "output_norm" in str(await why_not(tmp_path / "a.gguf"))
