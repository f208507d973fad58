"""One chat as the page has it."""

import pytest

from daemon.web.chat.state import TOO_LONG, ChatState, add_chunk, continue_chat

ASKED, ANSWER = ("user", "tell me"), ("assistant", "Once upon a time")


def chunk(text="", *, finish=None, **more):
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}], **more}


def past(messages):
    return {"id": 7, "title": "hi", "messages": messages, "branches": []}


def kept(role, text, model=None):
    more = {"speaker": "", "model": model, "beside": None, "siblings": [], "noted": [], "feedback": None}
    return {"id": 1, "role": role, "text": text, **more}


def sent(state):
    return [one["content"] for one in state.to_send()]


def test_what_is_sent_ends_with_the_question_and_asking_again_drops_what_came_after():
    state = ChatState()
    first = state.ask("hi")
    first.text = "Hello."
    state.ask("and now?")
    whole = sent(state)
    state.ask_again(first)

    assert (["hi", "Hello.", "and now?"], ["hi"]) == (whole, sent(state))
    assert 2 == len(state.turns)


def test_what_the_base_model_was_told_goes_to_no_model_that_keeps_it():
    state = ChatState(model="tsubasa:base")
    before = state.may_go_on_with("tsubasa")
    answer = state.ask("a secret")
    state.chosen = "tsubasa"
    state.ask_again(answer)

    assert (True, False, True) == (
        before,
        state.may_go_on_with("tsubasa"),
        state.may_go_on_with("tsubasa:base"),
    )


def test_a_past_chat_goes_on_where_it_was_unless_something_of_it_was_forgotten():
    state = continue_chat(past([kept("user", "hi"), kept("assistant", "Hello.", "tsubasa@3")]))
    state.ask("more")

    assert ["hi", "Hello.", "more"] == sent(state)
    assert (7, 3, False) == (state.chat_id, state.turns[1].info.generation, state.sealed)
    assert continue_chat(past([kept("user", "[forgotten]"), kept("assistant", "Hm.")])).sealed


@pytest.mark.parametrize("kept", [True, False])
def test_an_answer_gathers_its_words_and_what_it_was_made_of(kept):
    answer = ChatState().ask("hi")
    ours = {
        "generation": 2,
        "memories": [4, 5],
        "messages": [],
        "recall_tokens": 30,
        "kept": kept,
        "chat": 7 if kept else None,
    }
    for one in (
        chunk(tsubasa=ours),
        chunk("Hel"),
        chunk("lo."),
        chunk(finish="length"),
        {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}},
    ):
        add_chunk(answer, one)
    info = answer.info

    assert ("Hello.", TOO_LONG) == (answer.text, answer.cut)
    assert (2, (4, 5), 30, kept) == (info.generation, info.memories, info.recall_tokens, info.kept)
    assert (40, 2) == (info.prompt_tokens, info.answer_tokens)


def test_another_wording_of_the_second_of_two_equal_questions_leaves_the_first():
    state = ChatState()
    state.ask("hi").text = "one"
    state.ask("hi").text = "two"
    state.ask_instead(state.turns[2], "ho")

    assert ["hi", "one", "ho"] == sent(state)


def test_off_the_record_goes_to_the_model_that_keeps_nothing_whatever_was_chosen():
    assert "tsubasa:private" == ChatState(private=True, model="tsubasa@3").model


def test_an_answer_that_ended_before_its_first_word_is_not_sent_but_an_empty_one_that_was_kept_is():
    state = continue_chat(past([kept("user", "hi"), kept("assistant", "")]))
    state.ask("and now?").cut = "Stopped."
    state.ask("and then?")

    assert ["hi", "", "and now?", "and then?"] == sent(state)


@pytest.mark.parametrize(
    ("heard", "held", "becomes"),
    [
        ("Once upon", [ASKED, ANSWER], ANSWER[1]),
        ("", [ASKED, ANSWER], ANSWER[1]),
        ("Once upon", [ASKED], "Once upon"),
        ("Once upon", [ASKED, ("assistant", "An older answer")], "Once upon"),
        ("Once upon", [ASKED, ("user", ANSWER[1])], "Once upon"),
        ("Once upon", [("user", "tell him"), ANSWER], "Once upon"),
    ],
    ids=["kept", "no word heard", "nothing kept", "another answer", "another role", "another question"],
)
def test_a_stopped_answer_becomes_what_was_kept_of_it(heard, held, becomes):
    before = [kept("user", "hi"), kept("assistant", "Hello.")]
    state = continue_chat(past(before))
    answer = state.ask("tell me")
    answer.text, answer.cut = heard, "Stopped."
    state.settle(answer, before + [kept(*one) for one in held])
    state.ask("and then?")

    assert ["hi", "Hello.", "tell me", becomes, "and then?"] == sent(state)


def test_what_was_said_elsewhere_is_taken_over_and_another_branch_is_not():
    state = continue_chat(past([kept("user", "hi"), kept("assistant", "Hello.")]))
    state.ask("mine").text = "Yes."
    elsewhere = [kept("user", "hi"), kept("assistant", "Hello."), kept("user", "theirs")]
    here = [*elsewhere[:2], kept("user", "mine") | {"id": 5, "siblings": [3, 5]}, kept("assistant", "Yes.")]

    assert state.catch_up(past(elsewhere)) is None
    assert ["more"] == [turn.text for turn in state.catch_up(past([*here, kept("user", "more")]))]
    assert (5, [3, 5], 5) == (state.turns[2].id, state.turns[2].siblings, len(state.turns))
