"""
A menu on X11, for trays that show an icon and nothing else: a window at the pointer until something is chosen.

    click on the icon ──> window, pointer and keys are ours ──> entry, list below it, click outside, Escape

It never stays: a click anywhere else or Escape closes it, and so does an error. Arrow keys reach everything.
"""

import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from Xlib import XK, X
from Xlib.display import Display

from tray.state import LINE, Action, Entry

GRAB_S = 1.0  # the pressed button belongs to the tray until it is let go
OPEN_S = 60.0  # nobody looks at it any more
POINTER = X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Cantarell-VF.otf")
ROW, SEPARATOR, EDGE, LETTERS = 26, 9, 6, 13  # in pixels at 96 dots an inch
LEFT, RIGHT = 30, 34  # room for a check mark, and for an arrow
Rgb = tuple[int, int, int]
BACK = Entry(label="Back")


@dataclass(frozen=True, slots=True)
class Colours:
    """Of one panel: dark or light."""

    ground: Rgb
    edge: Rgb
    ink: Rgb
    faint: Rgb
    marked: Rgb


DARK = Colours((36, 36, 44), (74, 74, 86), (240, 239, 234), (172, 171, 180), (70, 64, 112))
LIGHT = Colours((252, 252, 250), (196, 196, 204), (34, 34, 42), (96, 96, 106), (222, 215, 248))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where an entry lies, in pixels from the top."""

    entry: Entry
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list, laid out."""

    rows: tuple[Row, ...]
    width: int
    height: int
    scale: float
    font: Font

    def at(self, x: int, y: int) -> int | None:
        """Which row lies there; None outside, and on what can't be chosen."""
        for place, row in enumerate(self.rows):
            if 0 <= x < self.width and row.top <= y < row.bottom:
                return place if can_be_chosen(row.entry) else None
        return None

    def holds(self, x: int, y: int) -> bool:
        """Whether the point is on the sheet."""
        return 0 <= x < self.width and 0 <= y < self.height

    def next(self, chosen: int | None, step: int) -> int | None:
        """The row that the arrow keys go to, round and round; None when nothing can be chosen."""
        able = [place for place, row in enumerate(self.rows) if can_be_chosen(row.entry)]
        if not able:
            return None
        if chosen not in able:
            return able[0 if step > 0 else -1]
        return able[(able.index(chosen) + step) % len(able)]


class PopupMenu:
    """One menu, from `run` to its end."""

    def __init__(self, entries: Sequence[Entry], *, at: tuple[int, int], is_dark: bool) -> None:
        """`at`: a point of the screen at which it opens."""
        self._at, self._is_dark = at, is_dark
        self._lists = [tuple(entries)]  # the list that is seen is the last one
        self._chosen: int | None = None
        self._is_open = True
        self._display = Display()
        self._screen = self._display.screen()
        self._scale = _scale(self._display)
        self._window: Any = None
        self._sheet: Sheet = lay_out(())
        self._place = (0, 0)

    def run(self) -> Action | None:
        """Show it until it is left; what was chosen."""
        try:
            if not self._grab():  # another menu is open
                return None
            self._open()
            return self._follow()
        finally:
            self._display.close()  # the server takes the window away and gives pointer and keys back

    def _open(self) -> None:
        self._window = self._screen.root.create_window(
            0,
            0,
            1,
            1,
            0,
            self._screen.root_depth,
            X.InputOutput,
            override_redirect=1,
            event_mask=X.ExposureMask,
            background_pixel=0,
        )
        self._window.set_wm_name("Tsubasa menu")
        self._window.set_wm_class("tsubasa", "Tsubasa")
        self._gc = self._window.create_gc()
        self._show_list()
        self._window.map()
        self._window.raise_window()
        self._display.sync()

    def _show_list(self) -> None:
        entries = self._lists[-1]
        if len(self._lists) > 1:
            entries = (BACK, LINE, *entries)
        self._sheet = lay_out(entries, scale=self._scale)
        width, height = self._sheet.width, self._sheet.height
        self._place = _beside(self._at, (width, height), self._screen)
        self._window.configure(x=self._place[0], y=self._place[1], width=width, height=height)
        self._chosen = None
        self._draw()

    def _draw(self) -> None:
        image = draw(self._sheet, chosen=self._chosen, is_dark=self._is_dark)
        self._window.put_pil_image(self._gc, 0, 0, image)
        self._display.flush()

    def _grab(self) -> bool:
        root = self._screen.root
        end = time.monotonic() + GRAB_S
        while time.monotonic() < end:
            got = root.grab_pointer(
                False, POINTER, X.GrabModeAsync, X.GrabModeAsync, X.NONE, X.NONE, X.CurrentTime
            )
            if got == X.GrabSuccess:
                root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
                return True
            time.sleep(0.02)
        return False

    def _follow(self) -> Action | None:
        handlers: dict[int, Callable[[Any], Action | None]] = {
            X.Expose: lambda _: self._draw(),
            X.MotionNotify: self._moved,
            X.ButtonPress: self._pressed,
            X.KeyPress: self._typed,
        }
        end = time.monotonic() + OPEN_S
        while self._is_open and time.monotonic() < end:
            if not self._display.pending_events():
                select.select([self._display], [], [], end - time.monotonic())
                continue
            event = self._display.next_event()
            done = handlers.get(event.type, lambda _: None)(event)
            if done is not None:
                return done
        return None

    def _moved(self, event: Any) -> None:
        self._mark(self._row(event))

    def _pressed(self, event: Any) -> Action | None:
        if event.detail > 3:  # the wheel
            return None
        x, y = event.root_x - self._place[0], event.root_y - self._place[1]
        if not self._sheet.holds(x, y):
            self._is_open = False
            return None
        return self._choose(self._row(event))

    def _typed(self, event: Any) -> Action | None:
        key = self._display.keycode_to_keysym(event.detail, 0)
        if key in (XK.XK_Down, XK.XK_Up):
            self._mark(self._sheet.next(self._chosen, 1 if key == XK.XK_Down else -1))
        elif key in (XK.XK_Return, XK.XK_KP_Enter, XK.XK_space):
            return self._choose(self._chosen)
        elif key == XK.XK_Right and self._chosen is not None and self._sheet.rows[self._chosen].entry.below:
            self._choose(self._chosen)
        elif key in (XK.XK_Escape, XK.XK_Left) and len(self._lists) > 1:
            self._back()
        elif key == XK.XK_Escape:
            self._is_open = False
        return None

    def _row(self, event: Any) -> int | None:
        return self._sheet.at(event.root_x - self._place[0], event.root_y - self._place[1])

    def _mark(self, place: int | None) -> None:
        if place != self._chosen:
            self._chosen = place
            self._draw()

    def _choose(self, place: int | None) -> Action | None:
        if place is None:
            return None
        entry = self._sheet.rows[place].entry
        if entry is BACK:
            self._back()
        elif entry.below:
            self._lists.append(entry.below)
            self._show_list()
        return entry.action

    def _back(self) -> None:
        self._lists.pop()
        self._show_list()


