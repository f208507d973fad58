"""The word in the page's corner."""

import pytest

from daemon.web.layout import state_of

QUIET = {
    "attention": [],
    "logging": {"on": True, "until": None},
    "thinking": {"answers": 0, "off_the_record": 0},
    "work": {"failure": None, "night": {"progress": None}},
    "reindex": None,
    "generation": 2,
}
NIGHT = {"failure": None, "night": {"progress": {"done": 21, "total": 50, "unit": "steps", "note": ""}}}
FULL = {"what": "The disk is full.", "do": "Make room."}


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({}, "good", "Ready"),
        ({"thinking": {"answers": 1}}, "busy", "Thinking"),
        ({"reindex": {"done": 1}}, "busy", "Indexing"),
        ({"work": NIGHT, "thinking": {"answers": 1}}, "night", "Night 42 %"),
        ({"work": NIGHT, "logging": {"on": False, "until": None}}, "paused", "Paused"),
        ({"attention": [FULL], "work": NIGHT}, "bad", "Needs attention"),
    ],
)
def test_what_matters_most_is_said(more, kind, words):
    found = state_of({**QUIET, **more})

    assert (kind, words) == (found.kind, found.words)


def test_the_reason_is_told_to_who_asks():
    found = state_of({**QUIET, "attention": [FULL]})

    assert "The disk is full. Make room." == found.more
