"""`tsubasa pull` as a real process against a hub of our own: fetch, check, choose."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.daemon.cli.terminal import ROOT, inherited
from tests.daemon.downloads.stand_in import hub
from tests.tiny import write_model
from tests.whole.house import NANO

REPOSITORY = "someone/some-GGUF"


@pytest.fixture
def stand_in():
    with hub(NANO.read_bytes()) as running:
        yield running


@pytest.fixture
def command(tmp_path, stand_in):
    """The command line and environment of `tsubasa pull …` on a home of its own."""
    hubs = {"HF_ENDPOINT": stand_in.url, "HF_HOME": str(tmp_path / "hub's own"), "HF_TOKEN": "hf_secret"}
    environment = inherited(TSUBASA_HOME=str(tmp_path / "home"), **hubs)

    def made(*arguments):
        argv = [sys.executable, "-m", "daemon", "pull", *map(str, arguments)]
        return {"args": argv, "cwd": ROOT, "env": environment, "stdin": subprocess.DEVNULL, "text": True}

    return made


@pytest.fixture
def pull(command):
    def run(*arguments):
        return subprocess.run(**command(*arguments), capture_output=True, timeout=300)

    return run


@pytest.fixture
def config(tmp_path):
    """The file of settings, in a home that is there already."""
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home" / "config.toml"


def test_a_model_of_the_hub_is_fetched_proved_checked_and_chosen(pull, stand_in, tmp_path):
    done = pull(REPOSITORY)

    file = tmp_path / "home" / "models" / "tiny-Q4_K_M.gguf"
    assert (0, "") == (done.returncode, done.stderr)
    assert NANO.read_bytes() == file.read_bytes()
    assert f"sha256 {stand_in.sha256}, as the hub says." in done.stdout
    asked = [path[:5] for path, _ in stand_in.asked]
    assert ["/api/", "/some", "/some", "/stor"] == asked  # and nothing else
    assert not any("secret" in head for head in stand_in.heads)
    assert not (tmp_path / "hub's own").exists()
    assert "It works: nano, qwen3, F16, 7.0 MB, made for 2,048 tokens" in done.stdout
    assert f'model = "{file}"\n' == (tmp_path / "home" / "config.toml").read_text()

    again = pull(REPOSITORY)
    assert "is here already" in again.stdout


def test_a_pull_that_was_stopped_goes_on_from_there(command, pull, stand_in, tmp_path):
    ended = threading.Event()
    stand_in.meanwhile = lambda: ended.wait(120)
    running = subprocess.Popen(**command(REPOSITORY), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    part = tmp_path / "home" / "models" / ".tiny-Q4_K_M.gguf.part"
    end = time.monotonic() + 60
    while (not part.exists() or part.stat().st_size < 1_000_000) and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said, wrong = running.communicate(timeout=60)
    ended.set()
    assert (130, "") == (running.returncode, wrong)
    assert "the same command goes on from there" in said
    kept = part.stat().st_size

    done = pull(REPOSITORY)

    assert 0 == done.returncode
    assert f"bytes={kept}-" == stand_in.ranges_asked[-1]


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_typed_address_is_asked_there_only(pull, stand_in, tmp_path, host):
    stand_in.redirect = f"http://localhost:{stand_in.port}/store/file"

    done = pull(f"{stand_in.url}/a/b/resolve/main/x.gguf", *(["--host", host] if host else []))

    assert bool(host) is (done.returncode == 0)
    assert host or "add: --host localhost" in done.stderr
    assert not host or "No checksum was given" in done.stdout


def test_a_model_that_is_of_no_use_is_removed_again(pull, stand_in, tmp_path):
    stand_in.content = write_model(tmp_path / "noise.gguf").read_bytes()

    done = pull(REPOSITORY)

    assert 1 == done.returncode
    assert "which is no speech" in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert [] == list((tmp_path / "home" / "models").iterdir())
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_file_of_this_machine_stays_where_it_is_even_when_it_is_no_use(pull, stand_in, config, tmp_path):
    noise = write_model(tmp_path / "noise.gguf")

    assert (1, 0) == (pull(noise).returncode, pull(NANO).returncode)
    assert noise.exists()
    assert f'model = "{NANO}"\n' == config.read_text()
    assert [] == stand_in.asked


def test_another_model_is_not_replaced_without_a_word(pull, config):
    mine = '# mine\nmodel = "/other.gguf"\n'
    config.write_text(mine)

    for words, after in (
        ([], mine),
        (["--no-use", "--yes"], mine),
        (["--yes"], mine.replace("/other.gguf", str(NANO))),
    ):
        done = pull(NANO, *words)
        assert (0, after) == (done.returncode, config.read_text())
        assert bool(words) or "with --yes" in done.stdout


def test_a_broken_config_is_told_before_anything_is_fetched(pull, stand_in, config):
    config.write_text("model = = 1\n")

    done = pull(REPOSITORY)

    assert (1, []) == (done.returncode, stand_in.asked)
    assert "no valid TOML" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["qwen"], "no known model. Known: qwen3-4b"),
        (["--sha256", "abc"], "'abc' is no sha256"),
        (["qwen3-4b"], "is another file now"),  # the stand-in tells another checksum than the table
        ([REPOSITORY + ":Q2_K"], "no file for 'Q2_K'; it has a-Q4_K_M.gguf, b-Q4_K_M.gguf"),
        ([REPOSITORY], "no file for 'Q4_K_M'; it has"),
        (["--sha256", "0" * 64, NANO], f"--sha256 says {'0' * 64}. It was left where it is"),
        (["http://192.0.2.1/x.gguf"], "without TLS"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(pull, stand_in, arguments, told):
    stand_in.files = ["a-Q4_K_M.gguf", "b-Q4_K_M.gguf"]

    done = pull(*arguments)

    assert 1 == done.returncode
    assert told in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_known_models_are_listed_also_for_scripts(pull):
    assert "qwen3-4b" in pull("--list").stdout
    listed = json.loads(pull("--list", "--json").stdout)

    assert "qwen3-4b" == listed["models"][0]["name"]
