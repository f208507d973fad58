"""Telemetry: off in every program of ours, whatever the environment says, and as the libraries see it."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import files

import pytest

from daemon.diagnostics.sbom import components
from daemon.processes.process import confined, environment
from daemon.sandbox.telemetry import OFF
from tests.whole.house import ROOT

ON = {**dict.fromkeys(OFF, "0"), "OTEL_SDK_DISABLED": "false"}
TOLD = """
import json, os
from daemon.sandbox.telemetry import OFF
print(json.dumps({name: os.environ.get(name) for name in OFF}))
"""
FIRST_STEPS = {  # of each program, on something that ends it at once
    "the command": "import daemon.cli.main as program; program.main(['--version'])",
    "the icon": "import sys, tray.__main__ as program; sys.argv = ['', '--home', '/dev/null/none']; program.main()",
}
RUN = """
try:
    {steps}
except BaseException:
    pass
"""
LIBRARIES = """
import json, sys
from daemon.sandbox import outbound_guard, telemetry
outbound_guard.install()  # what is tried in spite of it stays here
if sys.argv[1] == "off":
    telemetry.switch_off()
from huggingface_hub.utils import _telemetry, send_telemetry
from transformers.utils.hub import http_user_agent
send_telemetry("tsubasa/test")
print(json.dumps([_telemetry._TELEMETRY_THREAD is not None, "telemetry/off" in http_user_agent()]))
"""
SWITCH = re.compile(
    r"environ(?:\.get)?[\[(]\s*[\"'](\w*(?:TELEMETRY|DO_NOT_TRACK|ANALYTICS|USAGE_STATS|NO_TRACK)\w*)"
)
OTHERS = {  # that are no switch of what we use
    "ANTHROPIC_OPEN_TELEMETRY": "a client for the tests, against our own daemon",
    "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "the same",
    "ANTHROPIC_OPEN_TELEMETRY_TRACES_MAX_CONTENT_BYTES": "the same",
    "ANTHROPIC_OPEN_TELEMETRY_PROPAGATION": "the same",
}


def told(command, **more):
    """The last line of what a program says that is begun with telemetry on."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        input="",
        env={**os.environ, **ON, **more},
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_without_us_it_would_be_on():
    assert ON == told([sys.executable, "-c", TOLD])


@pytest.mark.parametrize("steps", FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_each_program_switches_it_off(steps):
    assert OFF == told([sys.executable, "-c", RUN.format(steps=steps) + TOLD])


def test_a_child_has_it_off_from_the_first_moment_and_a_confined_one_by_itself(tmp_path, monkeypatch):
    (tmp_path / "module_that_tells.py").write_text(TOLD)
    for name, value in ON.items():
        monkeypatch.setenv(name, value)

    assert OFF == {name: environment().get(name) for name in OFF}
    assert OFF == told(confined("module_that_tells"), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")


def test_the_libraries_that_have_it_see_it_off():
    """On, a thread of huggingface_hub's waits to send what it is told."""
    command = [sys.executable, "-W", "ignore", "-c", LIBRARIES]

    assert [True, False] == told([*command, "on"])
    assert [False, True] == told([*command, "off"])


def test_no_package_that_is_needed_has_a_switch_that_is_not_known():
    found = set()
    for package in components():
        for file in files(package.name) or () if package.name != "tsubasa" else ():
            if file.suffix == ".py" and (place := file.locate()).is_file():
                found |= set(SWITCH.findall(place.read_text(encoding="utf-8", errors="replace")))

    assert {"HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"} <= found
    assert set() == found - OFF.keys() - OTHERS.keys()
