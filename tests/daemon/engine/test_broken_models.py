"""A model that can't be served is an error of one line that says why; it is not tried over and over."""

import asyncio

import pytest

from daemon.engine.errors import (
    ArchitectureUnsupported,
    EngineError,
    ModelMissing,
    ModelNotGguf,
    ModelRefused,
    ModelTruncated,
    TemplateMissing,
    TemplateRefused,
)
from daemon.engine.model_file import checked_header
from tests import tiny
from tests.daemon.engine.conftest import make_engine


def why_not(path, **options):
    """The error of an engine for this file; asked twice, started once."""

    async def ask():
        engine = make_engine(path, **options)
        try:
            with pytest.raises(EngineError) as caught:
                await engine.info()
            with pytest.raises(EngineError) as again:
                await engine.complete([{"role": "user", "content": "hello"}])
            assert str(caught.value) == str(again.value)
            return caught.value
        finally:
            await engine.stop()

    error = asyncio.run(ask())
    assert "\n" not in str(error)
    assert str(path) in str(error) or isinstance(error, TemplateRefused)
    return error


def test_a_missing_model_is_named(tmp_path):
    assert isinstance(why_not(tmp_path / "none.gguf"), ModelMissing)
    with pytest.raises(ModelMissing):
        checked_header(tmp_path)


def test_a_file_that_is_no_gguf_is_called_so(tmp_path):
    for content in (b"", b"GGUF", b"PK\x03\x04" * 100, b"version https://git-lfs.github.com/spec/v1\n"):
        (tmp_path / "a.gguf").write_bytes(content)
        with pytest.raises(ModelNotGguf):
            checked_header(tmp_path / "a.gguf")


def test_a_download_that_was_cut_short_is_told_with_both_sizes(model, tmp_path):
    whole = model.read_bytes()
    (tmp_path / "a.gguf").write_bytes(whole[:-5000])
    with pytest.raises(ModelTruncated, match=str(len(whole) - 5000)):
        checked_header(tmp_path / "a.gguf")


def test_a_model_of_another_family_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ArchitectureUnsupported, match="'mamba'.* qwen3"):
        checked_header(tiny.write_model(tmp_path / "a.gguf", architecture="mamba"))


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    with pytest.raises(TemplateMissing, match="no chat template"):
        checked_header(tiny.write_model(tmp_path / "a.gguf", template=None))


def test_a_chat_template_that_does_not_compile(tmp_path):
    path = tiny.write_model(tmp_path / "a.gguf", template="{% for message in %}")
    assert isinstance(why_not(path), TemplateRefused)


def test_a_file_that_llama_cpp_does_not_take_comes_with_its_reason(model, tmp_path):
    """Such as a tensor that is not where it should be."""
    (tmp_path / "a.gguf").write_bytes(
        model.read_bytes().replace(b"output_norm.weight", b"output_form.weight")
    )
    error = why_not(tmp_path / "a.gguf")
    assert isinstance(error, ModelRefused)
    assert "output_norm" in str(error)
