"""What an unexpected exception leaves in the log."""

import io
import logging

from daemon.lifecycle.log_redaction import leave_words_out

SAID = "I am seeing Dr. Weiss about it"


def logged(fail):
    """What a logger of its own writes of what `fail` raises."""
    root = logging.Logger("of the test")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)-7s %(message)s"))
    root.addHandler(handler)
    leave_words_out(root)
    try:
        fail()
    except Exception as error:  # noqa: BLE001  the test of exactly this
        root.error("A bug", exc_info=error)
    return written.getvalue()


def test_the_place_and_the_kind_are_written_and_the_words_are_not():
    def fail():
        int(SAID)

    text = logged(fail)

    assert text.startswith("ERROR   A bug\n")
    assert "ValueError" in text and "in fail" in text
    assert "Weiss" not in text


def test_causes_are_written_so_too():
    def fail():
        try:
            raise KeyError(SAID)
        except KeyError as error:
            raise RuntimeError(SAID) from error

    text = logged(fail)

    assert "RuntimeError" in text and "because of" in text and "KeyError" in text
    assert "Weiss" not in text
