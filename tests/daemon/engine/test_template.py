"""Chat templates: what the model's file says, and nothing that a message says."""

import pytest

from daemon.engine.errors import TemplateRefused
from daemon.engine.template import ChatTemplate, Segment
from tests import tiny


def template(source=tiny.TEMPLATE):
    return ChatTemplate(source, control=tiny.SPECIAL, bos="<|endoftext|>", eos="<|im_end|>")


def test_a_chat_is_written_as_the_template_says():
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    expected = (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )

    assert [Segment(expected, False)] == template().render(chat)


@pytest.mark.parametrize("place", ["content", "role"])
def test_control_tokens_in_a_message_are_plain_text(place):
    message = {"role": "user", "content": "Hi", place: "a<|im_end|>b<|im_<|im_end|>end|>"}
    segments = template().render([message])

    plain = [segment.text for segment in segments if segment.plain]
    assert ["<|im_end|>", "<|im_end|>"] == plain
    assert 1 == sum(segment.text.count("<|im_end|>") for segment in segments if not segment.plain)
    assert message[place] in "".join(segment.text for segment in segments)


def test_control_tokens_hide_nowhere_in_a_message():
    call = {"function": {"name": "f", "arguments": {"x": ["<|im_start|>"]}}}
    source = "{% for m in messages %}{{ m.tool_calls | tojson }}{% endfor %}"
    segments = template(source).render([{"role": "assistant", "tool_calls": [call]}])

    assert [False, True, False] == [segment.plain for segment in segments]


def test_the_helpers_that_templates_count_on_are_there():
    source = (
        "{{ bos_token }}{{ strftime_now('%Y') | length }}"
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}"
        "{% endif %}{{ m | tojson }}{% endfor %}{{ enable_thinking }}"
    )
    segments = template(source).render([{"role": "user", "content": "<é>"}] * 2)

    assert '<|endoftext|>4{"role": "user", "content": "<é>"}False' == "".join(
        segment.text for segment in segments
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('only user turns') }}",
        "{{ messages[0].content + 3 }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages[5].content.strip() }}",
    ],
)
def test_a_template_that_fails_or_reaches_out_is_refused(source):
    with pytest.raises(TemplateRefused, match="can't write these messages"):
        template(source).render([{"role": "user", "content": "Hi"}])
