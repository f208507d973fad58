import pytest

from store import chats, imports, memories, tombstones
from store.chats import NewMessage
from tests.store.sample import NOON, TOWN, assert_gone, everything, history, later, remember, say, texts

TOLD = ("hi", "Hello!", f"I live in {TOWN}", f"{TOWN}, nice!")


@pytest.fixture
def forgotten(db):
    """A chat in which a town was told, and forgotten since."""
    path = chats.record(db, history(*TOLD), at=NOON)
    memories.forget(db, [remember(db, f"The user lives in {TOWN}.", path[2]).id])
    return path


def unread(db):
    return [one.text for chat in chats.quiet(db, before=later(days=99), version="9") for one in chat]


def chats_held(db):
    return db.execute("select count(*) from chats").get


def test_a_client_that_sends_its_whole_history_again_brings_nothing_back(db, forgotten):
    path = chats.record(db, history(*TOLD, "It rains today"), at=later(days=1))

    assert_gone(db)
    assert [one.id for one in forgotten] == [one.id for one in path[:-1]]
    assert ["hi", "Hello!", "[forgotten]", "[forgotten]", "It rains today"] == texts(path)
    assert 1 == chats_held(db)


def test_a_first_message_that_was_forgotten_is_found_again(db):
    told = say(db, f"I live in {TOWN}", "Noted.")
    memories.forget(db, [remember(db, f"The user lives in {TOWN}.", told).id])
    path = chats.record(db, history(told.text, "Noted.", "and now?"), at=later(days=1))

    assert (told.id, told.chat_id, 1) == (path[0].id, path[2].chat_id, chats_held(db))
    assert_gone(db)


def sent_again(*shown):
    return lambda db: chats.record(db, history(*shown, "It rains today"), at=later(days=1))


def imported(db):
    session = [NewMessage(role="user", text=text) for text in (TOLD[2], "It rains today")]
    imports.record_import(db, "d", "export.json", [session], later(days=1))


@pytest.mark.parametrize(
    "bring",
    [
        pytest.param(sent_again(*TOLD[2:]), id="a history that was cut"),
        pytest.param(sent_again("hello", "Hi!", *TOLD[2:]), id="one that begins otherwise"),
        pytest.param(sent_again("hi", "Hello!", TOLD[2], f"Oh, {TOWN}!"), id="one with another answer"),
        pytest.param(imported, id="the same words in an import"),
    ],
)
def test_what_was_forgotten_is_not_brought_back_by(db, forgotten, bring):
    bring(db)

    assert_gone(db)
    assert "It rains today" in unread(db)


def test_a_later_turn_of_such_a_chat_adds_only_itself(db, forgotten):
    cut = history(*TOLD[2:], "It rains today", "Yes.", "Still?")
    chats.record(db, cut[:3], at=later(days=1))
    held = chats.count(db)
    chats.record(db, cut, at=later(days=1))

    assert held + 2 == chats.count(db)
    assert_gone(db)


def test_a_reply_that_the_client_saw_but_the_store_did_not_keep_is_not_brought_back(db):
    told = say(db, f"I live in {TOWN}")
    memories.forget(db, [], messages=[told.id])
    late = chats.reply(db, told, f"So, {TOWN}!", at=NOON, model="nano")
    held = chats.count(db)
    chats.record(db, history(told.text, f"So, {TOWN}!", "bye"), at=later(days=1))

    assert ("[forgotten]", held + 1) == (late.text, chats.count(db))
    assert_gone(db)


def test_what_was_forgotten_can_be_told_again(db, forgotten):
    again = say(db, TOLD[2], f"{TOWN}, nice!", at=later(days=1))
    path = chats.record(db, history(*TOLD[2:], "It rains today"), at=later(days=1))

    assert (TOLD[2], again.id, again.chat_id) == (again.text, path[0].id, path[0].chat_id)
    assert TOLD[2] in unread(db)


def test_a_yes_that_told_something_stays_a_yes_elsewhere(db):
    yes = say(db, "yes", "Fine.")
    memories.forget(db, [], messages=[yes.id])
    chats.record(db, history("Rain?", "Shall I look?", "yes", "Fine.", "thanks"), at=later(days=1))

    assert {"yes", "Fine."} <= set(unread(db))


def test_forgetting_twice_in_one_chat_keeps_it_whole(db, forgotten):
    memories.forget(db, [], messages=[forgotten[0].id])
    path = chats.record(db, history(*TOLD, "It rains today"), at=later(days=1))

    assert [*["[forgotten]"] * 4, "It rains today"] == texts(path)
    assert 5 == chats.count(db)


def test_a_mark_tells_nothing_without_the_secret_of_the_store(db, forgotten):
    before = tombstones.mark(db, "user", TOLD[2])
    db.execute("update tombstone_secret set secret = randomblob(32)")

    assert before in everything(db)
    assert before != tombstones.mark(db, "user", TOLD[2])
