"""
What this desktop offers: a place for the icon, if any, and short notifications.

    macOS, Windows ──> always         Linux: a status-notifier host and its libraries, or a system tray of X11

No bus, or one that does not answer, is an answer and no error; nothing waits for longer than `PATIENCE_S`.
"""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from daemon.errors import DaemonError

Host = Literal["native", "appindicator", "xorg"]
LIBRARIES = "python3-gi and gir1.2-ayatanaappindicator3-0.1"
PATIENCE_S = 2.0
NO_BUS = (OSError, KeyError, ValueError, RuntimeError)  # none, one out of our reach, or no answer in time
WATCHER = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
TITLE = "Tsubasa"


class NoTray(DaemonError):
    """This desktop has no place for an icon."""

    def __init__(self, why: str, *, has_desktop: bool = True) -> None:
        super().__init__(f"No tray for the icon: {why}. The page shows the same: tsubasa open")
        self.has_desktop = has_desktop


def find_host(environment: Mapping[str, str]) -> Host:
    """
    What shows our icon here.

    Raises:
        NoTray: nothing does, and why.
    """
    if sys.platform in ("darwin", "win32"):
        return "native"
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        raise NoTray("no desktop is running here", has_desktop=False)
    has_watcher = has_status_notifier()
    if has_watcher and _has_indicators():
        return "appindicator"
    has_tray = has_x11_tray() if environment.get("DISPLAY") else None
    if has_tray:
        return "xorg"
    if has_tray is None and not environment.get("WAYLAND_DISPLAY"):
        raise NoTray(f"the screen {environment['DISPLAY']} can't be reached", has_desktop=False)
    if has_watcher:
        raise NoTray(f"this desktop shows icons through {LIBRARIES}, which Python does not find")
    raise NoTray("no program on this desktop shows icons (GNOME needs the extension AppIndicator)")


def has_x11_tray() -> bool | None:
    """Whether a program on the X11 screen takes icons; None when there is no screen."""
    from Xlib import X
    from Xlib.display import Display
    from Xlib.error import ConnectionClosedError, DisplayError

    try:
        display = Display()
    except (DisplayError, ConnectionClosedError, OSError):
        return None
    try:
        selection = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(selection) != X.NONE)
    finally:
        display.close()


def _has_indicators() -> bool:
    """Whether the desktop's own libraries can be used from Python."""
    if importlib.util.find_spec("gi") is None:
        return False
    import gi

    for name in ("AppIndicator3", "AyatanaAppIndicator3"):
        try:
            gi.require_version(name, "0.1")
        except ValueError:
            continue
        return True
    return False


def has_status_notifier() -> bool:
    """Whether a program that shows status icons has put itself on the session bus."""
    answer = _call_bus("org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", "s", (WATCHER,))
    return bool(answer and answer[0])


def notify(text: str) -> bool:
    """Show a notification for some seconds; False when this desktop shows none."""
    return notify_by_bus(text) or _notify_by_program(text)


def notify_or_print(text: str) -> None:
    """Show a notification, or print it on stderr."""
    if not notify(text):
        sys.stderr.write(f"{TITLE}: {text}\n")
        sys.stderr.flush()


def notify_by_bus(text: str) -> bool:
    """Show a notification by the session bus; False when nobody there shows any."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;")  # its text may be markup
    body: tuple[Any, ...] = (TITLE, 0, "", TITLE, plain, [], {"desktop-entry": ("s", "tsubasa")}, -1)
    path = "/org/freedesktop/Notifications"
    return _call_bus(NOTIFICATIONS, path, "Notify", "susssasa{sv}i", body) is not None


def _notify_by_program(text: str) -> bool:
    """By a program of the desktop, where there is no bus; False when none could."""
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 1 of argv) with title (item 2 of argv)\nend run"
        command = ["osascript", "-e", script, text, TITLE]
    else:
        command = ["notify-send", "--app-name", TITLE, "--", TITLE, text]
    if shutil.which(command[0]) is None:
        return False
    try:
        return subprocess.run(command, capture_output=True, timeout=5).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _call_bus(
    name: str, path: str, method: str, signature: str, body: tuple[Any, ...]
) -> tuple[Any, ...] | None:
    """What a method on the session bus answers; None when it can't be called."""
    try:
        from jeepney import DBusAddress, MessageType, new_method_call
    except ImportError:  # not on Linux
        return None
    address = DBusAddress(path, bus_name=name, interface=name)
    try:
        with _bus() as connection:
            call = new_method_call(address, method, signature, body)
            reply = connection.send_and_get_reply(call, timeout=PATIENCE_S)
    except NO_BUS:
        return None
    return tuple(reply.body) if reply.header.message_type is MessageType.method_return else None


@contextmanager
def _bus() -> Iterator[Any]:
    from jeepney.auth import AuthenticationError
    from jeepney.io.blocking import open_dbus_connection

    try:
        connection = open_dbus_connection("SESSION")
    except AuthenticationError as error:
        raise OSError("the session bus does not let us in") from error
    try:
        yield connection
    finally:
        connection.close()
