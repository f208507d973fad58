"""What the icon shows for what the daemon tells."""

from datetime import UTC, datetime

import pytest

from tests.tray.samples import CONFIRMATION, GENERATIONS, TROUBLE, progress, told
from tray.state import LINE, LONGEST, Action, Seen, view

LONG = "word " * 200 + "x" * 500
GHENT = "“The user lives in Ghent.”"
MANY = [{"id": n, "text": f"Fact {n}."} for n in range(9)]
EDIT = CONFIRMATION | {"act": "edit", "text": "The user lives in Oslo."}


def seen(*, confirmations=(), **status):
    return Seen(status=told(**status), generations=GENERATIONS, confirmations=confirmations)


def entries(menu):
    """All entries, also those below others."""
    return [one for entry in menu for one in (entry, *entries(entry.below))]


def find(view, label):
    """The one entry whose label begins so."""
    (found,) = [entry for entry in entries(view.menu) if entry.label.startswith(label)]
    return found


def labels(entry):
    """What stands below an entry, without what can be chosen."""
    return [one.label for one in entry.below if one.label and not one.action]


def does(menu):
    return [(entry.action.does, entry.action.to) for entry in entries(menu) if entry.action]


@pytest.mark.parametrize(
    ("what", "look"),
    [
        (seen(), "ready"),
        (seen(answers=1), "thinking"),
        (seen(answers=1, off=1), "off the record"),
        (seen(night=progress(1, 2)), "night"),
        (seen(logging=False), "paused"),
        (seen(attention=(TROUBLE,)), "attention"),
        (seen(confirmations=(CONFIRMATION,)), "asked"),
        (Seen(), "down"),
        (seen(answers=1, night=progress(1, 2)), "thinking"),
        (seen(answers=1, off=1, logging=False), "paused"),
        (seen(logging=False, attention=(TROUBLE,)), "attention"),
        (seen(attention=(TROUBLE,), confirmations=(CONFIRMATION,)), "asked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_most_urgent_state_gives_the_look(what, look):
    assert look == view(what).look


@pytest.mark.parametrize(
    ("night", "percent"),
    [(progress(41, 100), 41), (progress(0, 0, "beginning"), None), (progress(7, 5), 100)],
)
def test_a_night_tells_how_far_it_is(night, percent):
    shown = view(seen(night=night))

    assert percent == shown.percent
    assert percent is None or shown.title.endswith(f"{percent} %")


def test_a_pause_says_until_when_and_can_be_ended():
    until = datetime(2026, 3, 5, 14, 30).astimezone().astimezone(UTC).isoformat()  # half past two here
    shown = view(seen(logging=False, until=until))
    resume = find(shown, "Resume logging")

    assert ("14:30" in resume.label, Action(does="resume")) == (True, resume.action)
    assert "pause" not in [what for what, _ in does(shown.menu)]


@pytest.mark.parametrize(
    ("generations", "live", "listed"),
    [
        ([1, 2], 2, [2, 1, 0]),
        ([1, 2], 0, [2, 1, 0]),
        (range(1, 41), 3, [40, 39, 38, 37, 36, 35, 34, 33, 3, 0]),
        ([], 0, [0]),
    ],
)
def test_the_newest_generations_are_one_click_away_with_the_live_one_and_the_base(generations, live, listed):
    able = [{"id": n, "made_at": "2026-11-01", "why_not": None} for n in generations]
    refused = {"id": 99, "made_at": "2026-11-01", "why_not": "it was refused"}
    found = Seen(status=told(generation=live), generations={"live": live, "generations": [*able, refused]})
    below = find(view(found), "Generation: ").below

    assert listed == [int(one.action.to) for one in below]
    assert [live] == [int(one.action.to) for one in below if one.checked]


@pytest.mark.parametrize(
    "what",
    [
        seen(attention=({"kind": "work", "what": LONG, "do": LONG},)),
        seen(confirmations=(CONFIRMATION | {"says": LONG, "text": LONG},)),
        seen(confirmations=(CONFIRMATION | {"memories": [{"id": 1, "text": LONG}] * 9},)),
        seen(night=progress(1, 2, LONG)),
        Seen(why_down=LONG),
        seen(attention=({"kind": "work", "what": "two\nlines\tand\ttabs", "do": "\n"},)),
    ],
)
def test_no_line_is_longer_than_a_menu_is_wide(what):
    shown = view(what)
    lines = [entry.label for entry in entries(shown.menu)] + [shown.title]

    assert [] == [line for line in lines if len(line) > LONGEST or "\n" in line or "\t" in line]


@pytest.mark.parametrize("what", [seen(), seen(attention=(TROUBLE,), confirmations=(CONFIRMATION,)), Seen()])
def test_groups_are_set_apart_by_single_lines(what):
    menu = view(what).menu

    assert LINE not in (menu[0], menu[-1])
    assert (LINE, LINE) not in zip(menu, menu[1:], strict=False)
    assert view(what) == view(what)


@pytest.mark.parametrize(
    ("what", "label", "below"),
    [
        (seen(attention=(TROUBLE,)), "! The engine", [TROUBLE["do"]]),
        (seen(confirmations=(CONFIRMATION,)), "? Some Editor", [GHENT]),
        (seen(confirmations=(CONFIRMATION | {"memories": MANY},)), "? Some Editor", ["“Fact 0.”", "6"]),
        (seen(confirmations=(EDIT,)), "? Some Editor", [GHENT, "“The user lives in Oslo.”"]),
    ],
    ids=["a trouble", "a confirmation", "of many memories", "of an edit"],
)
def test_below_stands_what_it_is_about(what, label, below):
    first, *_, last = [*labels(find(view(what), label))] * 2

    assert below[0] == first
    assert below[-1] in last


@pytest.mark.parametrize(
    ("menu", "possible"),
    [
        (view(Seen()).menu, [("start", ""), ("quit", "")]),
        (view(Seen(starting=True)).menu, [("quit", "")]),
        (find(view(seen()), "Pause logging").below, [("pause", "30"), ("pause", "120"), ("pause", "0")]),
        ([find(view(seen()), "New private chat")], [("open", "/?private=1")]),
        (
            find(view(seen(confirmations=(CONFIRMATION,))), "? Some Editor").below,
            [("allow", "c1"), ("refuse", "c1"), ("open", "/")],
        ),
    ],
    ids=["down", "starting", "a pause", "a private chat", "a confirmation"],
)
def test_what_can_be_done_there(menu, possible):
    assert possible == does(menu)


def test_a_click_opens_the_page_and_a_night_that_runs_is_not_ordered_again():
    menu = view(seen()).menu

    assert [Action(does="open", to="/")] == [entry.action for entry in menu if entry.default]
    assert ("night", "") in does(menu)
    assert ("night", "") not in does(view(seen(night=progress(1, 2))).menu)
