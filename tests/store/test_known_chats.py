"""A chat stays one chat, however a client sends its history: cut, compacted, with other white space or system turns."""

import time
from datetime import timedelta

import pytest

from store import chats, import_undo, imports, known_chats
from store.chats import NewMessage
from store.database import writing
from tests.store.sample import NOON, later

SAID = [
    ("user", "Hello, I live in Ghent and teach at a school."),
    ("assistant", "Nice to meet you. What do you teach there?"),
    ("user", "Physics, to children of twelve."),
    ("assistant", "That must be fun. Which experiments do they like?"),
    ("user", "The ones that go bang."),
    ("assistant", "Of course they do, and so do teachers, I believe."),
]
NEXT = ("user", "Which one shall I show on Monday?")
SYSTEM, OTHER = ("system", "It is 9:14."), ("system", "It is 9:15. Be brief.")
SUMMARY = ("user", "Summary of what was said so far: a teacher in Ghent looks for experiments.")


def record(db, *turns, at=NOON, **more):
    return chats.record(db, [NewMessage(role=role, text=text) for role, text in turns], at=at, **more)


def spoken(db):
    return db.execute("select role, text from messages order by id").fetchall()


SENT = {
    "as it was": [*SAID, NEXT],
    "with another system turn": [OTHER, *SAID, NEXT],
    "with system turns in between": [SYSTEM, *SAID[:2], OTHER, *SAID[2:], OTHER, NEXT],
    "without its first two turns": [*SAID[2:], NEXT],
    "from an answer on": [*SAID[3:], NEXT],
    "compacted into a summary": [SYSTEM, SUMMARY, *SAID[4:], NEXT],
    "with a summary said by the assistant": [("assistant", SUMMARY[1]), *SAID[4:], NEXT],
    "with a gap": [*SAID[:2], *SAID[4:], NEXT],
    "an answer without its last blank": [*SAID[:5], ("assistant", SAID[5][1] + "\n "), NEXT],
    "other white space everywhere": [*((role, f" {text.replace(' ', '  ')}\n") for role, text in SAID), NEXT],
}


@pytest.mark.parametrize("case", SENT)
def test_a_history_sent_in_any_shape_adds_its_new_turn_and_nothing_else(db, case):
    last = record(db, SYSTEM, *SAID)[-1]
    stored = record(db, *SENT[case], at=later(hours=3))

    assert [*SAID, NEXT] == spoken(db)
    assert (last.id, last.chat_id) == (stored[-1].parent_id, stored[-1].chat_id)


def test_the_output_of_tools_may_change_and_is_kept_where_it_was_new(db):
    call, output, answer = ("assistant", "<tool_call>\n{}\n</tool_call>"), ("tool", "12 degrees"), SAID[1]
    record(db, SAID[0], call, output)
    record(db, SAID[0], call, output, answer, NEXT)
    record(db, SAID[0], call, ("tool", "[cleared]"), answer, NEXT, ("assistant", "Potassium."), SAID[2])
    record(db, SAID[0], call, output, answer, NEXT, ("assistant", "Potassium."), SAID[2])

    assert [SAID[0], call, output, answer, NEXT, ("assistant", "Potassium."), SAID[2]] == spoken(db)


def test_a_question_asked_again_for_another_answer_is_stored_once(db):
    record(db, *SAID[:2])
    again = record(db, SAID[0], at=later(minutes=2))[-1]
    chats.reply(db, again, "Another answer.", at=later(minutes=2), model="nano")
    weeks_later = record(db, SAID[0], at=later(weeks=2))[-1]

    assert [*SAID[:2], ("assistant", "Another answer."), SAID[0]] == spoken(db)
    assert again.chat_id != weeks_later.chat_id


def test_small_talk_in_the_middle_does_not_join_two_chats(db):
    first = record(db, *SAID[:2], ("user", "thanks"), ("assistant", "You're welcome!"))[-1]
    other = record(db, ("user", "thanks"), ("assistant", "You're welcome!"), NEXT)[-1]

    assert first.chat_id != other.chat_id


def test_a_greeting_of_the_page_before_the_first_word_begins_no_old_chat(db):
    greeting = ("assistant", "Hello! How can I help you today? Ask me anything.")
    one = record(db, greeting, SAID[0])[-1]
    chats.reply(db, one, SAID[1][1], at=NOON, model="nano")
    other = record(db, greeting, NEXT, at=later(days=1))[-1]

    assert one.chat_id != other.chat_id


def test_an_edit_far_back_is_a_fork_there(db):
    record(db, *SAID)
    edited = [
        *SAID[:2],
        ("user", "Chemistry, to adults."),
        ("assistant", "Oh! Why chemistry of all things?"),
        NEXT,
    ]
    record(db, *edited, at=later(hours=1))

    assert [*SAID, *edited[2:]] == spoken(db)


def test_a_message_that_was_taken_back_is_known_no_more(db):
    sessions = [[NewMessage(role=role, text=text, said_at=NOON) for role, text in SAID]]
    report = imports.record_import(db, "d" * 64, "a.json", sessions, NOON)
    assert known_chats.find(db, SAID)
    import_undo.undo_import(db, report.id)

    assert known_chats.find(db, SAID) is None


def test_it_is_found_at_once_among_years_of_small_talk(db):
    with writing(db):
        for number in range(80):
            said = [
                ("user", f"ok {number}"),
                ("assistant", "Good."),
                ("user", "thanks"),
                ("assistant", "Bye."),
            ]
            record(db, *said)
    history = [*(("user", "thanks"), ("assistant", "Bye.")) * 30, NEXT]
    began = time.process_time()
    record(db, *history, at=NOON + timedelta(days=1))

    assert time.process_time() - began < 1.0
