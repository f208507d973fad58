"""Programs that could use Tsubasa are found by their command or folder, each with its line."""

import shlex
import tomllib
from pathlib import Path

import pytest

from daemon.diagnostics import clients

TABLE = tomllib.loads((Path(clients.__file__).parent / "clients.toml").read_text())["client"]
URL = "http://127.0.0.1:4141"


def found(tmp_path, *marks):
    """What is found on a machine that has these commands and folders."""
    bin_, user = tmp_path / "bin", tmp_path / "user"
    bin_.mkdir(), user.mkdir()
    for mark in marks:
        if mark.startswith("~/"):
            (user / mark.removeprefix("~/")).mkdir(parents=True)
        else:
            (bin_ / mark).write_text("#!/bin/sh\n")
            (bin_ / mark).chmod(0o755)
    return clients.find(URL, tmp_path / "my home" / "api_key", user=user, path=str(bin_))


def test_an_empty_machine_has_none(tmp_path):
    assert [] == found(tmp_path)


@pytest.mark.parametrize(
    ("client", "mark"),
    [(one, mark) for one in TABLE for mark in one["find"]],
    ids=lambda value: str(value)[:40],
)
def test_each_mark_of_the_table_finds_its_program_and_a_whole_line(tmp_path, client, mark):
    there = found(tmp_path, mark)

    assert [client["name"]] == [one.name for one in there]
    assert mark.removeprefix("~/") in there[0].where
    assert "{{" not in there[0].line and "{url}" not in there[0].line and "{key}" not in there[0].line
    assert URL in there[0].line or "tsubasa mcp" in there[0].line or '"mcp"' in there[0].line


def test_a_place_with_a_space_stays_one_word(tmp_path):
    line = found(tmp_path, "aider")[0].line

    words = shlex.split(line)
    assert f"$(cat '{tmp_path}/my home/api_key')" == words[words.index("--openai-api-key") + 1]
