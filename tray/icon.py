"""
The icon in the tray, by pystray; where the desktop draws no menu, `x11_icon.py` does.

    View ──show──> image, title, menu          click ──> Action, handed to the caller

`show` may be called from any thread, and does nothing for what is shown already.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from daemon.errors import DaemonError
from tray import icon_image
from tray.desktop import Host
from tray.face import NAME, STARTING, Act, Face
from tray.state import LINE, Entry, View

LARGE = 64  # pixels; the tray makes it smaller


def open_face(host: Host, act: Act) -> Face:
    """
    The icon for this desktop; `act` is called with what the user chooses.

    Raises:
        DaemonError: pystray, or what it needs, is not installed.
    """
    if host != "native":
        os.environ["PYSTRAY_BACKEND"] = host  # else pystray takes the first whose libraries load
    logging.getLogger("pystray").setLevel(logging.CRITICAL)  # it logs a traceback whenever no tray is there
    try:
        if host == "xorg":
            from tray.x11_icon import X11Icon

            return X11Icon(act)
        return DesktopIcon(act)
    except ImportError as error:
        raise DaemonError(
            f"The icon needs a library that is not installed: {error}. "
            "Install it with: pip install 'tsubasa[tray]'. The page needs nothing more: tsubasa open"
        ) from error


class DesktopIcon:
    """An icon whose menu the desktop draws."""

    def __init__(self, act: Act, make: Callable[..., Any] | None = None) -> None:
        """`make`: another icon than that of pystray's backend for this desktop."""
        import pystray

        make = make or pystray.Icon
        self._act = act
        self._shown = STARTING
        self._lock = threading.Lock()
        self._icon = make(NAME, _image(STARTING), STARTING.title, menu_of(STARTING.menu, act))

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`."""

        def ready(icon: Any) -> None:
            icon.visible = True
            on_ready()

        self._icon.run(setup=ready)

    def show(self, view: View) -> None:
        """Show another view."""
        with self._lock:
            before, self._shown = self._shown, view
            if (before.look, before.percent) != (view.look, view.percent):
                self._icon.icon = _image(view)
            if before.title != view.title:
                self._icon.title = view.title
            if before.menu != view.menu:
                self._icon.menu = menu_of(view.menu, self._act)

    def stop(self) -> None:
        """Take the icon away; `run` returns."""
        self._icon.stop()


def menu_of(entries: Sequence[Entry], act: Act) -> Any:
    """A menu of pystray."""
    import pystray

    return pystray.Menu(*(_item(entry, act) for entry in entries))


def _item(entry: Entry, act: Act) -> Any:
    import pystray

    if entry == LINE:
        return pystray.Menu.SEPARATOR
    if entry.below:
        return pystray.MenuItem(entry.label, menu_of(entry.below, act))

    def chosen() -> None:
        if entry.action is not None:
            act(entry.action)

    checked = None if entry.checked is None else lambda _: bool(entry.checked)
    return pystray.MenuItem(
        entry.label,
        chosen,
        checked=checked,
        radio=entry.checked is not None,
        default=entry.default,
        enabled=entry.action is not None,
    )


def _image(view: View) -> Any:
    """Panels on these desktops are dark, mostly, and don't say so; macOS and Windows follow their theme."""
    return icon_image.draw(view.look, LARGE, is_dark=True, percent=view.percent)
