"""What recall and the command line ask of the messages."""

from store import chats, forgetting, message_queries
from tests.store.sample import later, say


def test_what_was_typed_last_comes_once_each_and_oldest_first(db):
    for days, text in enumerate(["one", "two", "one", "   ", "three"]):
        say(db, text, at=later(days=days))

    assert ["two", "one", "three"] == message_queries.typed_texts(db, 10)
    assert ["one", "three"] == message_queries.typed_texts(db, 2)


def test_answers_imports_and_what_was_forgotten_were_not_typed(db):
    said = say(db, "mine", at=later())
    chats.reply(db, said, "an answer", at=later(), model="tsubasa@0")
    gone = say(db, "forget me", at=later(days=1))
    forgetting.forget(db, [], messages=[gone.id])

    assert ["mine"] == message_queries.typed_texts(db, 10)
