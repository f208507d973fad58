"""
The icon in a system tray of X11, which shows a small window of ours and nothing else: picture, title and menu are ours.

It is drawn at the size that it has, on the panel's own colour. Either button opens the menu, the middle one
does what is marked as default.
"""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pystray
from PIL import Image
from Xlib import X
from Xlib.error import ConnectionClosedError, DisplayError, XError

from tray import icon_image
from tray.face import NAME, STARTING, Act
from tray.state import View
from tray.x11_menu import PopupMenu

Rgb = tuple[int, int, int]
GONE = (ConnectionClosedError, DisplayError, XError, OSError)  # the screen, or a window on it
UNKNOWN: Rgb = (40, 40, 44)  # a panel whose colour can't be read
BRIGHT = 128  # of 255: panels that are brighter get dark ink
TICK_S = 0.2
MOST_WAITING = 8  # threads


class X11Icon:
    """The icon, its picture and its menu."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._view = STARTING
        self._menu = threading.Lock()  # locked while the menu is open
        self._is_dark = True
        self._window = _Window(self)

    @property
    def title(self) -> str:
        """What the tray says at the pointer."""
        return self._view.title

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`, or until the tray is gone."""

        def ready(icon: Any) -> None:
            with suppress(*GONE):
                icon.visible = True
                on_ready()

        self._window.run(setup=ready)

    def show(self, view: View) -> None:
        """Show another view; the panel is looked at again, for it may have another colour, or be another one."""
        before, self._view = self._view, view
        if not self._window.visible:
            return
        is_other = (before.look, before.percent, before.title) != (view.look, view.percent, view.title)
        if is_other or not self._menu.locked():  # an open menu may lie on the panel
            with suppress(*GONE):  # then `run` returns
                self._window.icon = self._window.icon

    def stop(self) -> None:
        """Take the icon away; `run` returns."""
        with suppress(*GONE):
            self._window.stop()

    def clicked(self, button: int, at: tuple[int, int]) -> None:
        """A button was pressed on the icon."""
        if button == 2:
            default = next((entry for entry in self._view.menu if entry.default), None)
            if default is not None and default.action is not None:
                self._act(default.action)
        elif button in (1, 3) and self._menu.acquire(blocking=False):
            threading.Thread(target=self._open_menu, args=(at,), name="menu", daemon=True).start()

    def painted(self, size: tuple[int, int], ground: Rgb) -> Image.Image:
        """The picture at this size on a panel of this colour."""
        self._is_dark = sum(ground) / 3 < BRIGHT
        side = max(1, min(size))
        drawn = icon_image.draw(self._view.look, side, is_dark=self._is_dark, percent=self._view.percent)
        image = Image.new("RGB", size, ground)
        image.paste(drawn, ((size[0] - side) // 2, (size[1] - side) // 2), drawn)
        return image

    def _open_menu(self, at: tuple[int, int]) -> None:
        chosen = None
        try:
            with suppress(*GONE):
                chosen = PopupMenu(self._view.menu, at=at, is_dark=self._is_dark).run()
        finally:
            self._menu.release()
        if chosen is not None:
            self._act(chosen)


class _Window(pystray.Icon):  # type: ignore[misc]  # untyped
    """
    pystray's window, with what its X backend lacks; underscored names are those of pystray 0.19.5.

    Only the thread that runs it speaks to the screen: pystray hands it what others ask for.
    """

    _icon_data: Image.Image | None

    def __init__(self, owner: X11Icon) -> None:
        self._owner = owner
        super().__init__(NAME, Image.new("RGB", (1, 1)), NAME)
        self._display.set_error_handler(lambda *_: None)  # else it prints that a window went away meanwhile

    def _create_window(self) -> Any:
        window = super()._create_window()
        mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
        window.change_attributes(event_mask=mask)  # pystray asks for no buttons
        return window

    def _mark_ready(self) -> None:
        self._thread = threading.current_thread()  # pystray sets it too late for who waits for this
        super()._mark_ready()

    def _assert_docked(self) -> None:
        if self._systray_manager is None:  # pystray asks to be taken in again each time
            super()._assert_docked()

    def _update_icon(self) -> None:
        super()._update_icon()
        title = self._owner.title
        self._window.set_wm_name(title.encode("latin-1", "replace"))
        utf8 = self._display.intern_atom("UTF8_STRING")
        self._window.change_property(self._display.intern_atom("_NET_WM_NAME"), utf8, 8, title.encode())
        self._display.flush()

    def _assert_icon_data(self, width: int, height: int) -> None:
        size = (width, height)
        if self._icon_data is None or self._icon_data.size != size:
            self._icon_data = self._owner.painted(size, self._ground())

    def _ground(self) -> Rgb:
        """The colour of the panel: of the corner of the window that holds ours."""
        try:
            tree = self._window.query_tree()
            if tree.parent == tree.root:
                return UNKNOWN
            pixel = tree.parent.get_image(0, 0, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
        except XError:  # it is hidden, or gone
            return UNKNOWN
        return (pixel[2], pixel[1], pixel[0]) if len(pixel) >= 3 else UNKNOWN

    def _on_button_press(self, event: Any) -> None:
        self._owner.clicked(event.detail, (event.root_x, event.root_y))

    def _events(self) -> Iterator[Any]:
        """All events. We never wait for long: what another thread sends meanwhile may stay in Xlib's buffer."""
        while True:
            if self._display.pending_events():  # also sends what lies there
                yield self._display.next_event()
            else:
                select.select([self._display], [], [], TICK_S)

    def _mainloop(self) -> None:
        super()._mainloop()
        for _ in range(MOST_WAITING):  # for the loop to do something; they would wait forever
            self._queue.put(True)
