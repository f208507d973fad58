from datetime import date

import pytest

from daemon.memory import manual_edits
from daemon.memory.errors import HeldAlready, NothingSaid
from store import memories
from store.errors import NotHeld

TODAY = date(2026, 11, 1)


def test_a_statement_of_the_users_own_holds_since_the_day_given(db):
    one = manual_edits.add(db, "The user has\n a dog.", today=TODAY)
    two = manual_edits.add(db, "The user has a cat.", today=TODAY, since=date(2020, 1, 1))

    assert ("The user has a dog.", "user", TODAY, TODAY) == (one.text, one.trust, one.told_on, one.valid_from)
    assert date(2020, 1, 1) == two.valid_from
    assert [()] == [event.sources for event in memories.events(db, one.id)]


def test_an_edit_is_an_update_and_keeps_the_first_day(db):
    old = manual_edits.add(db, "The user has a dog.", today=TODAY, since=date(2020, 1, 1))
    new = manual_edits.edit(db, old.id, "The user has a dog called Rex.", today=TODAY)

    assert date(2020, 1, 1) == new.valid_from
    assert [new] == memories.holding(db)
    assert ["UPDATE"] == [event.op for event in memories.events(db, new.id)]
    assert old == memories.undo(db, new.id, today=TODAY).restored


def test_what_says_nothing_new_is_refused_but_another_spelling_is_not(db):
    dog = manual_edits.add(db, "The user has a dog.", today=TODAY)
    cat = manual_edits.add(db, "The user has a cat.", today=TODAY)
    with pytest.raises(HeldAlready, match="memory 1 says that already"):
        manual_edits.add(db, "the user has a dog", today=TODAY)
    with pytest.raises(HeldAlready, match="memory 1 says that already"):
        manual_edits.edit(db, cat.id, "The user has a dog!", today=TODAY)
    with pytest.raises(HeldAlready, match="memory 2 says that already"):
        manual_edits.edit(db, cat.id, "The user has a cat.", today=TODAY)
    for empty in ("", " \n", "?!"):
        with pytest.raises(NothingSaid):
            manual_edits.add(db, empty, today=TODAY)
    spelled = manual_edits.edit(db, dog.id, "The user has a DOG.", today=TODAY)
    with pytest.raises(NotHeld):
        manual_edits.edit(db, dog.id, "The user has a wolf.", today=TODAY)

    assert ["The user has a cat.", "The user has a DOG."] == [one.text for one in memories.holding(db)]
    assert spelled.id == 3
