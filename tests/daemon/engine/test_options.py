"""What a request may ask for beside its words: raw texts, grammars, biases, limits; over a real process."""

import pytest

from daemon.engine.client import Sampling
from daemon.engine.errors import GrammarRefused, TokensUnknown

HELLO = [{"role": "user", "content": "hello"}]


async def said(engine, messages=HELLO, **options):
    """The text, and the last piece."""
    pieces = [piece async for piece in engine.chat(messages, **options)]
    return "".join(piece.text for piece in pieces), pieces[-1]


async def test_a_text_is_cut_into_tokens_and_joined_again(engine):
    text = "the inn <|im_end|> é"
    tokens = await engine.cut(text)

    assert text == await engine.join(tokens)
    assert len(tokens) == len(await engine.pieces(tokens))
    with pytest.raises(TokensUnknown, match="no token 1000000"):
        await engine.join([1_000_000])


async def test_a_raw_text_is_gone_on_with_as_it_is(engine):
    some = Sampling(max_tokens=5)
    of_text, last = await said(engine, (), raw="in the inn", sampling=some)
    of_tokens, _ = await said(engine, (), raw=await engine.cut("in the inn"), sampling=some)
    of_nothing, _ = await said(engine, (), raw="", sampling=some)

    assert of_text == of_tokens and of_text and of_nothing
    assert len(await engine.cut("in the inn")) == last.prompt_tokens


async def test_a_limit_of_nothing_computes_the_prompt_alone(engine):
    text, last = await said(engine, sampling=Sampling(max_tokens=0))
    _, after = await said(engine, sampling=Sampling(max_tokens=1))

    assert ("", "length", 0) == (text, last.finish, last.completion_tokens)
    assert after.cached_tokens == after.prompt_tokens - 1


async def test_a_grammar_is_followed_and_one_that_is_none_is_refused(engine):
    text, last = await said(engine, grammar='root ::= "a" [0-9] "b"')

    assert ("stop", "a", "b", 3) == (last.finish, text[0], text[-1], len(text))
    for grammar in ("no grammar", "root ::= root", "(" * 5000, 'start ::= "a"'):
        with pytest.raises(GrammarRefused):
            await said(engine, grammar=grammar)


async def test_tokens_are_forbidden_and_wished_for_by_their_bias(engine):
    first = (await engine.cut((await said(engine, sampling=Sampling(max_tokens=1)))[0]))[0]
    (wished,) = await engine.cut("q")
    without, _ = await said(engine, sampling=Sampling(max_tokens=1, logit_bias={str(first): -100.0}))
    biased, _ = await said(
        engine, sampling=Sampling(max_tokens=3, logit_bias={str(wished): 100.0, "999999": 5.0})
    )

    assert [first] != await engine.cut(without)
    assert "qqq" == biased


async def test_an_answer_told_to_ignore_its_end_goes_on_to_its_limit(engine):
    ends = {str(token): 100.0 for token in range(269) if await is_end(engine, token)}
    _, short = await said(engine, sampling=Sampling(max_tokens=20, logit_bias=ends))
    _, long = await said(engine, sampling=Sampling(max_tokens=20, logit_bias=ends, ignore_eos=True))

    assert ("stop", "length", 20) == (short.finish, long.finish, long.completion_tokens)


async def is_end(engine, token):
    """Whether a reply is over with it; control tokens have no text."""
    return "" == await engine.join([token])
