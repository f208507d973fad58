"""A daemon whose home lies on a disk that is really full: it says so, loses nothing, and goes on once there is room."""

import json
import os
import time
from contextlib import closing

import openai
import pytest

from store.database import open_store
from store.import_undo import undo_in_slices
from store.keys import load_or_create_key
from tests.tiny import write_model
from tests.whole.house import Daemon, small_disk, wait_for

DISK = "24m"  # room for a new home, and little more
ROOM = 160 << 10  # bytes: a store can be opened with it, and not much be written


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


def test_an_undone_import_that_was_ended_on_the_way_does_not_end_a_start_without_room_and_goes_on_with_it(
    daemon, disk, tmp_path
):
    file = tmp_path / "finches.jsonl"
    file.write_text(
        "\n".join(json.dumps({"role": "user", "content": f"Finch {n} sang."}) for n in range(600))
    )
    with daemon.own() as client:
        number = client.import_file(file)["import_id"]
    daemon.stop()
    store, key = daemon.home / "store.db", load_or_create_key(daemon.home, keyring="file")
    with closing(open_store(store, key)) as db:
        taking = undo_in_slices(db, number)
        for _ in range(20):
            next(taking)
        taking.close()
    ballast = fill(disk)
    os.truncate(ballast, ballast.stat().st_size - ROOM)
    daemon.start(by_meaning=False)
    with daemon.own() as client:
        wait_for(lambda: any("disk is full" in one["what"] for one in client.status()["attention"]))
        without_room = client.import_of(number)["messages"]

        ballast.unlink()
        wait_for(lambda: not client.messages(text="Finch", k=5)["messages"], seconds=120)
        wait_for(lambda: not any(one["kind"] == "work" for one in client.status()["attention"]))

    assert 0 < without_room < 600


def test_everything_is_deleted_on_a_full_disk(daemon, disk):
    ask(daemon, "The heron stood in the pond.")
    fill(disk)
    with daemon.own() as client:
        client.delete_everything("delete everything")

    assert 0 == daemon.process.wait(60)
    assert ["ballast"] == [one.name for one in disk.iterdir()]
    daemon.process = None
