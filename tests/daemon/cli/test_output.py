"""What a terminal gets to see of texts that somebody else wrote."""

import io
import json
import os

import pytest
from rich.markup import escape
from typer.testing import CliRunner

from daemon.cli.main import cli
from daemon.cli.output import Terminal, as_json, as_line, table, waiting

EVIL = "\x1b]52;c;cm0gLXJmIH4=\x07\x1b[2Jred\x9b31m\x7f\b\x00\u202eder"
SEEN = "␛]52;c;cm0gLXJmIH4=␛[2Jred\ufffd31m␡␀\ufffdder"  # rich leaves bells and backspaces out


def printed(*things, **how):
    written = io.StringIO()
    Terminal(file=written, force_terminal=True, width=200, color_system="standard", highlight=False).print(
        *things, **how
    )
    return written.getvalue()


@pytest.mark.parametrize("how", [{}, {"markup": False}, {"soft_wrap": True}, {"end": ""}])
def test_control_characters_of_a_text_are_shown_and_not_obeyed(how):
    text = EVIL if how.get("markup") is False else escape(EVIL)

    assert SEEN == printed(text, **how).rstrip("\n")


def test_so_are_those_in_a_table():
    made = table("id", "memory")
    made.add_row("1", escape(EVIL))

    assert "␛]52;c;" in printed(made)
    assert "\x1b]" not in printed(made)


def test_our_own_colours_and_the_lines_of_a_text_stay():
    assert "\x1b[1mbold\x1b[0m\ntwo three\n" == printed("[bold]bold[/]\r\ntwo three")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_file_name_that_is_no_text_is_shown_all_the_same(tmp_path, words):
    file = tmp_path / os.fsdecode(b"\xff.jsonl")
    file.write_text('{"role": "user", "text": "I sing."}\n')
    shown = CliRunner().invoke(cli, ["import", "--dry-run", str(file), *words])

    assert 0 == shown.exit_code
    assert "\ufffd.jsonl" in shown.stdout


def test_nothing_but_the_result_is_written_where_nobody_looks(capsys):
    with waiting("a long time") as bar:
        bar.update("half", done=1, total=2)

    assert ("", "") == tuple(capsys.readouterr())


HOSTILE = "a\x1b[31m\x9b31m\x7f\x85\u202eb\u2066c\ud800d\r\n é 猫"


@pytest.mark.parametrize("show", [as_json, as_line])
def test_json_holds_nothing_that_a_terminal_obeys_and_says_the_same(show, capsys):
    show({"text": HOSTILE})
    said = capsys.readouterr().out

    assert {"text": HOSTILE} == json.loads(said)
    assert "é 猫" in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)