def _beside(at: tuple[int, int], size: tuple[int, int], screen: Any) -> tuple[int, int]:
    """The upper left corner of a menu at a point: below it or above, wherever the screen has room."""
    x = max(0, min(at[0], screen.width_in_pixels - size[0]))
    below = at[1] + size[1] <= screen.height_in_pixels
    return x, at[1] if below else max(0, at[1] - size[1])


def _scale(display: Any) -> float:
    """How much larger than at 96 dots an inch this user has things drawn."""
    resources = display.screen().root.get_full_text_property(display.intern_atom("RESOURCE_MANAGER")) or ""
    for line in str(resources).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Xft.dpi":
            try:
                return max(1.0, min(4.0, float(value) / 96))
            except ValueError:
                return 1.0
    return 1.0


def can_be_chosen(entry: Entry) -> bool:
    """Whether a click on it does something."""
    return entry is BACK or entry.action is not None or bool(entry.below)


def lay_out(entries: Sequence[Entry], *, scale: float = 1.0) -> Sheet:
    """The places of all rows; `scale`: 1 at 96 dots an inch."""
    font = _font(round(LETTERS * scale))
    widest = max((font.getlength(entry.label) for entry in entries), default=0)
    rows = []
    top = round(EDGE * scale)
    for entry in entries:
        bottom = top + round((SEPARATOR if entry == LINE else ROW) * scale)
        rows.append(Row(entry=entry, top=top, bottom=bottom))
        top = bottom
    width = round(widest + (LEFT + RIGHT) * scale)
    return Sheet(tuple(rows), width, top + round(EDGE * scale), scale, font)


def draw(sheet: Sheet, *, chosen: int | None, is_dark: bool) -> Image.Image:
    """The list as it is seen, with the row `chosen` marked."""
    colours = DARK if is_dark else LIGHT
    image = Image.new("RGB", (sheet.width, sheet.height), colours.ground)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline=colours.edge)
    for place, row in enumerate(sheet.rows):
        if row.entry == LINE:
            middle = (row.top + row.bottom) // 2
            inset = round(10 * sheet.scale)
            pen.line((inset, middle, sheet.width - inset, middle), fill=colours.edge)
        else:
            _draw_row(pen, sheet, row, colours, is_marked=place == chosen)
    return image


def _draw_row(pen: ImageDraw.ImageDraw, sheet: Sheet, row: Row, colours: Colours, *, is_marked: bool) -> None:
    unit = sheet.scale
    if is_marked:
        box = (4 * unit, row.top, sheet.width - 1 - 4 * unit, row.bottom - 1)
        pen.rounded_rectangle(box, 5 * unit, fill=colours.marked)
    ink = colours.ink if can_be_chosen(row.entry) else colours.faint
    middle = (row.top + row.bottom) / 2
    pen.text((LEFT * unit, middle), row.entry.label, fill=ink, font=sheet.font, anchor="lm")
    stroke = max(1, round(1.6 * unit))
    if row.entry.checked:
        points = [(11 * unit, middle), (15 * unit, middle + 4 * unit), (22 * unit, middle - 4 * unit)]
        pen.line(points, fill=ink, width=stroke)
    arrow = 4 * unit
    if row.entry is BACK:
        x = 19 * unit
        pen.line([(x, middle - arrow), (x - arrow, middle), (x, middle + arrow)], fill=ink, width=stroke)
    elif row.entry.below:
        x = sheet.width - 20 * unit
        pen.line([(x, middle - arrow), (x + arrow, middle), (x, middle + arrow)], fill=ink, width=stroke)


def _font(size: int) -> Font:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:  # not on this machine
            continue
    return ImageFont.load_default(size)
