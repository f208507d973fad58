"""
Draws a menu where the desktop draws none: the rows of one list, the chosen one marked.

Promises: pure; each row is as high as a finger is wide on a screen of any resolution. Knows nothing of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from tray.state import LINE, Entry

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
