"""The watcher beside a daemon: what it sees, does and tells."""

import threading

import pytest

from daemon.client.client import Client
from daemon.errors import DaemonError, NotRunning
from tests.daemon.api.world import KEY
from tests.tray.samples import CONFIRMATION, GENERATIONS, TROUBLE, progress, told
from tray.state import Action
from tray.watch import Watcher


class FakeStart:
    """A start that is noted, and may fail."""

    def __init__(self):
        self.begun = 0
        self.failure = None

    def begin(self):
        self.begun += 1

    def is_under_way(self):
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return self.begun > 0


class FakeClient(Client):
    """A daemon that tells what it is told to."""

    def __init__(self):
        self.found = told()
        self.asked = []
        self.listed = 0
        self.failure = None

    def status(self):
        if self.failure is not None:
            raise self.failure
        return self.found

    def generations(self):
        self.listed += 1
        return GENERATIONS

    def confirmations(self):
        return {"confirmations": [CONFIRMATION][: self.found["confirmations"]]}

    def logging(self, *, on, for_minutes=None):
        self.asked.append((on, for_minutes))
        return {}

    def close(self):
        pass


class Watched:
    """A watcher, and what came of it."""

    def __init__(self, connect):
        self.shown, self.told, self.opened, self.left = [], [], [], threading.Event()
        self.start = FakeStart()
        self.watcher = Watcher(
            connect,
            show=self.shown.append,
            notify=self.told.append,
            start=self.start,
            leave=self.left.set,
            browse=self.opened.append,
        )

    def does(self, *actions):
        """Have these done, one after the other, and end."""
        for does, to in actions:
            self.watcher.ask(Action(does=does, to=to))
        self.watcher.stop()
        self.watcher.run()
        return self


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def watched(client):
    return Watched(lambda: client)


def nobody():
    raise NotRunning("/home", "it has not announced itself")


def test_a_daemon_that_is_not_there_can_be_started():
    watched = Watched(nobody).does(("start", ""))

    assert ["down", "down"] == [view.look for view in watched.shown]
    assert "Tsubasa is starting…" == watched.shown[-1].title
    assert (1, []) == (watched.start.begun, watched.told)


def test_a_start_that_failed_is_told_once():
    watched = Watched(nobody)
    watched.start.failure = DaemonError("Tsubasa did not start.")
    looks = [watched.watcher.look() for _ in range(2)]

    assert ["Tsubasa did not start."] == watched.told
    assert [False, False] == [seen.starting for seen in looks]


def test_a_daemon_that_comes_back_is_seen_again(client):
    there = iter([client, client])
    watched = Watched(lambda: next(there))
    client.failure = NotRunning("/home", "gone")
    first = watched.watcher.look()
    client.failure = None

    assert (None, "ready") == (first.status, watched.does().shown[-1].look)


def test_what_fails_is_told_and_the_icon_goes_on():
    watched = Watched(nobody).does(("open", "/"), ("night", ""))

    assert 2 == len(watched.told)
    assert all("No daemon answers" in text for text in watched.told)


@pytest.mark.parametrize(
    ("found", "told_of"),
    [
        ([told(confirmations=1)] * 3, [CONFIRMATION["says"]]),  # once
        (
            [told(attention=attention) for attention in ((), (TROUBLE,), (TROUBLE,), (), (TROUBLE,))],
            [TROUBLE["what"]] * 2,
        ),
        ([told(attention=(TROUBLE,))], []),  # it was there before the icon, which shows it
    ],
    ids=["a permission is asked for", "a trouble comes, goes and comes back", "a trouble was there"],
)
def test_what_is_new_is_told_once(watched, client, found, told_of):
    for client.found in found:
        watched.watcher.look()

    assert len(told_of) == len(watched.told)
    assert all(text.startswith(begin) for text, begin in zip(watched.told, told_of, strict=True))


def test_generations_are_listed_when_they_may_have_changed(watched, client):
    for found in (told(), told(), told(generation=3), told(generation=3, night=progress(1, 2)), told()):
        client.found = found
        watched.watcher.look()

    assert 4 == client.listed


def test_a_real_daemon_does_what_the_menu_asks(home):
    watched = Watched(home.client).does(("pause", "0"), ("use", "0"), ("night", ""), ("resume", ""))
    status = home.ask("status")

    assert ["ready", "paused", "paused", "paused", "ready"] == [view.look for view in watched.shown]
    assert (True, 0) == (status["logging"]["on"], status["generation"])
    assert home.ask("nights")["job"]["kind"] == "night"


def test_a_permission_is_given_or_refused_from_the_menu(home):
    with home.client() as client:
        kept, gone = (client.add(text)["memory"]["id"] for text in ("I live in Ghent.", "I like tea."))
        ids = [
            client.ask_to("forget", [id], asked_by="An editor")["confirmation"]["id"] for id in (kept, gone)
        ]
    watched = Watched(home.client).does(("refuse", ids[0]), ("allow", ids[1]))

    held = {memory["id"] for memory in home.ask("memories")["memories"]}
    assert (True, False) == (kept in held, gone in held)
    assert ["asked", "asked", "ready"] == [view.look for view in watched.shown]
    assert 2 == len(watched.told[-2:])


def test_what_was_allowed_may_take_longer_than_a_look(home):
    """Forgetting stops answers and probes the weights first; the icon did say that no daemon answers."""
    with home.client() as client:
        tea = client.add("I like tea.")["memory"]["id"]
        id = client.ask_to("forget", [tea], asked_by="An editor")["confirmation"]["id"]
    watched = Watched(lambda: home.client(patience_s=2))
    with home.held_up(4):
        watched.does(("allow", id))

    assert "Done." == watched.told[-1]
    assert tea not in {memory["id"] for memory in home.ask("memories")["memories"]}


def test_a_permission_that_was_decided_elsewhere_is_told_so(home):
    watched = Watched(home.client).does(("allow", "no-such-request"))

    assert 1 == len(watched.told)
    assert "no-such-request" in watched.told[0]


def test_a_wrong_key_is_shown_as_no_daemon_and_not_raised(home, tmp_path):
    watched = Watched(lambda: Client(home.world.url, KEY + "x", home=tmp_path))

    assert watched.does().shown[0] == Watched(nobody).does().shown[0]


def test_a_pause_is_for_as_long_as_was_chosen_and_closing_is_passed_on(watched, client):
    watched.does(("pause", "30"), ("pause", "0"), ("quit", ""))

    assert ([(False, 30), (False, None)], []) == (client.asked, watched.told)
    assert watched.left.is_set()
