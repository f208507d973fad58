"""What the icon shows for what the daemon tells."""

from datetime import UTC, datetime

import pytest

from tests.tray.samples import CONFIRMATION, GENERATIONS, TROUBLE, progress, told
from tray.state import LINE, LONGEST, Action, Entry, Seen, view


def seen(*, confirmations=(), **status):
    return Seen(status=told(**status), generations=GENERATIONS, confirmations=confirmations)


def entries(menu):
    """All entries, also those below others."""
    return [one for entry in menu for one in (entry, *entries(entry.below))]


def find(view, label):
    """The one entry whose label begins so."""
    (found,) = [entry for entry in entries(view.menu) if entry.label.startswith(label)]
    return found


def does(view):
    return [(entry.action.does, entry.action.to) for entry in entries(view.menu) if entry.action]


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
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_state_has_its_look(what, look):
    assert look == view(what).look


@pytest.mark.parametrize(
    ("both", "look"),
    [
        (seen(answers=1, night=progress(1, 2)), "thinking"),
        (seen(answers=1, off=1, logging=False), "paused"),
        (seen(logging=False, attention=(TROUBLE,)), "attention"),
        (seen(attention=(TROUBLE,), confirmations=(CONFIRMATION,)), "asked"),
    ],
    ids=["a chat before the night", "pause", "trouble", "a question to the person first of all"],
)
def test_of_two_states_the_more_urgent_one_is_shown(both, look):
    assert look == view(both).look


@pytest.mark.parametrize(
    ("night", "percent", "title"),
    [
        (progress(41, 100), 41, "Tsubasa: night: training, 41 %"),
        (progress(0, 0, "beginning"), None, "Tsubasa: night: beginning"),
        (progress(7, 5), 100, "Tsubasa: night: training, 100 %"),
        (progress(2, 3, ""), 66, "Tsubasa: night: under way, 66 %"),
    ],
)
def test_a_night_tells_how_far_it_is(night, percent, title):
    shown = view(seen(night=night))

    assert (percent, title) == (shown.percent, shown.title)


def test_a_daemon_that_does_not_run_can_be_started_and_nothing_else():
    shown = view(Seen())

    assert "Tsubasa is not running" == shown.title
    assert [("start", ""), ("quit", "")] == does(shown)


def test_a_daemon_that_starts_is_not_started_twice():
    shown = view(Seen(starting=True))

    assert ("Tsubasa is starting…", [("quit", "")]) == (shown.title, does(shown))


def test_a_click_opens_the_page():
    assert [Action(does="open", to="/")] == [entry.action for entry in view(seen()).menu if entry.default]


def test_a_private_chat_is_one_click_away():
    assert Action(does="open", to="/?private=1") == find(view(seen()), "New private chat").action


def test_logging_can_be_paused_for_a_while_or_until_it_is_resumed():
    pause = find(view(seen()), "Pause logging")

    assert [("pause", "30"), ("pause", "120"), ("pause", "0")] == [
        (entry.action.does, entry.action.to) for entry in pause.below
    ]


def test_a_pause_says_until_when_and_can_be_ended():
    until = datetime(2026, 3, 5, 14, 30).astimezone().astimezone(UTC).isoformat()  # half past two here
    shown = view(seen(logging=False, until=until))

    assert Action(does="resume") == find(shown, "Resume logging (paused until 14:30)").action
    assert "pause" not in [what for what, _ in does(shown)]


def test_a_night_that_runs_is_not_ordered_again():
    assert ("night", "") in does(view(seen()))
    assert ("night", "") not in does(view(seen(night=progress(1, 2))))


def test_every_generation_that_can_answer_is_one_click_away():
    below = find(view(seen()), "Generation: 2").below

    assert [("2", True), ("1", False), ("0", False)] == [(one.action.to, one.checked) for one in below]


def test_without_a_generation_the_base_model_answers():
    shown = view(Seen(status=told(generation=0)))

    assert "Tsubasa: ready, with the base model" == shown.title
    assert [True] == [entry.checked for entry in find(shown, "Generation: base model").below]


def test_of_many_generations_the_newest_are_listed_and_the_live_one():
    many = [{"id": n, "made_at": "2026-11-01", "why_not": None} for n in range(1, 41)]
    shown = view(Seen(status=told(), generations={"live": 3, "generations": many}))
    listed = [int(entry.action.to) for entry in find(shown, "Generation: 3").below]

    assert [40, 39, 38, 37, 36, 35, 34, 33, 3, 0] == listed


def test_a_confirmation_quotes_what_it_is_about_before_it_can_be_allowed():
    asked = find(view(seen(confirmations=(CONFIRMATION,))), "? Some Editor")

    assert "“The user lives in Ghent.”" == asked.below[0].label
    assert [("allow", "c1"), ("refuse", "c1"), ("open", "/")] == [
        (entry.action.does, entry.action.to) for entry in asked.below if entry.action
    ]


def test_a_confirmation_of_an_edit_quotes_both_wordings():
    edit = CONFIRMATION | {"act": "edit", "says": "It wants to edit.", "text": "The user lives in Oslo."}
    asked = find(view(seen(confirmations=(edit,))), "? It wants")
    labels = [entry.label for entry in asked.below if entry.label]

    assert ["“The user lives in Ghent.”", "to be put as:", "“The user lives in Oslo.”"] == labels[:3]
    assert "Allow the change" in labels


def test_a_confirmation_of_many_memories_says_how_many_are_not_quoted():
    many = CONFIRMATION | {"memories": [{"id": n, "text": f"Fact {n}."} for n in range(9)]}

    assert "and 6 more" in [entry.label for entry in entries(view(seen(confirmations=(many,))).menu)]


def test_a_trouble_says_what_and_what_to_do():
    trouble = find(view(seen(attention=(TROUBLE,))), "! The engine")

    assert ["Make room."] == [entry.label for entry in trouble.below if entry.label and not entry.action]


LONG = "word " * 200 + "x" * 500


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


def test_the_same_seen_is_shown_the_same():
    assert view(seen(answers=1)) == view(seen(answers=1))
    assert Entry(label="a") != LINE
