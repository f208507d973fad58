"""The bench that kills: what it counts as lost, doubled and not gone; and a few real kills."""

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.kill import IMPORTED, House, look
from store import chats, memories
from store.chats import NewMessage
from store.database import open_store
from store.keys import load_or_create_key

ROOT = Path(__file__).parents[2]


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    with closing(open_store(made.home.store, load_or_create_key(made.home.path, keyring="file"))) as db:
        for text in ("once", "twice", "twice", "heron 0 by the river"):
            chats.record(db, [NewMessage(role="user", text=text)], at=datetime.now(UTC))
            chats.record(db, [NewMessage(role="user", text=f"after {text}")], at=datetime.now(UTC))
        memories.add(db, "The user has a cat called Mog.", told_on=datetime.now(UTC).date(), sources=())
    return made


@pytest.mark.parametrize(
    ("ledger", "found"),
    [
        ({}, {}),
        ({"turns": ["once"], "memories": ["The user has a cat called Mog."], "gone": ["Rex"]}, {}),
        ({"turns": ["never"]}, {"lost": 1}),
        ({"memories": ["The user has a dog."]}, {"lost": 1}),
        ({"gone": ["Mog"]}, {"not gone": 1}),
        ({"imports": ["heron"]}, {"lost": IMPORTED - 1}),
    ],
)
def test_what_is_not_as_it_was_acknowledged_is_counted(house, ledger, found):
    for name, what in ledger.items():
        setattr(house.ledger, name, what)

    assert found == dict(+look(house, at_rest=True))


def test_a_turn_that_is_there_twice_is_doubled(house):
    with closing(open_store(house.home.store, load_or_create_key(house.home.path, keyring="file"))) as db:
        db.execute("update messages set text = 'once' where text = 'after once'")
    house.ledger.turns = ["once"]

    assert {"doubled": 1} == dict(+look(house, at_rest=True))


@pytest.mark.soak
def test_a_hundred_kills_lose_and_double_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "bench.kill", "--times", "100", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert json.loads(done.stdout)["kills"] >= 100
