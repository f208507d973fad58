"""Titles and pins of chats, and what is left of them once something is forgotten."""

import pytest

from store import chat_labels, chats, import_undo, imports, memories, message_queries
from store.chats import FORGOTTEN, NewMessage
from store.database import open_store
from store.errors import NotFound
from store.export import take_out
from store.restore import put_in
from tests.store.sample import KEY, NOON, history, later, remember, say


def titles(db):
    return [one.title for one in message_queries.latest_chats(db, 9)]


def test_a_chat_is_called_by_its_first_words_until_somebody_names_it(db):
    chat = say(db, "I have leeks", "Soup.").chat_id
    before = titles(db)
    chat_labels.rename(db, chat, " Dinner\nfor two ")
    named = titles(db)
    chat_labels.rename(db, chat, "")

    assert (["I have leeks"], ["Dinner for two"], ["I have leeks"]) == (before, named, titles(db))


def test_what_the_user_called_a_chat_the_model_leaves(db):
    chat = say(db, "I have leeks", "Soup.").chat_id
    chat_labels.rename(db, chat, "Mine")
    chat_labels.rename(db, chat, "Leeks", by=chat_labels.MODEL)

    assert ["Mine"] == titles(db)


def test_a_chat_that_the_model_found_no_title_for_is_not_tried_again(db):
    one, other = (say(db, text, "Yes.").chat_id for text in ("one", "other"))
    say(db, "no answer yet")
    before = chat_labels.untitled(db, before=later(hours=1), n=9)
    chat_labels.rename(db, other, "", by=chat_labels.MODEL)

    assert ([other, one], [one]) == (before, chat_labels.untitled(db, before=later(hours=1), n=9))
    assert [] == chat_labels.untitled(db, before=NOON, n=9)


def test_a_pinned_chat_stays_on_top(db):
    old = say(db, "old", "Yes.").chat_id
    say(db, "new", "Yes.", at=later(hours=1))
    chat_labels.pin(db, old, True)
    pinned = titles(db)
    chat_labels.pin(db, old, False)

    assert (["old", "new"], ["new", "old"]) == (pinned, titles(db))


def test_a_chat_that_is_not_there_can_not_be_named(db):
    with pytest.raises(NotFound):
        chat_labels.rename(db, 7, "x")
    with pytest.raises(NotFound):
        chat_labels.pin(db, 7, True)


def test_every_change_that_a_list_of_chats_shows_is_told(db):
    seen = [chat_labels.changes(db)]
    message = say(db, "My secret is Xanadu.", "I see.")
    seen.append(chat_labels.changes(db))
    chat_labels.rename(db, message.chat_id, "Secret")
    seen.append(chat_labels.changes(db))
    chat_labels.pin(db, message.chat_id, True)
    seen.append(chat_labels.changes(db))
    memories.forget(db, messages=[message.id])
    seen.append(chat_labels.changes(db))

    assert len(seen) == len(set(seen))
    assert seen[-1] == chat_labels.changes(db)


def test_a_title_goes_with_what_was_forgotten_of_its_chat(db):
    told, other = say(db, "My secret is Xanadu.", "I see."), say(db, "Hello there", "Hello.")
    chat_labels.rename(db, told.chat_id, "Xanadu")
    chat_labels.rename(db, other.chat_id, "Elsewhere: my secret is Xanadu.")
    memories.forget(db, messages=[told.id])

    assert 0 == db.execute("select count(*) from chat_labels where title like '%xanadu%'").get


def test_a_whole_chat_is_forgotten_and_the_same_words_elsewhere_stay(db):
    question = "What should I cook with leeks tonight?"
    gone = say(db, question, "A soup, and my aunt Ottilie comes.")
    stays = say(db, question, "A quiche.", at=later(hours=1))
    memory = remember(db, "The user has leeks.", gone)
    report = memories.forget(db, chats=[gone.chat_id])

    assert (2, (memory.id,)) == (report.messages, report.kept_memories)
    assert {FORGOTTEN} == {one.text for one in message_queries.of_chat(db, gone.chat_id)}
    assert [question, "A quiche."] == [one.text for one in message_queries.of_chat(db, stays.chat_id)]
    assert [stays.chat_id] == [one.id for one in message_queries.latest_chats(db, 9)]


def test_messages_that_stand_in_one_place_are_siblings(db):
    first = say(db, "one", "answer a")
    other = chats.reply(db, first, "answer b", at=NOON, model="nano")
    chats.record(db, history("one", "answer b", "on"), at=NOON)
    found = message_queries.siblings(db, first.chat_id)

    assert [other.id - 1, other.id] == found[other.id] == found[other.id - 1]
    assert 2 == len(found)


def test_an_imported_chat_has_the_title_that_its_export_gave_it(db):
    session = [
        NewMessage(role="user", text="hi", chat_title="Garden plans"),
        NewMessage(role="assistant", text="hello"),
    ]
    done = imports.record_import(db, "d1", "one.json", [session], NOON)
    named = titles(db)
    import_undo.undo_import(db, done.id)

    assert ["Garden plans"] == named
    assert 0 == db.execute("select count(*) from chat_labels where title is not null").get


def test_labels_are_in_an_archive_and_come_back_with_it(db, tmp_path):
    chat = say(db, "I have leeks", "Soup.").chat_id
    chat_labels.rename(db, chat, "Dinner")
    chat_labels.pin(db, chat, True)
    other = open_store(tmp_path / "other.db", KEY)
    put_in(other, take_out(db))
    (found,) = message_queries.latest_chats(other, 9)
    other.close()

    assert ("Dinner", "user", True) == (found.title, found.title_by, found.pinned)
