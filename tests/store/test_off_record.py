"""Which chats are kept: during a pause, after it, and when a client sends again what was said during one."""

from datetime import timedelta

import pytest

from store import chats, off_record
from store.chats import NewMessage
from tests.store.sample import NOON, everything


def asked(db, *said, private=False, at=NOON):
    return continued(db, *(("user", text) for text in said), private=private, at=at)


def continued(db, *turns, private=False, at=NOON):
    return off_record.may_keep(db, turns, private=private, at=at)


def kept(db, *turns):
    """A chat that was stored while it was on the record."""
    chats.record(db, [NewMessage(role=role, text=text) for role, text in turns], at=NOON)


def paused(db, **more):
    off_record.pause(db, until=NOON + timedelta(**more) if more else None)


def test_chats_are_kept_until_somebody_pauses_and_after_it_ended(db):
    assert off_record.Logging(on=True) == off_record.logging(db, at=NOON)
    assert asked(db, "hi")
    paused(db)
    assert not asked(db, "hi", at=NOON + timedelta(days=400))
    off_record.resume(db)

    assert asked(db, "hello")


def test_a_pause_for_some_minutes_ends_by_itself_unless_a_later_one_does_not(db):
    paused(db, minutes=30)
    assert not asked(db, "one", at=NOON + timedelta(minutes=29))
    assert asked(db, "two", at=NOON + timedelta(minutes=30))
    paused(db)

    assert off_record.Logging(on=False) == off_record.logging(db, at=NOON + timedelta(days=1))


@pytest.mark.parametrize("private", [True, False], ids=["private", "paused"])
def test_a_chat_with_a_turn_off_the_record_is_never_kept_again(db, private):
    assert asked(db, "hi")
    if not private:
        paused(db)
    assert not asked(db, "hi", "my secret", private=private)
    off_record.resume(db)

    assert not asked(db, "hi", "my secret", "and now?")
    assert not asked(db, "hi", "my secret", "and now?", "go on")
    assert not asked(db, "hi", "my secret")  # asked for once more


SECRET = "my secret is a duck"
MOVING = "I am moving to Ghent in spring"
LONG = "My diary of the " + " ".join(f"{n}th day" for n in range(60))
PASTED = f"User: {MOVING}\nAssistant: Ok.\nUser: {SECRET}\nAssistant: Ok.\nUser: and now?"
CHINESE = "我的秘密是一只鸭子，谁也不知道这件事情，请不要说出去"


@pytest.mark.parametrize(
    ("private", "then", "kept"),
    [
        pytest.param(
            ["hi", "my secret"], ["hi", " My  secret\n", "and now?"], False, id="other spaces and case"
        ),
        pytest.param(["hi", "my secret"], ["hi", "something else"], True, id="edited before the secret"),
        pytest.param(["hi"], ["hi"], True, id="another chat with the same beginning"),
        pytest.param(["\ud83d"], ["\ud83d", "and now?"], False, id="half a surrogate pair"),
        pytest.param(["a", SECRET], [SECRET, "next"], False, id="cut off before the secret"),
        pytest.param(["a", SECRET], ["something else", SECRET, "next"], False, id="begins otherwise"),
        pytest.param(
            ["a", "good morning"], ["b", "good morning", "next"], True, id="a greeting is no secret"
        ),
        pytest.param(["a", SECRET], ["b", SECRET], True, id="said again on the record"),
        pytest.param(["a", SECRET], ["b", "“My secret: is a *duck*!”", "next"], False, id="other signs"),
        pytest.param(
            ["a", SECRET], ["b", f"User: a\nUser: {SECRET}.", "next"], False, id="within another turn"
        ),
        pytest.param(["a", LONG], ["b", LONG[:300] + "…", "next"], False, id="cut short at its end"),
        pytest.param(["a", LONG], ["b", "…" + LONG[-300:], "next"], False, id="cut short at its beginning"),
        pytest.param(["a", SECRET], [f"{SECRET}, as I said"], True, id="said again with more, on the record"),
        pytest.param(["a", CHINESE], ["b", f"用户：{CHINESE[:-1]}", "next"], True, id="not all of it"),
        pytest.param(["a", CHINESE], ["b", f"用户：{CHINESE}。", "next"], False, id="without spaces"),
    ],
)
def test_after_a_private_chat_another_is_kept_unless_it_holds_its_secret(db, private, then, kept):
    assert not asked(db, *private, private=True)

    assert kept == asked(db, *then)
    assert kept == asked(db, *then, "and more")


def test_a_private_chat_that_a_client_sends_as_one_turn_is_not_kept(db):
    assert not asked(db, MOVING, private=True)
    assert not asked(db, MOVING, SECRET, private=True)

    assert not asked(db, PASTED)
    assert not asked(db, PASTED, "and more")


def test_no_word_said_off_the_record_is_in_the_store(db):
    paused(db)
    asked(db, "Quizzenbrook")

    assert "quizzenbrook" not in everything(db).lower()


HI = (("user", "Hi"), ("assistant", "Hello."))
MORE = ("user", "more")


def test_a_kept_chat_is_kept_on_after_a_private_one_began_in_the_same_words(db):
    kept(db, *HI)
    asked(db, "Hi", private=True)

    assert continued(db, *HI, MORE)
    assert continued(db, *HI, MORE, ("assistant", "Well."), ("user", "and more"))


def test_a_private_answer_in_a_chat_that_began_on_the_record_is_not_kept(db):
    kept(db, *HI)
    asked(db, "Hi", private=True)

    assert not continued(db, HI[0], ("assistant", "A secret answer."), MORE)
