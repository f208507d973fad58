"""What the doctor says of a home: settings, model, key, port, daemon."""

import json
import os
import socket

import pytest

from daemon.config.settings import Config, Settings, kinds
from daemon.diagnostics import home_checks
from daemon.downloads.traffic_log import TrafficLog
from daemon.home import Home, Running, announce
from daemon.serve import nano
from tests.tiny import write_model


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def having(**values):
    return Settings(
        config=Config(keyring="file", **values), origin=dict.fromkeys(kinds(), "config.toml line 1")
    )


def test_settings_that_can_not_be_read_are_told_as_up_would_and_defaults_looked_at(home):
    home.config.write_text("prot = 1\n")

    read = home_checks.settings(home, {})

    assert "wrong" == read.finding.state
    assert "line 1: unknown key 'prot'" in read.finding.said
    assert Config() == read.settings.config


def test_nano_is_a_note_and_a_broken_model_is_wrong(tmp_path):
    noted, size = home_checks.model(having(), nano())
    assert ("note", "tsubasa pull", nano().stat().st_size) == (noted.state, noted.todo, size)

    broken = tmp_path / "m.gguf"
    broken.write_bytes(b"GGUF")
    assert "wrong" == home_checks.model(having(model=str(broken)), nano())[0].state
    assert "wrong" == home_checks.model(having(model=str(tmp_path / "none")), nano())[0].state
    assert "ok" == home_checks.model(having(model=str(write_model(broken))), nano())[0].state


def test_a_store_without_its_key_is_wrong_and_a_key_that_others_can_read_too(home):
    assert "ok" == home_checks.key(home, having()).state

    home.store.write_bytes(b"")
    missing = home_checks.key(home, having())
    assert ("wrong", True) == (missing.state, "can't be read" in missing.todo)

    (home.path / "key").write_bytes(b"k" * 32)
    (home.path / "key").chmod(0o644)
    assert "wrong" == home_checks.key(home, having()).state
    (home.path / "key").chmod(0o600)
    assert "ok" == home_checks.key(home, having()).state


def test_a_home_that_can_not_be_one_is_wrong(home, tmp_path):
    assert "ok" == home_checks.folder(home).state
    assert "ok" == home_checks.folder(Home(tmp_path / "a" / "b")).state

    (tmp_path / "letter.txt").write_text("dear")
    assert ("wrong", True) == (
        home_checks.folder(home).state,
        "something else" in home_checks.folder(home).said,
    )
    home.config.write_text("")
    assert "ok" == home_checks.folder(home).state
    assert "wrong" == home_checks.folder(Home(tmp_path / "letter.txt" / "home")).state


def states(found):
    return {one.name: one.state for one in found}


def test_a_port_that_another_program_has_is_wrong(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        found, running = home_checks.daemon(home, having(port=other.getsockname()[1]))

    assert ({"daemon": "note", "port": "wrong"}, None) == (states(found), running)
    assert "Start with another one" in found[1].said


def test_a_free_port_is_free_and_a_daemon_that_died_is_only_not_running(home):
    announce(home, Running(pid=2**22 + 1, port=1, url="http://127.0.0.1:1"))

    found, _ = home_checks.daemon(home, having(port=0))

    assert {"daemon": "note", "port": "ok"} == states(found)


def test_a_daemon_that_lives_and_does_not_answer_is_wrong(home):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    announce(home, Running(pid=os.getpid(), port=port, url=f"http://127.0.0.1:{port}"))

    found, _ = home_checks.daemon(home, having(port=0))

    assert ("wrong", f"kill {os.getpid()}") == (found[0].state, found[0].todo.split(": ")[1])


def test_an_embedder_that_is_not_here_is_wrong_unless_it_may_be_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))

    assert "wrong" == home_checks.embedder(having(embedder="some/other")).state
    assert "note" == home_checks.embedder(having(embedder="some/other", downloads=True)).state
    assert "ok" == home_checks.embedder(having(embedder=str(tmp_path))).state
    (tmp_path / "hub" / "models--some--other").mkdir(parents=True)
    assert "ok" == home_checks.embedder(having(embedder="some/other")).state


def test_what_was_ever_sent_is_told(home):
    assert "nothing was ever fetched" == home_checks.traffic(home, having()).said

    TrafficLog(home.path).add("hub.example", "model", sent=2000, received=3_000_000)

    assert "2.0 kB sent, 3.0 MB received (hub.example)" in home_checks.traffic(home, having()).said
    assert "is not counted here" in home_checks.traffic(home, having(downloads=True)).said
    assert json.loads((home.path / "network.jsonl").read_text())["host"] == "hub.example"


def test_a_model_of_a_user_who_is_not_there_is_wrong(tmp_path):
    found, size = home_checks.model(having(model="~nosuchuser/x.gguf"), nano())

    assert ("wrong", 0) == (found.state, size)
    assert "~nosuchuser/x.gguf: there is no such user (from config.toml line 1)" == found.said


def test_a_ledger_that_can_not_be_read_is_wrong(home):
    (home.path / "network.jsonl").mkdir()

    found = home_checks.traffic(home, having())

    assert ("wrong", True) == (found.state, "network.jsonl can't be read (Is a directory)" in found.said)


def test_a_home_with_a_name_too_long_is_looked_at_all_the_same(tmp_path):
    assert home_checks.folder(Home(tmp_path / ("x" * 300))).said
