"""A desktop that shows no icons: a notice and the page, said once."""

import pytest

from tests.tray.desktop import bus, desktop, ended, opened
from tray.desktop import NOTIFICATIONS, WATCHER, has_status_notifier, notify_by_bus


@pytest.fixture(scope="module")
def shared_screen(tmp_path_factory, served):
    with desktop(tmp_path_factory.mktemp("screen"), served.home.path) as made:
        yield made


@pytest.fixture
def screen(shared_screen, home):
    """A screen without a tray."""
    return shared_screen


def test_it_is_said_in_the_terminal_each_time_and_by_a_notification_once(tmp_path, screen):
    with bus(tmp_path, NOTIFICATIONS) as (address, shown):
        found = [ended(screen.start("tray", DBUS_SESSION_BUS_ADDRESS=address)) for _ in range(2)]

    assert [(0, "")] * 2 == [(code, out) for code, out, _ in found]
    assert all("GNOME needs the extension" in err for _, _, err in found)
    assert ["Tsubasa: No tray for the icon"] == [one[:29] for one in shown]


def test_a_desktop_whose_icons_need_other_libraries_says_which(tmp_path, screen):
    with bus(tmp_path, WATCHER, NOTIFICATIONS) as (address, _):
        code, _, err = ended(screen.start("tray", DBUS_SESSION_BUS_ADDRESS=address))

    assert 0 == code
    assert "python3-gi and gir1.2-ayatanaappindicator3-0.1" in err


def test_without_the_libraries_it_says_how_to_get_them(tmp_path, screen):
    screen.start_tray()
    (tmp_path / "pystray.py").write_text("raise ImportError(\"No module named 'pystray'\")")
    path = f"{tmp_path}:{screen.environment['PYTHONPATH']}"
    code, _, err = ended(screen.start("tray", PYTHONPATH=path))
    screen.stop_tray()

    assert 1 == code
    assert "pip install 'tsubasa[tray]'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "address", ["", "unix:path=/nowhere/at/all", "nonsense", "tcp:host=127.0.0.1,port=1"]
)
def test_a_bus_that_is_not_there_is_no_error(monkeypatch, address):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)

    assert (False, False) == (has_status_notifier(), notify_by_bus("text"))


def test_markup_in_a_notice_is_shown_as_it_is(tmp_path, monkeypatch):
    with bus(tmp_path, NOTIFICATIONS) as (address, shown):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        notify_by_bus("<b>1 & 2</b>")

    assert ["Tsubasa: &lt;b>1 &amp; 2&lt;/b>"] == shown


@pytest.mark.parametrize(
    ("command", "display", "code", "said"),
    [
        pytest.param(["tray"], "", 0, "no desktop is running here", id="no desktop"),
        pytest.param(["tray"], ":4242", 0, ":4242", id="a screen that is gone"),
        pytest.param(["daemon", "tray"], ":4242", 0, "No tray for the icon", id="by the command"),
        pytest.param(["tray", "--home", "~nobody-of-that-name/x"], "", 1, "tsubasa: Can't use", id="no home"),
    ],
)
def test_where_no_icon_can_be_it_says_why_and_opens_nothing(screen, command, display, code, said):
    before = opened(screen.folder)
    found = ended(screen.start(*command, DISPLAY=display))

    assert (code, "") == found[:2]
    assert said in found[2]
    assert before == opened(screen.folder)
