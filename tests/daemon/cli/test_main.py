"""The command line as a whole: what it loads, what its help tells, what it says to a slip."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.cli import front, up
from daemon.cli.main import Root, cli, load
from daemon.home import Home, Running
from daemon.serve import Serving

ROOT = Path(__file__).parents[3]
HEAVY = ("typer", "rich", "httpx", "pydantic", "fastapi", "numpy", "apsw", "asyncio", "daemon.cli.up")
DOCS = "\n".join(file.read_text() for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))


def every_command():
    """All commands and groups with the words that are typed for them."""
    waiting = [((name,), load(name, front.place(name))) for name in front.names()]
    while waiting:
        words, command = waiting.pop()
        yield words, command
        waiting += [((*words, name), one) for name, one in getattr(command, "commands", {}).items()]


EVERY = [words for words, _ in every_command()]
LISTINGS = [  # whatever shows what is held
    *(["status"], ["memories"], ["memories", "list"], ["memories", "search"], ["memories", "as-of"]),
    *(["memories", "show"], ["memories", "history"], ["memories", "audit"], ["memories", "tend"], ["why"]),
    *(["import"], ["forget"], ["night"], ["night", "list"], ["night", "report"]),
    *(["generations"], ["generations", "list"], ["generations", "show"], ["generations", "compare"]),
    *(["generations", "use"], ["generations", "rollback"], ["generations", "export"], ["export"]),
]


def helped(*words):
    shown = CliRunner(env={"COLUMNS": "100"}).invoke(cli, [*words, "--help"])
    assert 0 == shown.exit_code, shown.output
    return shown.output


def typed(*words, **environment):
    """The program itself, as a process."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words], env=env, capture_output=True, text=True, timeout=60
    )


def loaded(*words):
    """The modules that the program has loaded when it is done."""
    code = (
        "import sys\nsys.argv = ['tsubasa', *sys.argv[1:]]\nfrom daemon.cli.front import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('\\n'.join(sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_each_help_says_what_for_and_ends_in_an_example_of_it(words):
    told = helped(*words)
    example = told.rstrip().splitlines()[-1].strip()

    assert re.fullmatch(r"  [A-Z].{9,}\.", told.split("\n\n")[1], re.DOTALL), (
        "no sentence says what it is for"
    )
    assert example.startswith("tsubasa " + words[0]), told
    assert "for example:" not in told.lower()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_each_example_can_be_typed_as_it_stands(words):
    lines = re.split(r"Examples?:\n", helped(*words))[1].strip().splitlines()
    for line in (line.strip() for line in lines):
        arguments = re.findall(r'"[^"]*"|\S+', line.removeprefix("tsubasa "))
        path, command = list(arguments), Root(name="tsubasa")
        with command.make_context("tsubasa", [], resilient_parsing=True) as context:
            while path and hasattr(command, "get_command") and not path[0].startswith("-"):
                command = command.get_command(context, path.pop(0))
                assert command is not None, line
        command.make_context(line, [one.strip('"') for one in path])  # raises for what it does not know


@pytest.mark.parametrize("name", front.names())
def test_each_command_of_the_table_is_in_the_documentation(name):
    assert f"tsubasa {name}" in DOCS


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_whatever_is_listed_can_be_had_as_json(words):
    assert "--json" in helped(*words)


def test_the_first_page_names_every_command_and_ends_in_an_example():
    page = typed("--help")

    assert (0, "") == (page.returncode, page.stderr)
    assert page.stdout == typed().stdout == typed("-h").stdout == helped()
    assert [] == [name for name in front.names() if f"\n  {name} " not in page.stdout]
    assert page.stdout.endswith(f"Example: {front.EXAMPLE}\n")
    assert max(map(len, page.stdout.splitlines())) <= 100


@pytest.mark.parametrize("words", [["--help"], [], ["--version"]])
def test_the_first_page_loads_nothing_heavy(words):
    found = loaded(*words)

    assert [] == [name for name in HEAVY if name in found]


def test_a_command_loads_neither_the_client_nor_the_other_commands_for_its_help():
    found = loaded("memories", "--help")

    assert "daemon.cli.memories" in found
    assert set() == found & {
        "httpx",
        "daemon.client.client",
        "daemon.cli.chat",
        "daemon.cli.demo_run.run",
        "fastapi",
        "numpy",
    }


def test_a_slip_is_answered_with_the_nearest_command():
    shown = CliRunner().invoke(cli, ["memoires"])

    assert 2 == shown.exit_code
    assert "There is no command 'memoires'. Did you mean: tsubasa memories?" in shown.output
    assert "Did you mean 'list'?" in CliRunner().invoke(cli, ["memories", "lst"]).output
    assert "Did you mean" not in CliRunner().invoke(cli, ["qqqqqq"]).output


def test_an_error_is_one_line_with_the_next_command_to_type(tmp_path):
    done = typed("memories", "--home", str(tmp_path / "none"))

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("tsubasa: No daemon answers for ")
    assert done.stderr.endswith("Start it with: tsubasa up\n")
    assert 1 == done.stderr.count("\n")


@pytest.mark.parametrize("words", [["memories", "--json", "list"], ["night", "--home", "x", "list"]])
def test_an_option_in_front_of_the_word_that_it_is_for_is_told(words):
    shown = CliRunner().invoke(cli, words)

    assert 2 == shown.exit_code
    assert f"behind '{words[-1]}'" in " ".join(shown.output.split())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("tsubasa me", "memories"),
        ("tsubasa memories se", "search"),
        ("tsubasa generations export --me", "--merged"),
    ],
)
def test_the_shell_completes_commands_and_options(line, wanted):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = typed(_TSUBASA_COMPLETE="complete_bash", **words)

    assert (0, [wanted]) == (done.returncode, done.stdout.split())


def test_a_shell_is_told_of_commands_without_loading_one():
    done = typed(_TSUBASA_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="tsubasa ")

    assert [] == [name for name in front.names() if f'"{name}"' not in done.stdout]


def test_the_version_is_told():
    assert re.fullmatch(r"tsubasa \S+\n", typed("--version").stdout)


def test_what_goes_into_an_assistants_settings_is_in_the_help_as_json():
    told = CliRunner().invoke(cli, ["mcp", "--help"]).output
    (line,) = (line for line in told.splitlines() if "mcpServers" in line)

    assert {"mcpServers": {"tsubasa": {"command": "tsubasa", "args": ["mcp"]}}} == json.loads(line)
    assert "write into its settings" not in told


def test_the_base_model_is_not_said_to_answer_for_want_of_a_night(tmp_path, capsys):
    """A generation that was forgotten, or gone back from, leaves it answering as well."""
    running = Running(pid=1, port=1, url="http://127.0.0.1:1")
    up._tell(
        "one thread",
        Serving(
            home=Home(tmp_path), running=running, model="m", model_path=tmp_path, is_nano=False, generation=0
        ),
    )

    told = capsys.readouterr().out
    assert "Answers   the base model\n" in told
