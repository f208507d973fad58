"""A menu that we draw ourselves."""

import pytest

from tray.state import LINE, Action, Entry
from tray.x11_menu import BACK, draw, lay_out

DO = Action(does="night")
MENU = (
    Entry(label="Ready"),
    LINE,
    Entry(label="Open", action=DO),
    Entry(label="More", below=(Entry(label="x"),)),
)


def test_a_point_is_on_the_row_that_is_seen_there():
    sheet = lay_out(MENU)
    middles = [(row.top + row.bottom) // 2 for row in sheet.rows]

    assert [None, None, 2, 3] == [sheet.at(20, y) for y in middles]
    assert [None] * 4 == [
        sheet.at(-1, 5),
        sheet.at(sheet.width, 5),
        sheet.at(5, -1),
        sheet.at(5, sheet.height),
    ]


@pytest.mark.parametrize(
    ("chosen", "step", "found"), [(None, 1, 2), (None, -1, 3), (2, 1, 3), (3, 1, 2), (2, -1, 3), (0, 1, 2)]
)
def test_the_keys_go_round_over_what_can_be_chosen(chosen, step, found):
    assert found == lay_out(MENU).next(chosen, step)
    assert 0 == lay_out((BACK, LINE, *MENU)).next(None, 1)
    assert None is lay_out((Entry(label="One moment…"), LINE)).next(None, 1)


def test_every_word_fits():
    wide = lay_out((Entry(label="W" * 64, action=DO),))

    assert wide.width > wide.font.getlength("W" * 64) + 30


@pytest.mark.parametrize("is_dark", [True, False])
def test_the_chosen_row_is_seen(is_dark):
    sheet = lay_out(MENU)

    assert (
        draw(sheet, chosen=2, is_dark=is_dark).tobytes()
        != draw(sheet, chosen=None, is_dark=is_dark).tobytes()
    )


def test_on_a_fine_screen_it_is_larger():
    plain, fine = lay_out(MENU), lay_out(MENU, scale=2.0)

    assert 1.9 < fine.height / plain.height < 2.1
    assert 1.8 < fine.width / plain.width < 2.2
