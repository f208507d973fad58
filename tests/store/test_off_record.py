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


def test_chats_are_kept_unless_somebody_pauses(db):
    assert off_record.Logging(on=True) == off_record.logging(db, at=NOON)
    assert asked(db, "hi")


def test_no_chat_is_kept_until_the_pause_is_ended(db):
    paused(db)
    before = asked(db, "hi", at=NOON + timedelta(days=400))
    off_record.resume(db)

    assert (False, True) == (before, asked(db, "hello"))


def test_a_pause_for_some_minutes_ends_by_itself(db):
    paused(db, minutes=30)

    assert not asked(db, "one", at=NOON + timedelta(minutes=29))
    assert asked(db, "two", at=NOON + timedelta(minutes=30))


def test_the_latest_pause_counts(db):
    paused(db, minutes=30)
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


def test_spaces_and_letter_case_do_not_bring_a_secret_back(db):
    asked(db, "hi", "my secret", private=True)

    assert not asked(db, "hi", " My  secret\n", "and now?")


def test_another_chat_with_the_same_beginning_is_kept(db):
    asked(db, "hi", private=True)

    assert asked(db, "hi")  # a new chat, on the record
    assert asked(db, "hi", "how are you?")


def test_a_chat_that_was_edited_before_its_secret_is_kept(db):
    asked(db, "hi", "my secret", private=True)

    assert asked(db, "hi", "something else")


def test_no_word_said_off_the_record_is_in_the_store(db):
    paused(db)
    asked(db, "Quizzenbrook")

    assert "quizzenbrook" not in everything(db).lower()


def test_half_a_surrogate_pair_is_no_reason_to_fail(db):
    assert not asked(db, "\ud83d", private=True)
    assert not asked(db, "\ud83d", "and now?")


SECRET = "my secret is a duck"


@pytest.mark.parametrize("before", [(), ("something else",)], ids=["cut off", "edited"])
def test_a_secret_does_not_come_back_with_a_history_that_begins_otherwise(db, before):
    asked(db, "a", SECRET, private=True)

    assert not asked(db, *before, SECRET, "next")
    assert not asked(db, *before, SECRET, "next", "and more")


def test_a_greeting_in_a_private_chat_keeps_no_other_chat_from_being_kept(db):
    asked(db, "a", "good morning", private=True)

    assert asked(db, "b", "good morning", "next")


def test_what_is_said_again_on_the_record_is_no_secret_any_more(db):
    asked(db, "a", SECRET, private=True)

    assert asked(db, "b", SECRET)
    assert asked(db, "b", SECRET, "next")


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
