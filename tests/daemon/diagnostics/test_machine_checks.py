"""What the doctor says of machines: this one, and ones that are only described."""

import os
import time
from datetime import datetime

import pytest

from daemon.diagnostics import machine_checks
from daemon.hardware.offload_plan import Card, Hardware
from daemon.home import Home
from tests.whole.house import small_disk

GIB = 2**30


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def with_card(offload):
    card = Card(name="NVIDIA GeForce RTX 2070", total=8 * GIB, free=7 * GIB)
    return Hardware(cores=8, memory=16 * GIB, cards=(card,), offload=offload)


def test_the_engine_of_this_machine_loads_in_a_process_of_its_own():
    finding, about = machine_checks.engine()

    assert ("ok", True) == (finding.state, "version" in about)


def test_a_compiler_is_only_asked_for_where_the_engine_has_to_be_built(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "ok" == machine_checks.compiler(engine_works=True).state
    missing = machine_checks.compiler(engine_works=False)
    assert ("wrong", True) == (missing.state, "a C compiler and a C++ compiler not found" in missing.said)
    assert missing.todo


def test_a_card_that_answers_do_not_use_comes_with_the_command_that_changes_it():
    unused = machine_checks.card(with_card(""), offloads=False)

    assert "note" == unused.state
    assert "-DGGML_CUDA=on" in unused.todo
    assert "ok" == machine_checks.card(with_card("CUDA"), offloads=True).state
    assert "ok" == machine_checks.card(Hardware(cores=1, memory=GIB), offloads=False).state


def test_a_model_larger_than_the_memory_is_wrong():
    small = Hardware(cores=4, memory=2 * GIB)

    assert "wrong" == machine_checks.memory(small, 5 * 10**9).state
    assert "ok" == machine_checks.memory(small, 10**9).state


def test_a_disk_without_room_is_wrong(tmp_path):
    with small_disk(tmp_path / "disk", "8m") as disk:
        found = machine_checks.disk(Home(disk / "not" / "there" / "yet"))

    assert ("wrong", True) == (found.state, "8.4 MB free" in found.said)


@pytest.mark.parametrize(("year", "state"), [(1970, {"wrong"}), (2025, {"wrong"}), (2100, {"ok", "note"})])
def test_a_clock_before_this_program_was_written_is_wrong(home, year, state):
    assert machine_checks.clock(home, datetime(year, 2, 3).timestamp()).state in state


def test_a_clock_that_went_back_is_wrong(home):
    home.config.write_text("")
    later = time.time() + 10 * 86_400
    os.utime(home.config, (later, later))

    assert "before files of this home were written" in machine_checks.clock(home).said


def test_without_a_desktop_nobody_misses_an_icon(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    assert ("ok", "") == (machine_checks.tray().state, machine_checks.tray().todo)


def test_a_home_with_a_name_too_long_is_looked_at_all_the_same(tmp_path):
    place = Home(tmp_path / ("x" * 300))

    assert "" not in (machine_checks.clock(place).said, machine_checks.disk(place).said)
