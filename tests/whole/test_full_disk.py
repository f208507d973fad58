"""A daemon whose home lies on a disk that is really full: it says so, loses nothing, and goes on once there is room."""

import json
import time

import openai
import pytest

from tests.tiny import write_model
from tests.whole.house import Daemon, small_disk, wait_for

DISK = "24m"  # room for a new home, and little more


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", DISK) as place:
        yield place


@pytest.fixture
def daemon(disk, tmp_path):
    model = write_model(tmp_path / "tiny.gguf")
    settings = {"observe": "false", "night": "false", "jobs_every_s": "0.2"}
    made = Daemon(disk / "home", model, **settings).start()
    yield made
    made.stop()


def fill(disk):
    """Fill what is left of the disk; the file to remove for having room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


def ask(daemon, text):
    with daemon.client() as api:
        return api.chat.completions.create(
            model="tsubasa", messages=[{"role": "user", "content": text}], max_tokens=8, temperature=0
        )


def texts(daemon):
    with daemon.own() as client:
        return [one["text"] for one in client.messages(text="heron OR owl OR finch", k=50)["messages"]]


def test_a_full_disk_is_said_in_one_line_and_nothing_acknowledged_is_lost(daemon, disk):
    ask(daemon, "The heron stood in the pond.")
    ballast = fill(disk)

    with pytest.raises(openai.APIStatusError) as refused:
        for _ in range(2000):  # what the write-ahead log has room for is still taken
            ask(daemon, "An owl looked on, and said a great deal. " * 8)
    taken = texts(daemon)

    assert (503, "disk_full") == (refused.value.status_code, refused.value.code)
    assert 1 == len(str(refused.value.body["message"]).splitlines())

    ballast.unlink()
    ask(daemon, "A finch came by.")
    daemon.stop()
    daemon.start()
    after = texts(daemon)
    assert {"The heron stood in the pond.", "A finch came by."} <= set(after)
    assert set(taken) <= set(after)


def test_an_export_without_room_is_left_where_it_is_and_taken_in_whole_once_there_is(daemon, disk):
    lines = [json.dumps({"role": "user", "content": f"Finch number {n} sang. " * 9}) for n in range(3000)]
    file = daemon.home / "inbox" / "finches.jsonl"
    writing = file.with_name(".finches.jsonl")  # hidden until it is whole, as the inbox asks for
    writing.write_text("\n".join(lines))
    ballast = fill(disk)
    writing.rename(file)
    time.sleep(5)
    with daemon.own() as client:
        assert (True, 0) == (file.exists(), client.status()["held"]["messages"])

        ballast.unlink()
        file.touch()
        wait_for(lambda: client.status()["held"]["messages"] == len(lines), seconds=120)
