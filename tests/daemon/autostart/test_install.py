"""Installing, looking and uninstalling, for every service manager; their programs are stand-ins."""

import os
import plistlib
import stat

import pytest

from daemon.autostart import install
from daemon.autostart.manager import ServiceError, start_of
from tests.daemon.autostart.programs import on_the_path
from tests.whole.house import ROOT

PROGRAM = {"linux": "systemctl", "darwin": "launchctl"}
SYSTEMS = pytest.mark.parametrize("system", PROGRAM)


@pytest.fixture
def programs(tmp_path):
    with on_the_path(tmp_path / "bin", *PROGRAM.values()) as found:
        yield found


def manager(tmp_path, system):
    return install.manager({}, tmp_path / "user", system)


def start(tmp_path, name="home"):
    return start_of(tmp_path / name)


@SYSTEMS
def test_nothing_is_installed_until_it_is_asked_for(tmp_path, programs, system):
    found = install.status(manager(tmp_path, system), start(tmp_path))

    assert ("no", None) == (found.written, found.manager)
    assert [] == programs.called(PROGRAM[system])


@SYSTEMS
def test_what_was_installed_is_found_word_for_word(tmp_path, programs, system):
    by = manager(tmp_path, system)

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
def test_what_the_manager_refuses_is_said_and_taken_back(tmp_path, programs, system):
    programs.answer(code=5, err="No.\nAccess denied.\n")
    by = manager(tmp_path, system)

    with pytest.raises(ServiceError, match=r"exit code 5\): Access denied"):
        install.install(by, start(tmp_path), run=True)
    assert not by.file.exists()


@SYSTEMS
def test_uninstalling_leaves_the_home_and_no_file(tmp_path, programs, system):
    by, home = manager(tmp_path, system), tmp_path / "home"
    home.mkdir()
    (home / "store.db").write_bytes(b"kept")
    install.install(by, start(tmp_path), run=True)
    install.uninstall(by)

    assert (False, b"kept") == (by.file.exists(), (home / "store.db").read_bytes())
    with pytest.raises(ServiceError, match="tsubasa service install"):
        install.uninstall(by)
    with pytest.raises(ServiceError):
        install.log_command(by, start(tmp_path), lines=5, follow=False)


@SYSTEMS
def test_a_manager_that_is_not_there_is_named(tmp_path, system):
    by = manager(tmp_path, system)
    with on_the_path(tmp_path / "none") as nothing, pytest.raises(ServiceError, match=PROGRAM[system]):
        os.environ["PATH"] = str(nothing.folder)
        install.install(by, start(tmp_path), run=True)

    assert not by.file.exists()


def test_a_system_that_we_do_not_know_is_said(tmp_path):
    with pytest.raises(ServiceError, match="plan9"):
        manager(tmp_path, "plan9")


def test_a_session_without_systemd_is_told_what_to_do_instead(tmp_path, programs):
    programs.answer(code=1, err="Failed to connect to bus: No medium found\n")

    with pytest.raises(ServiceError, match="at login: tsubasa up"):
        install.install(manager(tmp_path, "linux"), start(tmp_path), run=True)


def test_a_folder_that_can_not_be_written_is_said(tmp_path, programs):
    (tmp_path / "user").write_text("a file")

    with pytest.raises(ServiceError, match="Nothing was changed"):
        install.install(manager(tmp_path, "linux"), start(tmp_path), run=True)


@pytest.mark.parametrize("name", ["two\nlines", "tab\t", "bell\x07"])
def test_a_home_that_would_write_lines_of_its_own_into_a_service_is_refused(tmp_path, name):
    with pytest.raises(ServiceError):
        start(tmp_path, name)


def test_systemd_starts_it_at_login_and_now(tmp_path, programs):
    by = manager(tmp_path, "linux")
    install.install(by, start(tmp_path), run=False)
    quiet = programs.called("systemctl")
    install.install(by, start(tmp_path), run=True)
    calls = [" ".join(call) for call in programs.called("systemctl")]

    assert not any("restart" in call for call in quiet)
    assert "--user enable tsubasa.service" in calls
    assert "--user restart --no-block tsubasa.service" == calls[-1]


def test_what_systemd_says_is_read(tmp_path, programs):
    told = "UnitFileState=enabled\nActiveState=failed\nSubState=failed\nResult=watchdog\nStatusText=\nNRestarts=3\n"
    programs.answer("show", out=told)
    state = manager(tmp_path, "linux").state()

    assert (True, False) == (state.enabled, state.running)
    assert "failed (failed), last end: watchdog, 3 restarts" == state.says


def test_launchd_gets_a_property_list_that_starts_it_again_after_a_failure_only(tmp_path):
    told = plistlib.loads(manager(tmp_path, "darwin").written(start(tmp_path, "my home & more")))

    assert str(tmp_path / "my home & more") == told["ProgramArguments"][-1]
    assert ({"SuccessfulExit": False}, True) == (told["KeepAlive"], told["RunAtLoad"])
    assert 0o077 == told["Umask"]
    assert all(isinstance(word, str) for word in told["ProgramArguments"])


def test_launchd_loads_the_agent_and_says_how_it_is(tmp_path, programs):
    programs.answer("print", out="gui/0/tsubasa.daemon = {\n\tstate = running\n\tpid = 77\n}\n")
    by = manager(tmp_path, "darwin")
    install.install(by, start(tmp_path), run=True)

    assert "bootstrap" == programs.called("launchctl")[-1][0]
    assert (True, "state = running, pid = 77") == (by.state().running, by.state().says)


def test_the_service_file_tells_nobody_a_secret(tmp_path, programs):
    by = manager(tmp_path, "linux")
    install.install(by, start(tmp_path), run=False)

    assert "KEY" not in by.file.read_text().upper().replace("KEYRING", "")
    assert stat.S_ISREG(by.file.stat().st_mode)


def test_only_the_command_that_is_typed_for_it_installs():
    """So that no update, start or download ever turns it on again."""
    code = {file: file.read_text(encoding="utf-8") for file in (ROOT / "daemon").rglob("*.py")}

    using = {file.relative_to(ROOT).as_posix() for file, text in code.items() if "installed.install(" in text}
    assert {"daemon/cli/service.py"} == using
