"""What an unexpected exception leaves in the log."""

import io
import logging

import pytest

from daemon.cli.up import leave_words_out

SAID = "I am seeing Dr. Weiss about it"


def fail():
    int(SAID)


def fail_by_another():
    try:
        raise KeyError(SAID)
    except KeyError as error:
        raise RuntimeError(SAID) from error


@pytest.mark.parametrize(
    ("action", "written"),
    [
        (fail, ["ERROR   A bug\n", "ValueError", "in fail"]),
        (fail_by_another, ["RuntimeError", "because of", "KeyError"]),
    ],
)
def test_place_and_kind_are_written_and_the_words_are_not(action, written):
    root, text = logging.Logger("of the test"), io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)-7s %(message)s"))
    root.addHandler(handler)
    leave_words_out(root)
    try:
        action()
    except Exception as error:  # noqa: BLE001  the test of exactly this
        root.error("A bug", exc_info=error)

    assert all(part in text.getvalue() for part in written)
    assert "Weiss" not in text.getvalue()
