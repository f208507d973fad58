"""The icon, as pixels."""

from itertools import combinations
from typing import get_args

import pytest
from PIL import Image, ImageChops

from tray.icon_image import draw
from tray.state import Look

LOOKS = get_args(Look)
SIZES = (16, 22, 24, 32, 48, 64)
PANELS = {True: (30, 30, 34), False: (240, 240, 240)}


def on_panel(look, size, *, is_dark, percent=None):
    """In shades of grey, as it lies on its panel."""
    icon = draw(look, size, is_dark=is_dark, percent=percent)
    panel = Image.new("RGB", icon.size, PANELS[is_dark])
    panel.paste(icon, (0, 0), icon)
    return panel.convert("L")


def difference(one, other):
    """How many pixels differ clearly."""
    return sum(ImageChops.difference(one, other).histogram()[48:])


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_it_is_drawn_at_any_size_with_nothing_around_it(look, size):
    icon = draw(look, size, is_dark=True)

    assert ("RGBA", (size, size)) == (icon.mode, icon.size)
    assert 0 == icon.getpixel((0, 0))[3]


@pytest.mark.parametrize("is_dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize("look", LOOKS)
def test_it_stands_out_from_its_panel(look, is_dark):
    panel = Image.new("L", (16, 16), sum(PANELS[is_dark]) // 3)

    assert difference(on_panel(look, 16, is_dark=is_dark), panel) > 256 * 0.1


@pytest.mark.parametrize("is_dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize(("one", "other"), list(combinations(LOOKS, 2)))
def test_no_two_looks_differ_by_colour_alone(one, other, is_dark):
    shapes = [on_panel(look, 24, is_dark=is_dark) for look in (one, other)]

    assert difference(*shapes) >= 12


def test_a_night_fills_up():
    half, full = (draw("night", 64, is_dark=True, percent=percent) for percent in (30, 95))
    inked = [sum(image.getchannel("A").histogram()[128:]) for image in (half, full)]

    assert inked[0] < inked[1]
