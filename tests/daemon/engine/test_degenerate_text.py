"""Which answers are speech, and which are degenerate text."""

import pytest

from daemon.engine.check_model import is_circling, is_sane
from daemon.engine.records import Completion, Mark


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
    ],
)
def test_what_is_no_speech_is_found(text):
    assert not is_sane(Completion(text=text, finish="stop", prompt_tokens=1, completion_tokens=1))


@pytest.mark.parametrize(
    "text", ["Hello!", "No, no, no!", "12 + 30 = 42", "Ha ha ha, I had had enough of that."]
)
def test_speech_is_left_alone(text):
    assert is_sane(Completion(text=text, finish="stop", prompt_tokens=1, completion_tokens=1))
    assert not is_circling(text)


def test_an_answer_without_an_end_or_one_that_surprises_its_own_model_is_none():
    endless = Completion(text="Hello", finish="length", prompt_tokens=1, completion_tokens=1)
    noise = Completion(
        text="Hello",
        finish="stop",
        prompt_tokens=1,
        completion_tokens=2,
        marks=(Mark(characters=5, tokens=2, surprise=9.0),),
    )

    assert (False, False) == (is_sane(endless), is_sane(noise))
