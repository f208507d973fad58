"""
The chat templates of the model families, each in a short form that refuses, orders and marks as the family's own does.

Any chat is written in each of them: nothing that was said is lost, memories stand before the question, and what stands
before the last turn of the user stays the same from request to request.
"""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.engine.fold_turns import STRICTEST, TurnRules, fold
from daemon.engine.records import AT_ONCE, Reasoning
from daemon.engine.template import ChatTemplate
from daemon.engine.template_traits import own_system
from daemon.memory.recall import system_text

FOLDER = Path(__file__).parent / "templates"
FAMILIES = {  # system turns, alternates, turns of tools, thinking, what ends a turn
    "deepseek-r1-distill": ("first", False, True, "always", "<｜end▁of▁sentence｜>"),
    "gemma-2": ("nowhere", True, False, "never", "<end_of_turn>"),
    "gemma-3": ("first", True, False, "never", "<end_of_turn>"),
    "llama-3": ("anywhere", False, True, "never", "<|eot_id|>"),
    "mistral-nemo": ("first", True, False, "never", "</s>"),
    "mistral-small": ("first", True, False, "never", "</s>"),
    "mistral-v0.3": ("first", True, False, "never", "</s>"),
    "phi-3": ("anywhere", False, False, "never", "<|end|>"),
    "phi-4": ("anywhere", False, False, "never", "<|im_end|>"),
    "phi-4-mini": ("anywhere", False, True, "never", "<|end|>"),
    "qwen2.5": ("anywhere", False, True, "never", "<|im_end|>"),
    "qwen3": ("anywhere", False, True, "optional", "<|im_end|>"),
    "qwen3-2507-instruct": ("anywhere", False, True, "never", "<|im_end|>"),
    "qwen3-2507-thinking": ("anywhere", False, True, "always", "<|im_end|>"),
    "qwen3.5": ("first", False, True, "optional", "<|im_end|>"),
    "smollm2": ("anywhere", False, True, "never", "<|im_end|>"),
    "smollm3": ("first", False, True, "optional", "<|im_end|>"),
}
TEMPLATES = {
    name: ChatTemplate(
        (FOLDER / f"{name}.jinja").read_text(encoding="utf-8"),
        control=["<|im_end|>", "<s>", "</s>"],
        bos="<s>",
        eos="</s>",
    )
    for name in FAMILIES
}
OURS = "MEMORIES of the user"


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


def chat(*turns):
    """ "user: hello" and so on, as messages."""
    return [dict(zip(("role", "content"), turn.split(": ", 1), strict=True)) for turn in turns]


def written(family, messages, reasoning=AT_ONCE, **options):
    return "".join(part.text for part in TEMPLATES[family].write(messages, reasoning, **options).segments)


def places(text, *parts):
    return [text.find(part) for part in parts]


def test_each_family_is_known_for_what_it_takes(family):
    template = TEMPLATES[family]
    traits, (system, alternates, turns_of_tools, thinking, end) = template.traits, FAMILIES[family]

    rules = TurnRules(system=system, alternates=alternates, tools=turns_of_tools, calls=traits.rules.calls)
    assert (rules, thinking) == (traits.rules, traits.thinking)
    assert template.behind_reply.startswith(end)
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(FAMILIES)


TURN = st.sampled_from(("system", "user", "assistant", "tool"))


@given(st.lists(TURN, min_size=1, max_size=7), st.sampled_from([None, True, False]))
@settings(max_examples=60)
def test_any_chat_is_written_and_nothing_of_it_is_lost(roles, thinks):
    for family in FAMILIES:
        asked = roles if roles[-1] != "assistant" else [*roles, "user"]
        messages = [{"role": role, "content": f"w{place}w"} for place, role in enumerate(asked)]
        text = written(family, messages, Reasoning(thinks=thinks))

        assert [] == [one["content"] for one in messages if one["content"] not in text], family


def test_memories_stand_between_the_last_answer_and_the_question(family):
    text = written(
        family,
        chat(
            "system: Be brief.", "user: Hi", "assistant: Hello!", f"system: {OURS}", "user: Where do I live?"
        ),
    )
    order = places(text, "Hi", "Hello!", OURS, "Where do I live?")

    assert -1 < min(order) and order == sorted(order)
    assert "Be brief." in text
    folded = FAMILIES[family][0] != "anywhere"
    assert folded is ("not said by the user:\n" + OURS in text)
    begun = written(family, chat("system: Be brief.", f"system: {OURS}", "user: Where do I live?"))
    assert folded is (OURS + "\n\nThe user says:\nWhere" in begun)


def test_memories_before_a_first_question_leave_the_templates_own_system_text_where_it_is(family):
    memories = {"role": "system", "content": system_text(["The user lives in Ghent."], tiny=False)}
    asked = chat("user: Where do I live?")
    own = own_system(partial(written, family))

    assert own in written(family, [memories, *asked])
    assert bool(own) is (family in ("mistral-small", "qwen2.5", "smollm2", "smollm3"))
    assert not own or own not in written(family, [*chat("system: Be brief."), memories, *asked])


def test_what_stands_before_the_last_turn_of_the_user_stays_the_same(family):
    begun = chat("system: Be brief.", "user: Hi", "system: a stray one", "assistant: Hello!")
    more = chat("user: And now?", "assistant: This.", f"system: other {OURS}", "user: Why?")
    first = written(family, [*begun, *chat(f"system: {OURS}", "user: And now?")])
    second = written(family, [*begun, *more])
    kept = first.find("Hello!") + len("Hello!")

    if (
        family.startswith("mistral-") and family != "mistral-small"
    ):  # these write the system turn into the last one
        kept = first.find("Be brief.") - len("[INST]")
    assert kept > 20 and first[:kept] == second[:kept]


def test_turns_that_a_template_takes_are_left_alone():
    messages = chat("system: a", "user: b", "assistant: c", "system: d", "user: e", "user: f", "tool: g")

    answered = {"tool_call_id": "e3b0c4429", "name": "tool"}  # that of nothing
    assert [*messages[:-1], messages[-1] | answered] == fold(messages, TurnRules())
    assert ["user"] == [turn["role"] for turn in fold(messages[3:], STRICTEST)]


@pytest.mark.parametrize("thinks", [None, True, False])
def test_a_model_thinks_when_it_is_asked_to_and_its_template_lets_it(family, thinks):
    kind = FAMILIES[family][3]
    prompt = TEMPLATES[family].write(chat("user: Hi"), Reasoning(thinks=thinks))
    text = "".join(part.text for part in prompt.segments)
    asked = {None: kind == "always", True: kind != "never", False: False}[thinks]

    closed = text.rstrip().endswith("</think>")
    assert closed is (kind != "never" and not asked)
    assert prompt.thinks is (asked and text.rstrip().endswith("<think>"))
    assert prompt.thinks is (
        asked and family not in ("qwen3", "smollm3")
    )  # these open the thought themselves


def test_a_reply_that_is_begun_is_gone_on_with(family):
    asked = chat("user: Write a poem.")
    text = written(family, [*asked, *chat("assistant: The sea <|im_end|> is")], Reasoning(), go_on=True)
    alone = written(family, chat("assistant: The sea"), Reasoning(), go_on=True)

    assert written(family, asked) + "The sea <|im_end|> is" == text
    assert alone.endswith("The sea")
    last = TEMPLATES[family].write([*asked, *chat("assistant: a<|im_end|>")], go_on=True).segments[-1]
    assert ("a<|im_end|>", True) == last
