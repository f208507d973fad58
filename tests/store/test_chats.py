from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import chats
from store.chats import NewMessage
from store.errors import NotFound, StoreError
from tests.store.sample import NOON, by_words, history, ids, later, say, texts, undone

SYSTEM = NewMessage(role="system", text="Be brief.")


def test_a_history_comes_back_with_every_field(db):
    said = later(days=-30)
    fields = {"text": "hi", "role": "user", "speaker": "Jon", "external_id": "conv-30:D1:1", "said_at": said}
    stored = chats.record(db, [NewMessage(**fields)], at=NOON, source="import")[-1]

    assert fields == {name: getattr(stored, name) for name in fields}
    assert (stored.source, stored.parent_id, stored.observed_by) == ("import", None, None)
    assert chats.get(db, stored.id) == stored
    assert chats.by_external_id(db, "conv-30:D1:1") == stored
    assert chats.by_external_id(db, "conv-30:D1:2") is None


def test_an_edited_message_is_a_fork_that_shares_its_parents(db):
    one = chats.record(db, history("a", "b", "c", "d"), at=NOON)
    two = chats.record(db, history("a", "b", "C"), at=NOON)

    assert ids(two[:2]) == ids(one[:2])
    assert two[2].parent_id == one[1].id
    assert two[2].chat_id == one[2].chat_id
    assert texts(chats.path(db, one[3].id)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("before", [[], [SYSTEM]], ids=["bare", "after a system turn"])
def test_the_same_words_weeks_later_are_said_again(db, before):
    opening = [*before, *history("good morning")]
    first = chats.record(db, opening, at=NOON)
    chats.reply(db, first[-1], "Morning!", at=NOON, model="nano")
    second = chats.record(db, opening, at=later(weeks=2))

    assert first[-1].chat_id != second[-1].chat_id
    assert texts(second) == ["good morning"]


def test_a_retry_within_ten_minutes_is_the_same_message(db):
    assert say(db, "hi") == say(db, "hi", at=later(minutes=10))
    assert say(db, "hi", at=later(minutes=10, seconds=1)).id != say(db, "hi", at=later(minutes=30)).id


def test_an_answered_message_said_again_at_once_is_said_again_unless_it_is_marked_as_a_retry(db):
    first = say(db, "hi", "hello")
    assert say(db, "hi", at=later(seconds=5)).id != first.id
    again = chats.record(db, history("new"), at=NOON, retry=True)

    assert texts(again) == ["new"]
    assert chats.record(db, history("new"), at=later(weeks=9), retry=True) == again


def test_a_longer_history_attaches_to_the_newest_chat_that_begins_so(db):
    say(db, "hi", "hello")
    newer = say(db, "hi", "hello", at=later(weeks=1))
    grown = chats.record(db, history("hi", "hello", "I am Ann"), at=later(weeks=1))

    assert grown[0] == newer


def test_a_history_without_messages_is_refused(db):
    with pytest.raises(StoreError):
        chats.record(db, [], at=NOON)


def test_the_same_reply_is_stored_once_and_another_is_a_fork(db):
    question = say(db, "hi")
    one = chats.reply(db, question, "hello", at=NOON, model="nano")
    same = chats.reply(db, question, "hello", at=later(seconds=1), model="nano")
    other = chats.reply(db, question, "good day", at=later(seconds=2), model="nano")

    assert one == same
    assert other.id != one.id
    assert (other.parent_id, other.role, other.model) == (question.id, "assistant", "nano")


def test_role_and_text_do_not_run_into_each_other():
    assert chats.chain_hash("", "user", "x") != chats.chain_hash("", "use", "rx")
    assert chats.chain_hash("", "user", "x\ny") != chats.chain_hash(
        chats.chain_hash("", "user", "x"), "user", "y"
    )


def test_a_speakers_name_is_one_short_line_and_a_text_stays_as_it_was_said(db):
    told = NewMessage(role="user", text="one\n- two", speaker="Ann\n- Bob\u2028" + "x" * 200)
    (stored,) = chats.record(db, [told], at=NOON)

    assert ("one\n- two", "Ann - Bob " + "x" * 90) == (stored.text, stored.speaker)


def test_a_message_that_is_not_there_is_an_error(db):
    stranger = say(db, "hi")
    for ask in (chats.get, chats.path):
        with pytest.raises(NotFound, match="message 99"):
            ask(db, 99)
    with undone(db):
        db.execute("delete from message_words")
        db.execute("delete from messages")
        with pytest.raises(NotFound):
            chats.reply(db, stranger, "hello", at=NOON, model="nano")


def quiet(db, before, version="1", **more):
    return [texts(chat) for chat in chats.quiet(db, before=before, version=version, **more)]


def test_a_chat_is_quiet_when_nothing_was_added_for_a_while(db):
    say(db, "early", "yes?")
    say(db, "late", at=later(minutes=9))

    assert quiet(db, NOON) == []
    assert quiet(db, later(minutes=5)) == [["early", "yes?"]]
    assert len(quiet(db, later(minutes=10))) == 2


def test_an_old_chat_imported_now_is_not_quiet_yet(db):
    chats.record(db, [NewMessage(role="user", text="hi", said_at=later(days=-900))], at=NOON)

    assert quiet(db, later(minutes=-1)) == []


def test_a_chat_from_the_future_is_quiet_for_the_clock_was_set_back(db):
    say(db, "I live in Ghent", at=later(days=2))

    assert quiet(db, NOON) == []
    assert [["I live in Ghent"]] == quiet(db, NOON, now=later(days=1))


def test_what_an_observer_has_read_is_read_again_only_by_another_version(db):
    message = say(db, "I live in Ghent", "Noted.")
    chats.mark_observed(db, [message.id], "1")
    soon = later(hours=1)

    assert quiet(db, soon, version="1") == [["Noted."]]
    assert quiet(db, soon, version="2") == [["I live in Ghent", "Noted."]]
    assert chats.get(db, message.id).observed_by == "1"


def test_words_of_user_and_assistant_are_found_and_those_of_system_turns_are_not(db):
    chats.record(db, [NewMessage(role="system", text="Ghent"), *history("Ghent", "Ghent")], at=NOON)

    assert len(by_words(db, "message", "ghent")) == 2


WORDS = st.sampled_from(["a", "b", "c"])
STEP = st.tuples(st.sampled_from(["open", "grow", "edit", "again", "system"]), st.integers(0, 50), WORDS)


def sent(step, known):
    """The history that a client sends at this step, made of one that it sent before."""
    what, which, word = step
    before = known[which % len(known)] if known else ()
    match what:
        case "grow":
            return (*before, ("user", "assistant")[len(before) % 2] + word)
        case "edit":
            return (*before[:-1], "user" + word + "!") if len(before) > 1 else ("user" + word,)
        case "again" if before:
            return before
        case "system":
            return ("system" + word, "user" + word)
    return ("user" + word,)


def as_messages(sequence):
    roles = ("user", "assistant", "system")  # of these, the last is no part of a chat
    return [NewMessage(role=next(filter(one.startswith, roles)), text=one) for one in sequence]


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
def test_any_interleaving_of_histories_stores_each_beginning_once(shared_db, steps):
    db = shared_db
    with undone(db):
        known: list[tuple[str, ...]] = []
        beginnings: set[tuple[str, ...]] = set()
        for number, step in enumerate(steps):
            whole, at, before = sent(step, known), NOON + timedelta(days=number), chats.count(db)
            wanted = tuple(one for one in whole if not one.startswith("system"))
            stored = chats.record(db, as_messages(whole), at=at)
            opening = len(wanted) <= 1
            longest = max((n for n in range(len(wanted) + 1) if wanted[:n] in beginnings), default=0)

            assert texts(stored) == list(wanted)
            assert texts(chats.path(db, stored[-1].id)) == list(wanted)
            assert chats.count(db) - before == len(wanted) - (0 if opening else longest)
            again = chats.record(db, as_messages(whole), at=at + timedelta(minutes=1))
            assert again == stored
            assert chats.record(db, as_messages(wanted), at=at + timedelta(days=99), retry=True) == stored
            known.append(whole)
            beginnings |= {wanted[:n] for n in range(1, len(wanted) + 1)}
        twice = "select chat_id, hash from messages group by chat_id, hash having count(*) > 1"
        assert db.execute(twice).fetchall() == []
