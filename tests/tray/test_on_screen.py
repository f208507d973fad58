"""The icon on a real screen, in a real tray: seen, clicked, and alive as long as it should be."""

import signal

import pytest
from PIL import Image, ImageChops

from tests.tray.desktop import ICON, MENU, desktop, ended, resident_mb, settle, until

MOST_MB = 60


@pytest.fixture(scope="module")
def shared_screen(tmp_path_factory, served):
    with desktop(tmp_path_factory.mktemp("screen"), served.home.path) as made:
        made.start_tray()
        yield made


@pytest.fixture
def screen(shared_screen, home):
    """A screen with a tray and without our icon."""
    until(lambda: shared_screen.window(ICON) is None)
    return shared_screen


@pytest.fixture
def icon(screen):
    """The running icon, docked."""
    process = screen.start("tray")
    until(lambda: screen.is_docked() and screen.window("Tsubasa: ready") is not None)
    yield process
    if process.poll() is None:
        process.terminate()
    ended(process)


def cut(picture, place):
    """A part of a picture."""
    x, y, width, height = place
    with Image.open(picture) as whole:
        return whole.convert("RGB").crop((x, y, x + width, y + height))


def looks(screen, name):
    """The icon's picture now."""
    return cut(screen.picture(name), screen.window(ICON))


def differ(one, other):
    return ImageChops.difference(one, other).getbbox() is not None


def test_the_icon_lies_in_the_tray_and_says_what_goes_on(screen, icon):
    until(lambda: screen.window("Tsubasa: ready, with generation 1") is not None)

    until(lambda: len(looks(screen, "icon").getcolors(10_000)) > 5)  # a drawing, not one colour


def test_either_button_opens_a_menu_that_fits_and_escape_or_a_click_beside_it_closes_it(screen, icon):
    for button in (1, 3):
        screen.click_icon(button=button)
        until(lambda: screen.window(MENU) is not None)
        settle()
        x, y, width, height = screen.window(MENU)
        shown = cut(screen.picture(f"menu-{button}"), (x, y, width, height))
        if button == 1:
            screen.keys("Escape")
        else:
            screen.click(x - 60, y - 60)
        until(lambda: screen.window(MENU) is None)

        assert len(shown.getcolors(100_000)) > 20  # letters
        assert 0 <= x and x + width <= 1000
        assert 0 <= y and y + height <= 700


def test_the_keys_pause_the_logging_and_the_icon_shows_it(screen, icon, home):
    before = looks(screen, "ready")
    screen.open_menu()
    screen.keys("Down", "Down", "Down", "Return")  # Open, New private chat, Pause logging
    settle()
    screen.picture("menu-pause")
    screen.keys("Up", "Return")  # the last one: until I resume it
    until(lambda: not home.logging())
    until(lambda: screen.window("Tsubasa: logging is paused") is not None)
    settle()

    assert differ(before, looks(screen, "paused"))
    screen.open_menu()
    screen.keys("Down", "Down", "Down", "Return")
    until(home.logging)


def test_one_click_rolls_back(screen, icon, home):
    screen.open_menu()
    screen.keys("Up", "Up", "Right")  # from below: Close this icon, Generation
    settle()
    x, y, width, height = screen.window(MENU)
    screen.picture("menu-generations")
    screen.click(x + width // 2, y + height - 6 - 13)  # the last row: the base model

    until(lambda: home.ask("status")["generation"] == 0)
    until(lambda: screen.window("Tsubasa: ready, with the base model") is not None)


def test_closing_the_icon_ends_it_and_leaves_the_daemon_alone(screen, icon, home):
    screen.open_menu()
    screen.keys("Up", "Return")

    assert 0 == ended(icon)[0]
    assert home.logging()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_signal_ends_it_in_peace(screen, icon, number):
    icon.send_signal(number)

    assert (0, "", "") == ended(icon)


def test_a_tray_that_comes_back_has_its_icon_again(screen, icon):
    screen.stop_tray()
    until(lambda: not screen.is_docked())
    screen.start_tray()

    until(screen.is_docked)
    screen.open_menu()
    screen.keys("Escape")


def test_it_ends_with_the_desktop(tmp_path, home):
    with desktop(tmp_path, home.home.path) as screen:
        screen.start_tray()
        process = screen.start("tray")
        until(screen.is_docked)

    assert 0 == ended(process)[0]


def test_it_is_small_and_a_second_one_says_that_there_is_one(screen, icon):
    second = ended(screen.start("tray"))
    screen.open_menu()
    screen.keys("Down", "Escape")
    until(lambda: screen.window(MENU) is None)

    assert (0, "") == (second[0], second[2])
    assert second[1]
    assert resident_mb(icon.pid) < MOST_MB


def test_the_command_gives_the_terminal_back_once_the_icon_is_there(screen):
    code, out, err = ended(screen.start("daemon", "tray"))
    try:
        assert (0, "") == (code, err)
        assert "The icon is in the tray" in out
        assert screen.is_docked()
    finally:
        screen.open_menu()
        screen.keys("Up", "Return")
        until(lambda: screen.window(ICON) is None)
