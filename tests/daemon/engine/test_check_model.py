"""A model is looked at before it is used, up to a first answer of the real engine."""

import pytest

from daemon.engine.check_model import check, is_circling, is_sane, is_speech
from daemon.engine.errors import EngineError, ModelUnfit, TemplateRefused
from daemon.engine.records import Completion, Mark
from tests.tiny import TEMPLATE, write_model
from tests.whole.house import NANO


async def checked(path):
    return await check(path, threads=1, gpu_layers=0)


async def test_the_bundled_model_passes_and_is_described():
    found = await checked(NANO)

    assert ("nano", "qwen3", "F16", 2048) == (
        found.facts.name,
        found.facts.architecture,
        found.facts.quantization,
        found.facts.n_ctx,
    )
    assert "Mira" in found.said
    assert found.tokens_per_s > 1


async def test_a_model_that_talks_noise_is_refused(tmp_path):
    with pytest.raises(ModelUnfit, match="no speech"):
        await checked(write_model(tmp_path / "m.gguf"))


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{% for", TemplateRefused),
        (TEMPLATE.replace("message.content", "'hm'"), ModelUnfit),
        ("{{ raise_exception('no system turn here') }}", TemplateRefused),
        (
            TEMPLATE.replace("message.content", "(message.content if message.role != 'system' else '')"),
            ModelUnfit,
        ),
    ],
)
async def test_a_template_that_can_not_carry_our_chats_is_refused(tmp_path, template, error):
    with pytest.raises(error):
        await checked(write_model(tmp_path / "m.gguf", template=template))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"tokenizer.ggml.tokens", b"tokenizer.ggml.tokenz", "lacks tokenizer.ggml.tokens"),
        (b"tokenizer.ggml.merges", b"tokenizer.ggml.mergez", "cannot find tokenizer merges"),
        (b"gpt2", b"gpt7", "unknown tokenizer"),
    ],
    ids=["no tokens", "no merges", "an unknown kind"],
)
async def test_a_model_whose_vocabulary_can_not_be_read_is_refused_with_the_reason(tmp_path, old, new, why):
    file = write_model(tmp_path / "m.gguf")
    file.write_bytes(file.read_bytes().replace(old, new, 1))

    with pytest.raises(EngineError, match=why):
        await checked(file)


def answer(text, *, finish="stop", surprise=0.1):
    """An answer of ten tokens; `surprise` is a token's."""
    marks = (Mark(characters=len(text), tokens=10, surprise=10 * surprise),)
    return Completion(text=text, finish=finish, prompt_tokens=9, completion_tokens=10, marks=marks)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "the the the the",
        "I am I am I am I am",
        "<|im_start|>user",
        "a" * 12,
        "Hello \ufffd",
        "A b c! " * 5,
        "我不知道，" * 30,
        "我叫Rex。" * 4,
        "ไม่รู้" * 4,
    ],
)
def test_what_is_no_speech_is_found(text):
    assert not is_sane(answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        "No, no, no!",
        "12 + 30 = 42",
        "Ha ha ha, I had had enough of that.",
        "哈哈哈哈哈，好好好！",
        "hahahahahaha",
        "100000000000001",
    ],
)
def test_speech_is_left_alone(text):
    assert is_sane(answer(text))
    assert not is_circling(text)


@pytest.mark.parametrize("more", [{"finish": "length"}, {"surprise": 4.5}], ids=["endless", "noise"])
def test_an_answer_without_an_end_or_one_that_surprises_its_own_model_is_none(more):
    assert not is_sane(answer("Hello", **more))


@pytest.mark.parametrize(
    ("text", "surprise", "speech"),
    [
        ("You are called Mira.", 0.5, True),
        ("You are called Mira.", 5.0, False),
        ("", 0.1, False),
        ("no no no no no no no no", 0.1, False),
        ("Mira<|im_start|>", 0.1, False),
    ],
)
def test_a_first_answer_is_speech_also_without_an_end(text, surprise, speech):
    assert speech is is_speech(answer(text, finish="length", surprise=surprise))
