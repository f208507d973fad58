"""The command line as a whole: what it loads, its help, a slip of the finger, and the streams it is started with."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.cli.main import COMMANDS, LazyGroup, cli, load

ROOT = Path(__file__).parents[3]
DOCS = "\n".join(file.read_text() for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
NAMES = [name for group in COMMANDS.values() for name in group]


def every_command():
    """All commands and groups with the words that are typed for them."""
    waiting = [((name,), load(name)) for name in NAMES]
    while waiting:
        words, command = waiting.pop()
        yield words, command
        waiting += [((*words, name), one) for name, one in getattr(command, "commands", {}).items()]


EVERY = [words for words, _ in every_command()]
JSON_LISTINGS = (
    "status|memories|memories list|memories search|memories as-of|memories show|memories history|memories audit|"
    "memories tend|why|import|forget|night|night list|night report|generations|generations list|generations show|"
    "generations compare|generations use|generations rollback|generations export|export"
)


def help_of(*words):
    shown = CliRunner(env={"COLUMNS": "100"}).invoke(cli, [*words, "--help"])
    assert 0 == shown.exit_code, shown.output
    return shown.output


def process(*words, code="from daemon.cli.main import main; main()", **environment):
    """The program itself, as a process."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", f"import sys; sys.argv[0] = 'tsubasa'\n{code}", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def loaded(*words):
    """The modules that the program has loaded when it is done."""
    code = "import atexit\nfrom daemon.cli.main import main\n"
    code += "atexit.register(lambda: sys.stderr.write('\\n'.join(sys.modules)))\nmain()"
    return set(process(*words, code=code).stderr.split())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_each_help_says_what_for_and_ends_in_an_example_that_can_be_typed(words):
    page = help_of(*words)
    lines = re.split(r"Examples?:\n", page)[1].strip().splitlines()

    assert re.fullmatch(r"  [A-Z].{9,}\.", page.split("\n\n")[1], re.DOTALL)
    assert lines[-1].strip().startswith("tsubasa " + words[0])
    for line in (line.strip() for line in lines):
        arguments = re.findall(r'"[^"]*"|\S+', line.removeprefix("tsubasa "))
        path, command = list(arguments), LazyGroup(name="tsubasa")
        with command.make_context("tsubasa", [], resilient_parsing=True) as context:
            while path and hasattr(command, "get_command") and not path[0].startswith("-"):
                command = command.get_command(context, path.pop(0))
                assert command is not None, line
        command.make_context(line, [one.strip('"') for one in path])  # raises for what it does not know


@pytest.mark.parametrize("name", NAMES)
def test_each_command_is_in_the_documentation(name):
    assert f"tsubasa {name}" in DOCS


@pytest.mark.parametrize("words", JSON_LISTINGS.split("|"))
def test_each_listing_can_be_had_as_json(words):
    assert "--json" in help_of(*words.split())


def test_the_help_page_is_the_golden_one():
    pages = [process(*words, COLUMNS="80").stdout for words in (["--help"], [], ["-h"], ["help"])]

    assert [(Path(__file__).parent / "help.txt").read_text()] * 4 == pages


def test_help_and_completion_load_no_command():
    heavy = {"rich", "httpx", "pydantic", "fastapi", "numpy", "apsw", "asyncio"}
    completing = {"_TSUBASA_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "tsubasa "}

    for words in (["--help"], []):
        found = loaded(*words)
        assert set() == heavy & found
        assert {"daemon.cli.main"} == {name for name in found if name.startswith("daemon.cli.")}
    offered = process(**completing).stdout
    assert [] == [name for name in NAMES if f'"{name}"' not in offered]


def test_the_help_of_a_command_loads_neither_the_client_nor_another_command():
    found = loaded("memories", "--help")

    names = ("main", "memories", "output", "proposals")
    assert {f"daemon.cli.{one}" for one in names} == {
        name for name in found if name.startswith("daemon.cli.")
    }
    assert set() == found & {"httpx", "daemon.client.client", "fastapi", "numpy"}


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [(["memoires"], "'memories'"), (["memories", "lst"], "'list'"), (["qqqqqq"], "")],
)
def test_a_slip_of_the_finger_is_answered_with_the_nearest_command(typed, suggested):
    shown = CliRunner().invoke(cli, typed)

    assert 2 == shown.exit_code
    assert suggested == (re.findall(r"Did you mean ('\w+')", shown.output) or [""])[0]


def test_an_error_is_one_line_with_the_next_command_to_type(tmp_path):
    done = process("memories", "--home", str(tmp_path / "none\x1b[31m"))

    assert (1, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("tsubasa: ") and done.stderr.endswith("tsubasa up\n")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("words", [["memories", "--json", "list"], ["night", "--home", "x", "list"]])
def test_an_option_in_front_of_the_word_that_it_is_for_is_an_error(words):
    shown = CliRunner().invoke(cli, words)

    assert 2 == shown.exit_code
    assert f"behind '{words[-1]}'" in " ".join(shown.output.split())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("tsubasa memories se", "search"), ("tsubasa generations export --me", "--merged")],
)
def test_the_shell_completes_commands_and_options(line, wanted):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = process(_TSUBASA_COMPLETE="complete_bash", **words)

    assert (0, [wanted]) == (done.returncode, done.stdout.split())


def test_what_goes_into_an_assistants_settings_is_in_the_help_as_json():
    (line,) = (line for line in help_of("mcp").splitlines() if "mcpServers" in line)

    assert {"mcpServers": {"tsubasa": {"command": "tsubasa", "args": ["mcp"]}}} == json.loads(line)


def shell(line, **environment):
    """What a shell's line gives; TSUBASA in it is the program."""
    whole = line.replace("TSUBASA", f"{shlex.quote(sys.executable)} -m daemon")
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["sh", "-c", whole], env=env, capture_output=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", ["--help", "--version", "pull --list --json"])
def test_a_result_that_can_not_be_written_is_one_line(words):
    done = shell(f"TSUBASA {words} > /dev/full")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("words", ["--help", "pull --list"])
def test_nobody_reading_is_no_error(words):
    assert (0, b"") == ((done := shell(f"TSUBASA {words} >&-")).returncode, done.stderr)
    assert b"" == shell(f"TSUBASA {words} | true").stderr


def test_without_input_a_chat_ends_in_one_line(tmp_path):
    done = shell(f"TSUBASA chat --home {tmp_path} <&-")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))


def test_what_the_output_has_no_letter_for_appears_as_a_question_mark(tmp_path):
    (tmp_path / "\u00e9.jsonl").write_text('{"role": "user", "text": "I sing."}\n')
    done = shell(f"TSUBASA import --dry-run {tmp_path}/*.jsonl", PYTHONIOENCODING="ascii:strict")

    assert (0, b"") == (done.returncode, done.stderr)
    assert done.stdout.startswith(b"?.jsonl (JSONL chat log)")
