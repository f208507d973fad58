"""A morning report in prose says what is in the report, and nothing else."""

import pytest

from daemon.client.report_text import OUTCOMES, headline, paragraphs, sections
from daemon.exam.acceptance import WORDS
from store.nights import OUTCOMES as ALL

PAUSED = {"total_s": 100.0, "train_s": 90.0, "pauses": 2, "paused_s": 12.0}


def report(**changes):
    given = {
        "outcome": "adopted",
        "not_yet": [],
        "not_asked": [],
        "reason": "it knows 3 more",
        "generation": 4,
        "was_live": 2,
        "gave_way_to": None,
        **{"lessons": 51, "memories": 17, "learned": [1, 2, 3], "corrected": [], "missed": []},
        "left_out": 0,
        "forgot": dict.fromkeys(("memories", "messages", "lessons", "generations"), 0),
        "forgotten_since": 0,
        "probed": None,
        "cost": {"total_s": 486.0, "train_s": 392.0, "pauses": 0, "swap_ms": 0.13},
    }
    return given | changes


@pytest.mark.parametrize(
    ("changes", "parts", "never"),
    [
        ({}, ["51 lessons", "17 memories", "generation 4", "knows 3 more", "8 minutes", "0.1 "], ["missed"]),
        ({"missed": [1, 2]}, ["two questions"], []),
        ({"gave_way_to": 0}, ["the base model", "it knows 3 more"], ["answers since"]),
        ({"gave_way_to": 3}, ["generation 3"], ["answers since"]),
        ({"reason": "", "gave_way_to": 0}, [], ["exam"]),
        ({"outcome": "refused", "reason": WORDS["abstain"]}, [WORDS["abstain"], "Generation 2 goes on"], []),
        ({"outcome": "refused", "was_live": 0}, ["The base model goes on", "tsubasa night"], []),
        ({}, [], ["tsubasa night"]),
        (
            {"forgot": {"memories": 2, "messages": 1, "lessons": 0}},
            ["2 memories and 1 message"],
            ["lessons;"],
        ),
        ({"forgotten_since": 1}, ["One line"], []),
        ({"left_out": 3}, ["3 lessons"], []),
        ({"probed": "3 were probed."}, ["3 were probed."], []),
        ({"cost": {"total_s": 319.0, "train_s": 303.0}}, ["5 minutes"], ["of them"]),
        ({"cost": PAUSED}, ["2 times for 12 seconds"], ["milliseconds"]),
    ],
)
def test_the_prose_has_the_facts_of_the_report_and_no_others(changes, parts, never):
    said = " ".join(paragraphs(report(**changes)))

    assert [] == [part for part in parts if part not in said]
    assert [] == [part for part in never if part in said]


@pytest.mark.parametrize("outcome", [*ALL, "running"])
def test_every_outcome_has_a_headline_a_chip_and_something_to_say(outcome):
    given = report(outcome=outcome, learned=[], cost={})

    assert headline(given).endswith(".")
    assert OUTCOMES[outcome][0]
    assert paragraphs(given)[0]


def test_the_sections_are_the_lists_of_the_report():
    given = report(outcome="refused", taken_back=[], waiting=[8], not_yet=[4])
    found = {kind: entries for kind, _, entries in sections(given)}

    assert {"learned": [1, 2, 3], "corrected": [], "not_yet": [4], "not_asked": []} | {
        "gone": [],
        "missed": [],
        "waits": [8],
    } == found
