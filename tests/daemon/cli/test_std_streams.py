"""The streams that the program is started with."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def shell(line, **environment):
    """What a shell's line gives; TSUBASA in it is the program."""
    whole = line.replace("TSUBASA", f"{shlex.quote(sys.executable)} -m daemon")
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["sh", "-c", whole], env=env, capture_output=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", ["--help", "--version", "pull --list", "pull --list --json"])
def test_a_result_that_can_not_be_written_is_one_line(words):
    told = shell(f"TSUBASA {words} > /dev/full")

    assert 1 == told.returncode
    assert 1 == len(told.stderr.splitlines())
    assert b"The result can't be written: No space left on device." in told.stderr


@pytest.mark.parametrize("words", ["--help", "pull --list"])
def test_nobody_reading_is_no_error(words):
    assert (0, b"") == ((told := shell(f"TSUBASA {words} >&-")).returncode, told.stderr)
    assert b"" == shell(f"TSUBASA {words} | true").stderr


def test_without_input_a_chat_ends_with_what_to_do(tmp_path):
    told = shell(f"TSUBASA chat --home {tmp_path} <&-")

    assert 1 == told.returncode
    assert b"Traceback" not in told.stderr
    assert 1 == len(told.stderr.splitlines())


def test_what_the_output_has_no_letter_for_appears_as_a_question_mark(tmp_path):
    (tmp_path / "\u00e9.jsonl").write_text('{"role": "user", "text": "I sing."}\n')
    told = shell(f"TSUBASA import --dry-run {tmp_path}/*.jsonl", PYTHONIOENCODING="ascii:strict")

    assert (0, b"") == (told.returncode, told.stderr)
    assert told.stdout.startswith(b"?.jsonl (JSONL chat log)")
