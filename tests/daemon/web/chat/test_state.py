"""One chat as the page has it."""

from daemon.web.chat.state import ChatState, add_chunk, continue_chat


def chunk(text="", *, finish=None, **more):
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}], **more}


def kept(role, text, model=None):
    return {"role": role, "text": text, "speaker": "", "model": model, "beside": None}


def test_what_is_sent_ends_with_the_question():
    talk = ChatState()
    answer = talk.ask("hi")
    answer.text = "Hello."
    talk.ask("and now?")

    assert ["hi", "Hello.", "and now?"] == [one["content"] for one in talk.to_send()]


def test_asking_again_sends_the_same_and_drops_what_came_after():
    talk = ChatState()
    first = talk.ask("hi")
    talk.ask("more")
    sent_at_first = [{"role": "user", "content": "hi"}]
    talk.ask_again(first)

    assert sent_at_first == talk.to_send()
    assert 2 == len(talk.turns)


def test_two_equal_questions_are_told_apart():
    talk = ChatState()
    talk.ask("hi").text = "one"
    second = talk.ask("hi")
    question = talk.turns[2]
    second.text = "two"
    talk.ask_instead(question, "ho")

    assert ["hi", "one", "ho"] == [one["content"] for one in talk.to_send()]


def test_off_the_record_goes_to_the_model_that_keeps_nothing_whatever_was_chosen():
    talk = ChatState(private=True, model="tsubasa@3")

    assert "tsubasa:private" == talk.model


def test_what_the_base_model_was_told_goes_to_no_model_that_keeps_it():
    talk = ChatState(model="tsubasa:base")
    before = talk.may_go_on_with("tsubasa")
    answer = talk.ask("a secret")
    talk.chosen = "tsubasa"
    talk.ask_again(answer)

    assert (True, False, True) == (
        before,
        talk.may_go_on_with("tsubasa"),
        talk.may_go_on_with("tsubasa:base"),
    )


def test_a_past_chat_goes_on_where_it_was():
    talk = continue_chat(7, [kept("user", "hi"), kept("assistant", "Hello.", "tsubasa@3")])
    talk.ask("more")

    assert ["hi", "Hello.", "more"] == [one["content"] for one in talk.to_send()]
    assert (7, 3, False) == (talk.chat_id, talk.turns[1].info.generation, talk.sealed)


def test_a_chat_with_something_forgotten_is_only_read():
    assert continue_chat(7, [kept("user", "[forgotten]"), kept("assistant", "Hm.")]).sealed


def test_an_answer_tells_whether_it_is_kept():
    told = []
    for kept in (True, False):
        answer = ChatState().ask("hi")
        add_chunk(
            answer,
            chunk(
                tsubasa={"generation": 0, "memories": [], "messages": [], "recall_tokens": 0, "kept": kept}
            ),
        )
        told.append(answer.info.kept)

    assert [True, False] == told


def test_an_answer_that_ended_before_its_first_word_is_not_sent():
    talk = ChatState()
    talk.ask("hi").cut = "Stopped."
    talk.ask("and now?")

    assert [("user", "hi"), ("user", "and now?")] == [(one["role"], one["content"]) for one in talk.to_send()]


def test_an_empty_answer_that_was_kept_is_sent():
    talk = continue_chat(7, [kept("user", "hi"), kept("assistant", "")])
    talk.ask("and now?")

    assert ["hi", "", "and now?"] == [one["content"] for one in talk.to_send()]


def test_a_stopped_answer_becomes_what_was_kept_of_it():
    talk = continue_chat(7, [kept("user", "hi"), kept("assistant", "Hello.")])
    answer = talk.ask("tell me")
    answer.text, answer.cut = "Once upon", "Stopped."
    before = [kept("user", "hi"), kept("assistant", "Hello."), kept("user", "tell me")]
    talk.settle(answer, [*before, kept("assistant", "Once upon a time")])
    talk.ask("and then?")

    assert ["hi", "Hello.", "tell me", "Once upon a time", "and then?"] == [
        one["content"] for one in talk.to_send()
    ]


def test_a_stopped_answer_of_which_no_word_was_heard_becomes_what_was_kept_of_it():
    talk = ChatState()
    talk.ask("hm").cut = "Stopped."
    answer = talk.ask("tell me")
    answer.cut = "Stopped."
    talk.settle(answer, [kept("user", "hm"), kept("user", "tell me"), kept("assistant", "Once")])

    assert "Once" == answer.text


def test_a_stopped_answer_stays_as_it_was_heard_when_another_is_kept():
    heard = []
    for held in (
        [kept("user", "tell me")],
        [kept("user", "tell me"), kept("assistant", "An older answer")],
        [kept("user", "tell me"), kept("user", "Once upon a time")],
        [kept("user", "tell him"), kept("assistant", "Once upon a time")],
    ):
        talk = ChatState()
        answer = talk.ask("tell me")
        answer.text, answer.cut = "Once upon", "Stopped."
        talk.settle(answer, held)
        heard.append(answer.text)

    assert ["Once upon"] * 4 == heard


def test_an_answer_gathers_its_words_and_what_lay_beside_the_question():
    answer = ChatState().ask("hi")
    beside = {"generation": 2, "memories": [4, 5], "messages": [], "recall_tokens": 30, "kept": True}
    for one in (
        chunk(tsubasa=beside),
        chunk("Hel"),
        chunk("lo."),
        chunk(finish="length"),
        {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}},
    ):
        add_chunk(answer, one)

    assert "Hello." == answer.text
    assert (2, (4, 5), 30, 40, 2) == (
        answer.info.generation,
        answer.info.memories,
        answer.info.recall_tokens,
        answer.info.prompt_tokens,
        answer.info.answer_tokens,
    )
    assert "max_tokens" in answer.cut
