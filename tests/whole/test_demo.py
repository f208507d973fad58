"""`tsubasa demo`, as a newcomer runs it."""

import json
import subprocess
import sys

import pytest


@pytest.mark.soak
def test_the_demo_shows_one_night_end_to_end(tmp_path):
    command = [sys.executable, "-m", "daemon", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, cwd=tmp_path)
    last = done.stdout.rstrip().splitlines()[-1]

    assert 0 == done.returncode, done.stdout + done.stderr
    assert last.startswith("RESULT ")
    result = json.loads(last.removeprefix("RESULT "))
    assert result["correct"]["base"] <= 0.1
    assert result["correct"]["generation"] >= 0.9
    assert result["forgotten"] is True and result["taught_again"] is True
    assert result["ops"]["RECONCILE"] >= 1
    assert {
        "model",
        "turns",
        "memories",
        "ops",
        "lessons",
        "night_s",
        "swap_ms",
        "correct",
        "forgotten",
        "taught_again",
        "total_s",
    } == set(result)


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, "-m", "daemon", "demo", "--model", str(tmp_path / "none.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert 1 == done.returncode
    assert "none.gguf" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
