"""
Draws the icon: a wing of three feathers, and a sign in the corner for what goes on.

It can be read from 16 to 64 pixels, on dark panels and on light ones; no two looks differ by colour alone.
"""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from tray.state import Look

Colour = tuple[int, int, int, int]
Point = tuple[float, float]

FINER = 8  # drawn so many times larger, then reduced
INK: dict[bool, Colour] = {
    True: (244, 243, 238, 255),
    False: (38, 38, 46, 255),
}  # on a dark panel, on a light one
FEATHERS: Sequence[tuple[Point, Point, Point]] = (  # upper bend, tip, lower bend; all grow from ROOT
    ((0.30, 0.08), (0.97, 0.06), (0.62, 0.36)),
    ((0.42, 0.40), (0.94, 0.40), (0.60, 0.62)),
    ((0.44, 0.66), (0.80, 0.70), (0.48, 0.92)),
)
ROOT: Point = (0.05, 0.84)
BADGE: dict[bool, dict[Look, Colour]] = {
    True: {
        "asked": (255, 199, 64, 255),
        "attention": (255, 122, 92, 255),
        "thinking": (122, 190, 255, 255),
        "night": (178, 156, 255, 255),
    },
    False: {
        "asked": (176, 112, 0, 255),
        "attention": (196, 46, 20, 255),
        "thinking": (0, 98, 190, 255),
        "night": (98, 66, 200, 255),
    },
}
FAINT = 90  # of 255: how much is seen of a daemon that is not there
DIMMED = 150


def draw(look: Look, size: int, *, is_dark: bool, percent: int | None = None) -> Image.Image:
    """
    The icon, transparent around it.

    Args:
        size: pixels, both ways.
        is_dark: the panel that it lies on is dark.
        percent: how far the night is; None: unknown.
    """
    side = size * FINER
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ink = INK[is_dark]
    if look == "down":
        _wing(image, (*ink[:3], FAINT))
        _cross(image, ink)
    elif look == "paused":
        _wing(image, (*ink[:3], DIMMED))
        _bars(image, ink)
    elif look == "off the record":
        _wing(image, ink, is_hollow=True)
    else:
        _wing(image, ink)
        _badge(image, look, BADGE[is_dark], percent, size)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _wing(image: Image.Image, ink: Colour, *, is_hollow: bool = False) -> None:
    side = image.width
    shape = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(shape)
    gap = side // 20
    for upper, tip, lower in FEATHERS:
        points = [*_curve(ROOT, upper, tip), *_curve(tip, lower, ROOT)]
        outline = [(x * side, y * side) for x, y in points]
        if is_hollow:
            pen.line([*outline, outline[0]], fill=255, width=side // 13, joint="curve")
        else:
            pen.line([*outline, outline[0]], fill=0, width=2 * gap, joint="curve")  # apart from the one above
            pen.polygon(outline, fill=255)
    layer = Image.new("RGBA", image.size, (*ink[:3], 255))
    layer.putalpha(shape.point([value * ink[3] // 255 for value in range(256)]))
    image.alpha_composite(layer)


def _curve(start: Point, bend: Point, end: Point, steps: int = 24) -> list[Point]:
    """Points of a quadratic Bézier curve."""
    found = []
    for step in range(steps + 1):
        t = step / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        found.append((a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]))
    return found


def _badge(
    image: Image.Image, look: Look, colours: dict[Look, Colour], percent: int | None, size: int
) -> None:
    """The sign in the lower right corner: a question mark, a mark of exclamation, three dots, a moon or a pie."""
    if look not in colours:
        return
    side, colour = image.width, colours[look]
    across = side * (0.56 if size < 32 else 0.5)
    box = (side - across, side - across, side - 1, side - 1)
    rim = side * 0.06
    pen = ImageDraw.Draw(image)
    pen.ellipse(_grown(box, rim), fill=(0, 0, 0, 0))  # cuts the sign out of the wing
    middle = (box[0] + across / 2, box[1] + across / 2)
    if look == "night":
        _night(image, box, colour, percent)
    elif look == "thinking":
        for place in (-1, 0, 1):
            _dot(pen, (middle[0] + place * across * 0.34, middle[1]), across * 0.155, colour)
    else:
        pen.ellipse(box, fill=colour)
        _mark(pen, middle, across, "?" if look == "asked" else "!")


def _night(
    image: Image.Image, box: tuple[float, float, float, float], colour: Colour, percent: int | None
) -> None:
    pen = ImageDraw.Draw(image)
    if percent is None:  # a moon
        across = box[2] - box[0]
        pen.ellipse(box, fill=colour)
        bite = (box[0] + across * 0.34, box[1] - across * 0.14)
        pen.ellipse((*bite, bite[0] + across * 0.86, bite[1] + across * 0.86), fill=(0, 0, 0, 0))
        return
    width = round((box[2] - box[0]) * 0.16)
    pen.ellipse(box, outline=colour, width=max(1, width // 2))
    pen.pieslice(_grown(box, -width), -90, -90 + 3.6 * max(4, percent), fill=colour)


def _mark(pen: ImageDraw.ImageDraw, middle: Point, across: float, sign: str) -> None:
    """A mark cut out of its disc; drawn, so that it needs no font."""
    x, y = middle
    clear: Colour = (0, 0, 0, 0)
    stroke = across * 0.17
    _dot(pen, (x, y + across * 0.27), stroke * 0.62, clear)
    if sign == "!":
        pen.rounded_rectangle(
            (x - stroke / 2, y - across * 0.36, x + stroke / 2, y + across * 0.1), stroke / 2, fill=clear
        )
        return
    bow = [
        (x + across * 0.17 * math.cos(a), y - across * 0.16 + across * 0.17 * math.sin(a))
        for a in [math.radians(d) for d in range(-180, 91, 10)]
    ]
    pen.line([*bow, (x, y + across * 0.12)], fill=clear, width=round(stroke * 0.9), joint="curve")


def _bars(image: Image.Image, ink: Colour) -> None:
    """Two upright bars, as on every player."""
    side = image.width
    pen = ImageDraw.Draw(image)
    pen.rectangle((side * 0.5, side * 0.46, side, side), fill=(0, 0, 0, 0))
    for left in (0.58, 0.82):
        pen.rectangle((side * left, side * 0.54, side * (left + 0.14), side * 0.99), fill=ink)


def _cross(image: Image.Image, ink: Colour) -> None:
    """Nothing here."""
    side = image.width
    pen = ImageDraw.Draw(image)
    pen.rectangle((side * 0.54, side * 0.54, side, side), fill=(0, 0, 0, 0))
    ends = (side * 0.64, side * 0.94)
    for y in (ends, ends[::-1]):
        pen.line([(ends[0], y[0]), (ends[1], y[1])], fill=ink, width=round(side * 0.09))


def _dot(pen: ImageDraw.ImageDraw, middle: Point, radius: float, colour: Colour) -> None:
    pen.ellipse((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), fill=colour)


def _grown(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)
