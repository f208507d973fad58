"""
Where the icon can be shown on this desktop, if anywhere.

    macOS, Windows ──> always         Linux: a status-notifier host and its libraries, or a system tray of X

Promises: looks, and changes nothing. Knows nothing of the icon.
"""

import importlib.util
import sys
from collections.abc import Mapping
from typing import Literal

from tray import dbus
from tray.errors import NoTray

Host = Literal["native", "appindicator", "xorg"]
LIBRARIES = "python3-gi and gir1.2-ayatanaappindicator3-0.1"


def find(environment: Mapping[str, str]) -> Host:
    """
    What shows our icon here.

    Raises:
        NoTray: nothing does, and why.
    """
    if sys.platform in ("darwin", "win32"):
        return "native"
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        raise NoTray("no desktop is running here", has_desktop=False)
    has_watcher = dbus.shows_icons()
    if has_watcher and _has_indicators():
        return "appindicator"
    on_x = has_tray_of_x() if environment.get("DISPLAY") else None
    if on_x:
        return "xorg"
    if on_x is None and not environment.get("WAYLAND_DISPLAY"):
        raise NoTray(f"the screen {environment['DISPLAY']} can't be reached", has_desktop=False)
    if has_watcher:
        raise NoTray(f"this desktop shows icons through {LIBRARIES}, which Python does not find")
    raise NoTray("no program on this desktop shows icons (GNOME needs the extension AppIndicator)")


def has_tray_of_x() -> bool | None:
    """Whether a program on the X screen swallows icons; None when there is no screen."""
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
