"""The unit, as systemd itself reads it."""

import os
import re
import subprocess
import sys

import pytest

from daemon.autostart.manager import start_of
from daemon.autostart.systemd import UNIT, Systemd
from tests.whole.house import need

HARD = 'we %i $HOME "q" \\ ü'  # every sign that means something to systemd


def analysed(tmp_path, verb, *options, name=HARD):
    program = need("systemd-analyze")
    unit = tmp_path / UNIT
    unit.write_bytes(Systemd({}, tmp_path).written(start_of(tmp_path / name)))
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [program, verb, "--user", *options, str(unit)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    if "Failed to initialize manager" in done.stderr:
        pytest.fail(done.stderr)
    return done


def test_systemd_has_nothing_to_say_against_the_unit_but_would_against_a_wrong_one(tmp_path):
    done = analysed(tmp_path, "verify")
    unit = tmp_path / UNIT
    unit.write_text(unit.read_text().replace("Type=notify", "Type=notice"))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    broken = subprocess.run([*done.args], env=environment, capture_output=True)

    assert (0, "") == (done.returncode, done.stdout + done.stderr)
    assert b"Failed to parse service type" in broken.stderr


def test_the_unit_is_less_exposed_than_one_without_protection(tmp_path):
    """7.0 of 10 (without all of it 9.8), counted as if it had root's capabilities, which it has not."""
    told = analysed(tmp_path, "security", "--offline=true", "--no-pager", name="home").stdout
    found = re.search(r"exposure level for .*: ([\d.]+)", told)

    assert found and float(found.group(1)) <= 7.0


def test_this_very_python_is_started_on_that_home(tmp_path):
    text = Systemd({}, tmp_path).written(start_of(tmp_path / "home")).decode()

    assert "KEY" not in text.upper().replace("KEYRING", "")  # no secret
    assert f'ExecStart="{sys.executable}" "-P" "-m" "daemon" "up" "--home" "{tmp_path / "home"}"' in text


def test_the_unit_lies_where_the_user_keeps_configuration(tmp_path):
    own = tmp_path / "own"

    assert own / "systemd" / "user" / UNIT == Systemd({"XDG_CONFIG_HOME": str(own)}, tmp_path).file
    assert tmp_path / ".config" / "systemd" / "user" / UNIT == Systemd({}, tmp_path).file
