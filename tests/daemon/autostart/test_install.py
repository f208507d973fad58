"""Installing, looking and uninstalling, for every service manager; their programs are stand-ins on the PATH."""

import json
import os
import plistlib
import sys

import pytest

from daemon.autostart import install
from daemon.autostart.manager import ServiceError, start_of
from tests.whole.house import ROOT

PROGRAM = {"linux": "systemctl", "darwin": "launchctl"}
SYSTEMS = pytest.mark.parametrize("system", PROGRAM)
SCRIPT = """#!/bin/sh
"exec" "{python}" "$0" "$@"  # a path with a space can't stand in the line above
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with open(folder / "calls", "a") as calls:
    print(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]), file=calls)
answers = json.loads((folder / "answers").read_text())
code, out, err = next((answer for word, answer in answers if word in sys.argv[1:] or not word), [0, "", ""])
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class Programs:
    """Service managers that note how they were called, and answer what is set."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.answer()
        for name in PROGRAM.values():
            (folder / name).write_text(SCRIPT.format(python=sys.executable))
            (folder / name).chmod(0o755)

    def answer(self, word="", code=0, out="", err=""):
        """Calls that have `word` get this answer."""
        (self.folder / "answers").write_text(json.dumps([(word, (code, out, err))]))

    def calls(self):
        """The program and arguments of each call."""
        calls = self.folder / "calls"
        return (
            [" ".join(json.loads(line)) for line in calls.read_text().splitlines()] if calls.exists() else []
        )


@pytest.fixture
def programs(tmp_path, monkeypatch):
    made = Programs(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


def manager(tmp_path, system):
    return install.manager({}, tmp_path / "user", system)


def start(tmp_path, name="home"):
    return start_of(tmp_path / name)


@SYSTEMS
def test_what_was_installed_is_found_word_for_word_and_nothing_before(tmp_path, programs, system):
    by = manager(tmp_path, system)

    before = install.status(by, start(tmp_path))
    assert ("no", None, []) == (before.written, before.manager, programs.calls())
    assert install.install(by, start(tmp_path), run=True)
    assert "as now" == install.status(by, start(tmp_path)).written
    assert not install.install(by, start(tmp_path), run=True)
    assert "otherwise" == install.status(by, start(tmp_path, "other")).written


@SYSTEMS
def test_a_file_that_says_something_else_is_overwritten_only_when_asked(tmp_path, programs, system):
    by = manager(tmp_path, system)
    install.install(by, start(tmp_path), run=False)
    by.file.write_bytes(b"mine")

    with pytest.raises(ServiceError, match="--replace"):
        install.install(by, start(tmp_path), run=False)
    assert b"mine" == by.file.read_bytes()
    assert install.install(by, start(tmp_path), run=False, replace=True)
    assert by.written(start(tmp_path)) == by.file.read_bytes()


@SYSTEMS
def test_uninstalling_leaves_the_home_and_no_file(tmp_path, programs, system):
    by, home = manager(tmp_path, system), tmp_path / "home"
    home.mkdir()
    (home / "store.db").write_bytes(b"kept")
    install.install(by, start(tmp_path), run=True)
    install.uninstall(by)

    assert (False, b"kept") == (by.file.exists(), (home / "store.db").read_bytes())
    with pytest.raises(ServiceError):
        install.uninstall(by)
    with pytest.raises(ServiceError):
        install.log_command(by, start(tmp_path), lines=5, follow=False)


def test_a_folder_that_can_not_be_written_is_said(tmp_path, programs):
    (tmp_path / "user").write_text("a file")

    with pytest.raises(ServiceError, match="Nothing was changed"):
        install.install(manager(tmp_path, "linux"), start(tmp_path), run=True)


@pytest.mark.parametrize("run", [True, False])
def test_systemd_starts_it_at_login_and_now_only_when_asked(tmp_path, programs, run):
    install.install(manager(tmp_path, "linux"), start(tmp_path), run=run)

    assert "systemctl --user enable tsubasa.service" in programs.calls()
    assert run == ("systemctl --user restart --no-block tsubasa.service" == programs.calls()[-1])


def test_what_systemd_says_is_read(tmp_path, programs):
    facts = "UnitFileState=enabled\nActiveState=failed\nSubState=failed\nResult=watchdog\nStatusText=\nNRestarts=3\n"
    programs.answer("show", out=facts)
    state = manager(tmp_path, "linux").state()

    assert (True, False) == (state.enabled, state.running)
    assert all(word in state.says for word in ("failed", "watchdog", "3 restarts"))


def test_launchd_gets_a_property_list_that_starts_it_again_after_a_failure_only(tmp_path):
    found = plistlib.loads(manager(tmp_path, "darwin").written(start(tmp_path, "my home & more")))

    assert str(tmp_path / "my home & more") == found["ProgramArguments"][-1]
    assert ({"SuccessfulExit": False}, True) == (found["KeepAlive"], found["RunAtLoad"])
    assert 0o077 == found["Umask"]


def test_launchd_loads_the_agent_and_says_how_it_is(tmp_path, programs):
    programs.answer("print", out="gui/0/tsubasa.daemon = {\n\tstate = running\n\tpid = 77\n}\n")
    by = manager(tmp_path, "darwin")
    install.install(by, start(tmp_path), run=True)

    assert programs.calls()[-1].startswith("launchctl bootstrap ")
    assert (True, "state = running, pid = 77") == (by.state().running, by.state().says)


def test_only_the_command_that_is_typed_for_it_installs():
    """So that no update, start or download ever turns it on again."""
    code = {file: file.read_text(encoding="utf-8") for file in (ROOT / "daemon").rglob("*.py")}

    using = {file.relative_to(ROOT).as_posix() for file, text in code.items() if "installed.install(" in text}
    assert {"daemon/cli/service.py"} == using


@SYSTEMS
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"code": 5, "err": "No.\nAccess denied.\n"}, r"exit code 5\): Access denied"),
        ({"code": 1, "err": "Failed to connect to bus: No medium found\n"}, "Failed to connect to bus"),
        (None, "systemctl|launchctl"),
    ],
    ids=["refused", "no bus", "no program"],
)
def test_what_the_manager_refuses_is_said_and_taken_back(
    tmp_path, programs, monkeypatch, system, answer, why
):
    programs.answer(**answer or {})
    by = manager(tmp_path, system)
    if answer is None:
        monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ServiceError, match=why):
        install.install(by, start(tmp_path), run=True)
    assert not by.file.exists()


@pytest.mark.parametrize("name", ["two\nlines", "tab\t", "bell\x07"])
def test_a_home_that_would_write_lines_of_its_own_into_a_service_is_refused(tmp_path, name):
    with pytest.raises(ServiceError):
        start(tmp_path, name)


@pytest.mark.parametrize("system", ["plan9", "win32"])
def test_a_system_that_we_do_not_know_is_said(tmp_path, system):
    with pytest.raises(ServiceError, match=system):
        manager(tmp_path, system)
