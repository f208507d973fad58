"""What is printed for scripts."""

import json

import pytest

from daemon.cli.output import as_json, as_line

HOSTILE = "a\x1b[31m\x9b31m\x7f\x85\u202eb\u2066c\ud800d\r\n é 猫"


@pytest.mark.parametrize("show", [as_json, as_line])
def test_json_holds_nothing_that_a_terminal_obeys_and_says_the_same(show, capsys):
    show({"text": HOSTILE})
    said = capsys.readouterr().out

    assert {"text": HOSTILE} == json.loads(said)
    assert "é 猫" in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)
