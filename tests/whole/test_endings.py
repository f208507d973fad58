"""A real daemon that the page ends: to start again with another setting, and to delete all that it made."""

import signal
import time

import pytest

from daemon.errors import DaemonError
from tests.whole.house import NANO, Daemon, wait_for


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path / "home", NANO)
    yield daemon.start(by_meaning=False)
    if daemon.process.poll() is None:
        daemon.stop(signal.SIGKILL)


def test_it_starts_again_as_the_same_process_with_what_the_file_says_and_then_deletes_all_but_strange_files(
    daemon,
):
    home = daemon.home
    with daemon.own() as client:
        before = client.status()
        client.change_setting("system_prompt", "Answer in one word.")
        client.restart()
    wait_for(lambda: _started(daemon) not in ("", before["started_at"]))
    with daemon.own() as client:
        after = client.status()
        said = {one["key"]: one["value"] for one in after["settings"]}
        (home / "notes of mine.txt").write_text("x")
        client.delete_everything("delete everything")
    wait_for(lambda: ["notes of mine.txt"] == [one.name for one in home.iterdir()])

    assert before["pid"] == after["pid"]
    assert "Answer in one word." == said["system_prompt"]
    assert 0 == daemon.process.wait(60)


@pytest.mark.parametrize("after_s", (0.0, 0.3, 0.8, 1.5))
def test_a_kill_between_its_end_and_the_first_answer_of_its_new_start_loses_nothing(daemon, after_s):
    said = [{"role": "user", "content": "The heron stood in the pond."}]
    with daemon.own() as client:
        list(client.chat(said, max_tokens=4))
        client.restart()
    wait_for(lambda: not (daemon.home / "daemon.json").exists(), seconds=60)  # it serves no more
    time.sleep(after_s)
    daemon.stop(signal.SIGKILL)
    daemon.start(by_meaning=False)
    with daemon.own() as client:
        held = [one["text"] for one in client.messages(text="heron", k=5)["messages"]]
        answer = "".join(client.chat([{"role": "user", "content": "hello"}], max_tokens=4))

    assert 1 == held.count(said[0]["content"])  # the answer may speak of a heron, too
    assert answer


def _started(daemon: Daemon) -> str:
    try:
        with daemon.own() as client:
            return str(client.status()["started_at"])
    except (OSError, DaemonError):  # it is not there yet
        time.sleep(0.2)
        return ""
