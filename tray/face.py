"""What shows a view on a desktop, by any library. Apart from `icon.py`, so that its X11 part imports no circle."""

from collections.abc import Callable
from typing import Protocol

from tray.state import Action, Entry, View

NAME = "tsubasa"
STARTING = View(look="down", title="Tsubasa", menu=(Entry(label="One moment…"),))

Act = Callable[[Action], None]


class Face(Protocol):
    """What shows a view: pystray where the desktop draws menus, our own X11 icon where it does not."""

    def run(self, on_ready: Callable[[], None]) -> None: ...  # in the main thread, until the icon is gone
    def show(self, view: View) -> None: ...
    def stop(self) -> None: ...
