"""Work that is tried and undone."""

import pytest

from store import chats
from store.dry_run import dry_run
from tests.store.sample import NOON, history, say


def test_a_dry_run_tells_what_would_be_and_leaves_nothing(db):
    say(db, "I live in Ghent.")
    found = dry_run(db, chats.record, history("I sing."), at=NOON)

    assert (["I sing."], 1) == ([one.text for one in found], chats.count(db))
    assert say(db, "I dance.").id == found[0].id  # not even a number was used up


def test_what_the_work_raises_comes_through(db):
    def fails(db):
        say(db, "I sing.")
        raise LookupError

    with pytest.raises(LookupError):
        dry_run(db, fails)

    assert 0 == chats.count(db)
