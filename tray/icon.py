"""
The icon in the tray: the one door to pystray.

    View ──show──> image, title, menu          click ──> Action, handed to whoever asked for it

Promises: `show` may be called from any thread and does nothing that was shown already; where the desktop draws no
menu, we do. Knows nothing of the daemon.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tray import icon_image
from tray.desktop import Host
from tray.errors import NotInstalled
from tray.state import LINE, Action, Entry, View

NAME = "tsubasa"
LARGE = 64  # pixels; whoever shows the icon makes it smaller
STARTING = View(look="down", title="Tsubasa", menu=(Entry(label="One moment…"),))

Act = Callable[[Action], None]


class Face(Protocol):
    """What shows a view: pystray where the desktop draws menus, our own icon of X where it does not."""

    def run(self, on_ready: Callable[[], None]) -> None: ...  # in the main thread, until the icon is gone
    def show(self, view: View) -> None: ...
    def stop(self) -> None: ...


def open_face(host: Host, act: Act) -> Face:
    """
    The icon for this desktop; `act` is called with what the user chooses.

    Raises:
        NotInstalled: pystray, or what it needs, is not there.
    """
    if host != "native":
        os.environ["PYSTRAY_BACKEND"] = host  # else pystray takes the first whose libraries load
    logging.getLogger("pystray").setLevel(logging.CRITICAL)  # it logs a traceback whenever no tray is there
    try:
        if host == "xorg":
            from tray.x11_icon import IconOnX

            return IconOnX(act)
        return DesktopIcon(act)
    except ImportError as error:
        raise NotInstalled(str(error)) from error


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
