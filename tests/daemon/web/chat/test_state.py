"""One chat as the page has it."""

import pytest

from daemon.web.chat.state import ChatState, add_chunk, continue_chat


def chunk(text="", *, finish=None, **more):
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}], **more}


def kept(role, text, model=None):
    return {"role": role, "text": text, "speaker": "", "model": model, "beside": None}


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


def test_two_equal_questions_are_told_apart():
    state = ChatState()
    state.ask("hi").text = "one"
    second = state.ask("hi")
    question = state.turns[2]
    second.text = "two"
    state.ask_instead(question, "ho")

    assert ["hi", "one", "ho"] == sent(state)


def test_off_the_record_goes_to_the_model_that_keeps_nothing_whatever_was_chosen():
    state = ChatState(private=True, model="tsubasa@3")

    assert "tsubasa:private" == state.model


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


def test_a_past_chat_goes_on_where_it_was():
    state = continue_chat(7, [kept("user", "hi"), kept("assistant", "Hello.", "tsubasa@3")])
    state.ask("more")

    assert ["hi", "Hello.", "more"] == sent(state)
    assert (7, 3, False) == (state.chat_id, state.turns[1].info.generation, state.sealed)


def test_a_chat_with_something_forgotten_is_only_read():
    assert continue_chat(7, [kept("user", "[forgotten]"), kept("assistant", "Hm.")]).sealed


def test_an_answer_that_ended_before_its_first_word_is_not_sent():
    state = ChatState()
    state.ask("hi").cut = "Stopped."
    state.ask("and now?")

    assert [("user", "hi"), ("user", "and now?")] == [
        (one["role"], one["content"]) for one in state.to_send()
    ]


def test_an_empty_answer_that_was_kept_is_sent():
    state = continue_chat(7, [kept("user", "hi"), kept("assistant", "")])
    state.ask("and now?")

    assert ["hi", "", "and now?"] == sent(state)


def test_a_stopped_answer_becomes_what_was_kept_of_it():
    state = continue_chat(7, [kept("user", "hi"), kept("assistant", "Hello.")])
    answer = state.ask("tell me")
    answer.text, answer.cut = "Once upon", "Stopped."
    before = [kept("user", "hi"), kept("assistant", "Hello."), kept("user", "tell me")]
    state.settle(answer, [*before, kept("assistant", "Once upon a time")])
    state.ask("and then?")

    assert ["hi", "Hello.", "tell me", "Once upon a time", "and then?"] == [
        one["content"] for one in state.to_send()
    ]


def test_a_stopped_answer_of_which_no_word_was_heard_becomes_what_was_kept_of_it():
    state = ChatState()
    state.ask("hm").cut = "Stopped."
    answer = state.ask("tell me")
    answer.cut = "Stopped."
    state.settle(answer, [kept("user", "hm"), kept("user", "tell me"), kept("assistant", "Once")])

    assert "Once" == answer.text


def test_a_stopped_answer_stays_as_it_was_heard_when_another_is_kept():
    heard = []
    for held in (
        [kept("user", "tell me")],
        [kept("user", "tell me"), kept("assistant", "An older answer")],
        [kept("user", "tell me"), kept("user", "Once upon a time")],
        [kept("user", "tell him"), kept("assistant", "Once upon a time")],
    ):
        state = ChatState()
        answer = state.ask("tell me")
        answer.text, answer.cut = "Once upon", "Stopped."
        state.settle(answer, held)
        heard.append(answer.text)

    assert ["Once upon"] * 4 == heard


@pytest.mark.parametrize("kept", [True, False])
def test_an_answer_gathers_its_words_and_what_it_was_made_of(kept):
    answer = ChatState().ask("hi")
    ours = {"generation": 2, "memories": [4, 5], "messages": [], "recall_tokens": 30, "kept": kept}
    for one in (
        chunk(tsubasa=ours),
        chunk("Hel"),
        chunk("lo."),
        chunk(finish="length"),
        {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}},
    ):
        add_chunk(answer, one)
    info = answer.info

    assert ("Hello.", True) == (answer.text, "max_tokens" in answer.cut)
    assert (2, (4, 5), 30, kept) == (info.generation, info.memories, info.recall_tokens, info.kept)
    assert (40, 2) == (info.prompt_tokens, info.answer_tokens)
