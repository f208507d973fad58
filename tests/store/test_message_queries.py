"""What recall and the command line ask of the messages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from store import chats, forgetting, message_queries
from store.chats import NewMessage
from tests.store.sample import history, ids, later, say, texts, undone


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


class Client:
    """One chat page: what it shows, which is what it sends; the model always gives one of two answers."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def ask(self, db, text, *, turn, answer, minute):
        """Say something at this turn; what was said there before is dropped, as after an edit."""
        self.shown = [*self.shown[: 2 * turn], text]
        asked = chats.record(db, history(*self.shown), at=later(minutes=minute))[-1]
        chats.reply(db, asked, answer, at=later(minutes=minute), model="nano")
        self.shown.append(answer)


def listed(db):
    """Every chat that can be listed, page by page, and the texts of each of its branches."""
    found = [one for skip in range(0, 60, 2) for one in message_queries.latest_chats(db, 2, skip=skip)]
    return {
        chat.id: [
            message_queries.branch(db, chat.id, one.last) for one in message_queries.branches(db, chat.id)
        ]
        for chat in found
    }, found


TURNS = st.tuples(
    st.integers(0, 3),  # which client
    st.integers(0, 3),  # at which of its turns
    st.sampled_from(["hi", "and?", "I am Ann", "I am Bob"]),
    st.sampled_from(["hello", "well"]),
    st.sampled_from([0, 30]),  # minutes later
)


@settings(max_examples=40, deadline=None)
@given(turns=st.lists(TURNS, max_size=14))
def test_every_turn_is_in_exactly_one_chat_that_is_listed_and_on_a_branch_of_it(shared_db, turns):
    clients, minute = [Client() for _ in range(4)], 0
    with undone(shared_db):
        for who, turn, text, answer, waited in turns:
            minute += waited
            clients[who].ask(shared_db, text, turn=turn, answer=answer, minute=minute)
        branches, found = listed(shared_db)
        stored = [id for (id,) in shared_db.execute("select id from messages order by id")]

    shown = [id for of_chat in branches.values() for id in {id for way in of_chat for id in ids(way)}]
    assert stored == sorted(shown)
    ways = [texts(way) for of_chat in branches.values() for way in of_chat]
    assert all(
        any(client.shown == way[: len(client.shown)] for way in ways) for client in clients if client.shown
    )
    assert [len(branches[chat.id]) for chat in found] == [chat.n_branches for chat in found]


def test_two_chats_that_begin_alike_are_both_continued(db):
    for _ in range(2):
        say(db, "hi", "hello")
    for name in ("Ann", "Bob"):
        chats.record(db, history("hi", "hello", f"I am {name}"), at=later(minutes=1))

    shown = {
        texts(message_queries.branch(db, one.id))[-1]: one.n_branches
        for one in message_queries.latest_chats(db, 9)
    }
    assert {"I am Ann": 1, "I am Bob": 1} == shown


def test_a_client_that_always_sends_the_same_system_turn_begins_a_chat_of_its_own(db):
    system = NewMessage(role="system", text="Be brief.")
    one = chats.record(db, [system, *history("hi")], at=later())[-1]
    other = chats.record(db, [system, *history("said", "elsewhere", "before")], at=later(days=1))[-1]

    assert one.chat_id != other.chat_id


def test_a_chat_without_a_word_of_the_user_is_listed(db):
    asked = chats.record(db, [NewMessage(role="system", text="Tell a joke.")], at=later())[-1]
    chats.reply(db, asked, "A joke.", at=later(), model="nano")

    assert ["A joke."] == [one.title for one in message_queries.latest_chats(db, 9)]


def test_a_branch_is_named_by_what_only_it_holds(db):
    for last in ("in Ghent", "in Oslo"):
        chats.record(db, history("hi", "hello", "I live", "where?", last), at=later())
    (chat,) = message_queries.latest_chats(db, 9)
    found = message_queries.branches(db, chat.id)

    assert ["in Oslo", "in Ghent"] == [one.text for one in found]
    assert ["in Oslo", "in Ghent"] == [
        texts(message_queries.branch(db, chat.id, one.last))[-1] for one in found
    ]
    assert [] == message_queries.branch(db, chat.id, 99)
    assert [] == message_queries.branch(db, 99, found[0].last)
