"""The icon: what we ask of pystray, by its dummy backend, and its pixels."""

import os
import queue
from itertools import combinations
from typing import get_args

import pytest

os.environ.setdefault("PYSTRAY_BACKEND", "dummy")  # pystray chooses when it is first imported

from PIL import Image, ImageChops

from tests.tray.samples import GENERATIONS, told
from tray.icon import DesktopIcon, menu_of
from tray.icon_image import draw
from tray.state import Action, Look, Seen, view

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
def menu(chosen):
    return menu_of(READY.menu, chosen.append)


READY = view(Seen(status=told(), generations=GENERATIONS))
PAUSED = view(Seen(status=told(logging=False), generations=GENERATIONS))


def named(menu, label):
    return next(item for item in menu if item.text.startswith(label))


def test_it_is_shown_until_it_is_stopped_and_only_what_changed_is_shown_again(chosen):
    shown = []

    def make(*args):
        shown.append(MemoryIcon(*args))
        return shown[0]

    def act():
        for one in (READY, READY, PAUSED):
            icon.show(one)
        icon.stop()

    icon = DesktopIcon(chosen.append, make)
    icon.run(act)

    begins = shown[0].done.index("show")
    assert ["show", *["icon", "title", "menu"] * 2] == shown[0].done[begins : begins + 7]
    assert len(shown[0].done) <= begins + 8  # and at most its end
    assert PAUSED.title == shown[0].title


def test_an_item_or_the_icon_that_is_clicked_hands_over_its_action(menu, chosen):
    named(menu, "Run a night now")(None)
    named(named(menu, "Pause logging").submenu, "For 2 hours")(None)
    menu(None)

    assert [Action(does="night"), Action(does="pause", to="120"), Action(does="open", to="/")] == chosen


def test_the_live_generation_is_marked_and_a_headline_is_greyed(menu):
    generations = list(named(menu, "Generation").submenu)

    assert [True, False, False] == [item.checked for item in generations]
    assert all(item.radio for item in generations)
    assert (False, True) == (named(menu, "Ready").enabled, named(menu, "Run a night").enabled)
    assert None is named(menu, "Run a night").checked
    assert pystray.Menu.SEPARATOR in menu


LOOKS = get_args(Look)
SIZES = (16, 22, 24, 32, 48, 64)
PANELS = {True: (30, 30, 34), False: (240, 240, 240)}


def on_panel(look, size, *, is_dark, percent=None):
    """In shades of grey, as it lies on its panel."""
    icon = draw(look, size, is_dark=is_dark, percent=percent)
    panel = Image.new("RGB", icon.size, PANELS[is_dark])
    panel.paste(icon, (0, 0), icon)
    return panel.convert("L")


def difference(one, other):
    """How many pixels differ clearly."""
    return sum(ImageChops.difference(one, other).histogram()[48:])


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_it_is_drawn_at_any_size_with_nothing_around_it(look, size):
    icon = draw(look, size, is_dark=True)

    assert ("RGBA", (size, size)) == (icon.mode, icon.size)
    assert 0 == icon.getpixel((0, 0))[3]


@pytest.mark.parametrize("is_dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize("look", LOOKS)
def test_it_stands_out_from_its_panel(look, is_dark):
    panel = Image.new("L", (16, 16), sum(PANELS[is_dark]) // 3)

    assert difference(on_panel(look, 16, is_dark=is_dark), panel) > 256 * 0.1


@pytest.mark.parametrize("is_dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize(("one", "other"), list(combinations(LOOKS, 2)))
def test_no_two_looks_differ_by_colour_alone(one, other, is_dark):
    shapes = [on_panel(look, 24, is_dark=is_dark) for look in (one, other)]

    assert difference(*shapes) >= 12


def test_a_night_fills_up():
    half, full = (draw("night", 64, is_dark=True, percent=percent) for percent in (30, 95))
    inked = [sum(image.getchannel("A").histogram()[128:]) for image in (half, full)]

    assert inked[0] < inked[1]
