"""What we ask of pystray, by its dummy backend: the same calls as on every desktop."""

import os
import queue

import pytest

os.environ.setdefault("PYSTRAY_BACKEND", "dummy")  # pystray chooses when it is first imported

from tests.tray.samples import CONFIRMATION, GENERATIONS, told
from tray.icon import DesktopIcon, menu_of
from tray.state import Action, Seen, view

pystray = pytest.importorskip("pystray")


class MemoryIcon(pystray.Icon):
    """The dummy backend, with the smallest loop that keeps the promises of a real one."""

    def __init__(self, *args, **kwargs):
        self.done = []
        self._ended = queue.Queue()
        super().__init__(*args, **kwargs)

    def _run(self):
        self._mark_ready()
        self._ended.get()

    def _stop(self):
        self._ended.put(True)

    def _show(self):
        self.done.append("show")

    def _hide(self):
        self.done.append("hide")

    def _update_icon(self):
        self.done.append("icon")
        self._icon_valid = True

    def _update_title(self):
        self.done.append("title")

    def _update_menu(self):
        self.done.append("menu")


@pytest.fixture
def chosen():
    return []


@pytest.fixture
def shown():
    """The icons of pystray that were made."""
    return []


@pytest.fixture
def icon(chosen, shown):
    def make(*args):
        shown.append(MemoryIcon(*args))
        return shown[0]

    return DesktopIcon(chosen.append, make)


READY = view(Seen(status=told(), generations=GENERATIONS))
PAUSED = view(Seen(status=told(logging=False), generations=GENERATIONS))


def named(menu, label):
    return next(item for item in menu if item.text.startswith(label))


def test_it_is_shown_until_it_is_stopped(icon, shown):
    icon.run(icon.stop)

    assert "show" in shown[0].done


def test_only_what_changed_is_shown_again(icon, shown):
    def act():
        shown[0].done.clear()
        for one in (READY, READY, PAUSED):
            icon.show(one)
        icon.stop()

    icon.run(act)

    assert ["icon", "title", "menu"] * 2 == shown[0].done
    assert PAUSED.title == shown[0].title


def test_every_entry_of_every_menu_is_an_item(chosen):
    menu = menu_of(view(Seen(status=told(), confirmations=(CONFIRMATION,))).menu, chosen.append)

    assert named(menu, "? Some Editor").submenu
    assert any(item is pystray.Menu.SEPARATOR for item in menu)


def test_an_item_that_is_chosen_hands_over_its_action(chosen):
    menu = menu_of(READY.menu, chosen.append)
    named(menu, "Run a night now")(None)
    named(named(menu, "Pause logging").submenu, "For 2 hours")(None)

    assert [Action(does="night"), Action(does="pause", to="120")] == chosen


def test_a_click_on_the_icon_is_the_default_item(chosen):
    menu_of(READY.menu, chosen.append)(None)

    assert [Action(does="open", to="/")] == chosen


def test_the_live_generation_is_marked_and_a_headline_is_greyed(chosen):
    menu = menu_of(READY.menu, chosen.append)
    generations = list(named(menu, "Generation").submenu)

    assert [True, False, False] == [item.checked for item in generations]
    assert all(item.radio for item in generations)
    assert (False, True) == (named(menu, "Ready").enabled, named(menu, "Run a night").enabled)
    assert None is named(menu, "Run a night").checked
