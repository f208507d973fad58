"""The first `tsubasa up`: on a terminal it explains itself and asks; without one it takes nano and says so."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.cli.first_run import lines, suggested
from daemon.config.settings import load
from daemon.downloads.model_source import known_models
from daemon.hardware.offload_plan import Card, Hardware
from daemon.home import Home

ROOT = Path(__file__).parents[3]
GIB = 2**30
START_S = 300
ASKED = "q = quit]: "


class Terminal:
    """`tsubasa up` before a person: a process on a terminal of its own."""

    def __init__(self, home, **more):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
        own = {"TSUBASA_HOME": str(home), "TSUBASA_PORT": "0", "TSUBASA_KEYRING": "file", "TERM": "dumb"}
        self._master, slave = pty.openpty()
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daemon", "up"],
            cwd=ROOT,
            env={**kept, **own, **more},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, text, *, times=1):
        """Read on until it was said so often."""
        end = time.monotonic() + START_S
        while self.said.count(text) < times:
            heard, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
            assert heard, f"{text!r} was not said, but: {self.said}"
            try:
                self.said += os.read(self._master, 4096).decode("utf-8", "replace")
            except OSError:
                assert self.said.count(text) >= times, self.said
        return self

    def type(self, text):
        os.write(self._master, text.encode())
        return self

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        os.close(self._master)
        return code


@pytest.fixture
def terminal(tmp_path):
    started = []

    def start(**more):
        started.append(Terminal(tmp_path / "home", **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_nano_for_now_is_remembered_and_not_asked_again(terminal, tmp_path):
    first = terminal().until(ASKED).type("what?\r").until(ASKED, times=2).type("n\r").until("Ready.")
    assert "A real model at any time: tsubasa pull" in first.said
    assert 'model = ""\n' == (tmp_path / "home" / "config.toml").read_text()
    first.end()

    second = terminal().until("Ready.")
    assert "Welcome" not in second.said
    assert re.search(r"Computes +on ", second.said)
    second.end()


def test_a_download_that_fails_leaves_nano_and_the_question_for_next_time(terminal, tmp_path):
    offline = terminal(HF_ENDPOINT="http://127.0.0.1:9")

    offline.until(ASKED).type("y\r").until("Ready.")

    assert "Can't reach 127.0.0.1" in offline.said
    assert "nano answers for now" in offline.said
    assert not (tmp_path / "home" / "config.toml").exists()
    offline.end()


def test_quitting_changes_nothing(terminal, tmp_path):
    quitting = terminal().until(ASKED).type("q\r")

    assert 0 == quitting.process.wait(60)
    assert [] == list((tmp_path / "home").iterdir())


def hardware(memory_gib=16, **more):
    return Hardware(cores=8, memory=int(memory_gib * GIB), **more)


@pytest.mark.parametrize(
    ("memory_gib", "name"),
    [(16, "qwen3-4b"), (7, "qwen3-4b"), (4, "qwen3-1.7b"), (1, "qwen3-0.6b"), (0, "qwen3-4b")],
)
def test_a_model_is_offered_that_leaves_room_for_everything_else(memory_gib, name):
    assert name == suggested(known_models(), int(memory_gib * GIB)).name


def test_it_explains_itself_in_six_lines(tmp_path):
    settings = load(tmp_path / "config.toml", environment={})
    card = Card(name="RTX 2070", total=8 * GIB, free=7 * GIB)

    told = lines(
        settings, Home(tmp_path), known_models()[0], hardware(cards=(card,), offload="CUDA"), 40 * 10**9
    )

    assert 6 == len(told)
    assert not any("\n" in line for line in told)
    assert "2.5 GB to download, 4.5 GB of memory" in told[3]
    assert "8 cores, 17.2 GB of memory, RTX 2070 with 8.6 GB (llama.cpp uses it through CUDA)" in told[5]


def test_without_a_terminal_nano_answers_and_the_log_says_so(tmp_path):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
    own = {"TSUBASA_HOME": str(tmp_path / "home"), "TSUBASA_PORT": "0", "TSUBASA_KEYRING": "file"}
    with (tmp_path / "log").open("w+") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "daemon", "up"],
            cwd=ROOT,
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        end = time.monotonic() + START_S
        while (
            not (tmp_path / "home" / "daemon.json").exists() and time.monotonic() < end and up.poll() is None
        ):
            time.sleep(0.1)
        up.terminate()
        assert 0 == up.wait(60)

    said = (tmp_path / "log").read_text()
    assert "WARNING daemon.cli.up: No model is configured: the bundled nano answers." in said
    assert "Download" not in said
