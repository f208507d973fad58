"""Downloads over a real socket: they go on where they broke, are proved, and never leave a wrong file behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from daemon.downloads.errors import PullError, Unreachable
from daemon.downloads.model_source import HubFile
from daemon.downloads.partial_file import opened
from daemon.downloads.pull import pull
from daemon.downloads.traffic_log import read_traffic
from daemon.home import Home
from tests.whole.house import ROOT, small_disk

RESOLVE = "/someone/some-GGUF/resolve/main/tiny-Q4_K_M.gguf"
OTHER = b"GGUF" + b"new" * 700_000


@pytest.fixture
def from_hub(stand_in, tmp_path):
    """`pull` of the one file of the stand-in."""

    def run(*, file="tiny-Q4_K_M.gguf", sums=(), **more):
        source = HubFile(repository="someone/some-GGUF", file=file, **more)
        environment = {"HF_ENDPOINT": stand_in.url}
        found = pull(
            source,
            Home(tmp_path),
            environment=environment,
            on_progress=lambda name, progress: None,
            sha256=sums,
        )
        return found if len(found) > 1 else found[0]

    return run


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_whole_file_gets_its_name_and_belongs_to_its_owner_alone(fetch, stand_in, tmp_path):
    found = fetch(sha256=stand_in.sha256, proof="you")

    assert ["m.gguf"] == left_in(tmp_path / "models")
    assert stand_in.content == found.file.read_bytes()
    assert ("you", stand_in.sha256) == (found.proved_by, found.sha256)
    assert 0o600 == stat.S_IMODE(found.file.stat().st_mode)
    assert fetch.seen[-1].done == fetch.seen[-1].total == len(stand_in.content)


def test_a_connection_cut_in_the_middle_goes_on_where_it_broke(fetch, stand_in):
    stand_in.cut_after = [1_000_000, 700_000]

    found = fetch(sha256=stand_in.sha256)

    assert stand_in.content == found.file.read_bytes()
    assert ["", "bytes=1000000-", "bytes=1700000-"] == stand_in.ranges_asked
    assert 2 == len([step for step in fetch.seen if step.note])


def test_a_later_pull_goes_on_where_an_earlier_one_gave_up(fetch, stand_in, tmp_path):
    stand_in.cut_after = [900_000] + [0] * 5
    with pytest.raises(PullError, match=r"900\.0 kB are kept"):
        fetch()
    assert [".m.gguf.part", ".m.gguf.part.json"] == left_in(tmp_path / "models")
    assert 0o600 == stat.S_IMODE((tmp_path / "models" / ".m.gguf.part").stat().st_mode)
    stand_in.asked.clear()

    found = fetch()

    assert ["bytes=900000-"] == stand_in.ranges_asked
    assert stand_in.content == found.file.read_bytes()
    assert "" == found.proved_by


KILLED = """
import os, sys
from pathlib import Path
from daemon.downloads.pull import Wanted, download
from daemon.downloads.traffic_log import TrafficLog
def tell(name, progress):
    if progress.done >= 1_000_000:
        os.kill(os.getpid(), 9)
home = Path(sys.argv[2])
download(Wanted(url=sys.argv[1], file=home / "models" / "m.gguf"), TrafficLog(home), on_progress=tell)
"""


def test_after_kill_9_the_next_pull_goes_on(fetch, stand_in, tmp_path):
    command = [sys.executable, "-c", KILLED, stand_in.url + "/store/file", str(tmp_path)]
    killed = subprocess.run(command, cwd=ROOT, timeout=60)
    kept = (tmp_path / "models" / ".m.gguf.part").stat().st_size

    found = fetch()

    assert -signal.SIGKILL == killed.returncode
    assert kept >= 1_000_000 and f"bytes={kept}-" == stand_in.ranges_asked[-1]
    assert stand_in.content == found.file.read_bytes()


@pytest.mark.parametrize("heeds_condition", [True, False])
@pytest.mark.parametrize("etag", ['"v2"', None, 'W/"v1"'])
def test_bytes_of_two_files_are_never_mixed(fetch, stand_in, etag, heeds_condition):
    stand_in.heeds_condition = heeds_condition
    stand_in.cut_after = [900_000] + [0] * 5
    with pytest.raises(PullError):
        fetch()
    stand_in.content, stand_in.etag, stand_in.cut_after = OTHER, etag, []

    assert stand_in.content == fetch().file.read_bytes()


@pytest.mark.parametrize("mishap", [{"ranges": False, "cut_after": [1_000_000]}, {"length": False}], ids=str)
def test_a_simple_server_will_do(fetch, stand_in, mishap):
    vars(stand_in).update(mishap)

    found = fetch(sha256=stand_in.sha256)

    assert stand_in.content == found.file.read_bytes()
    assert (0 if "length" in mishap else len(stand_in.content)) == fetch.seen[-1].total


def test_a_server_without_ranges_that_always_breaks_is_given_up(fetch, stand_in):
    stand_in.ranges, stand_in.cut_after = False, [1000] * 50

    with pytest.raises(PullError, match="broke again and again"):
        fetch()
    assert len(stand_in.asked) < 10


def test_a_part_that_is_whole_already_is_only_proved(fetch, stand_in, tmp_path):
    url = stand_in.url + "/store/file"
    with opened(tmp_path / "models" / "m.gguf") as part:
        part.begin({"url": url, "sha256": None, "etag": '"v1"', "bytes": len(stand_in.content)})
        part.append(stand_in.content)

    assert stand_in.content == fetch().file.read_bytes()
    assert 0 == sum(len(range_) == 0 for range_ in stand_in.ranges_asked)


@pytest.mark.parametrize(
    ("mishap", "wanted", "why"),
    [
        ({"content": b""}, {}, "no GGUF file"),
        ({"content": b"GG"}, {}, "no GGUF file"),
        ({"content": b"<!doctype html><title>Sign in</title>" * 100_000}, {}, "no GGUF file"),
        ({"range": f"bytes 0-{'9' * 5000}/{'9' * 5000}"}, {}, "broke again and again"),
        ({"range": f"bytes */{'9' * 5000}"}, {}, "broke again and again"),
        ({"length": False, "endless": True}, {"bytes": 3_072_004}, "instead of 3,072,004"),
        ({}, {"sha256": "0" * 64, "proof": "our table"}, f"our table says {'0' * 64}"),
        ({"status": 404}, {}, "answered 404: there is no such file"),
        ({"status": 401}, {}, "answered 401: it wants a sign-in"),
        ({"status": 403}, {}, "sign-in"),
        ({"status": 429}, {}, "too many"),
        ({"status": 503}, {}, "trouble of its own"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_of_no_use_is_refused_and_leaves_no_file(fetch, stand_in, tmp_path, mishap, wanted, why):
    vars(stand_in).update(mishap)

    with pytest.raises(PullError) as caught:
        fetch(url=stand_in.url + RESOLVE, **wanted)

    assert why in str(caught.value)
    assert "secret" not in str(caught.value)  # the key of a signed address
    assert [] == left_in(tmp_path / "models")


@pytest.mark.parametrize("known", [None, "1" * 64])
def test_a_checksum_that_does_not_fit_is_refused(from_hub, stand_in, tmp_path, known):
    stand_in.stated = "0" * 64

    with pytest.raises(PullError, match="0" * 64):
        from_hub(sha256=known)

    assert [] == left_in(tmp_path / "models")
    assert (known is None) == bool(stand_in.ranges_asked)  # what is known to be another file is never fetched


def test_without_a_network_it_is_said_at_once(fetch, from_hub, stand_in, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stand_in.port = taken.getsockname()[1]
    start = time.monotonic()

    for attempt in (fetch, from_hub):
        with pytest.raises(Unreachable, match=r"tsubasa pull FILE\.gguf"):
            attempt()

    assert ([], 0) == (left_in(tmp_path / "models"), read_traffic(tmp_path).sent)
    assert time.monotonic() - start < 5


def test_a_file_that_does_not_fit_is_refused_before_it_is_fetched(fetch, tmp_path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        with pytest.raises(PullError, match=r"3\.2 MB more are needed .*, 2\.\d MB are free"):
            fetch(folder=disk)

        assert [] == left_in(disk / "models")


def test_a_disk_that_fills_up_meanwhile_keeps_the_part_and_gives_room_back(fetch, stand_in, tmp_path):
    with small_disk(tmp_path / "disk", "8m") as disk:

        def fill():
            with open(disk / "ballast", "wb", buffering=0) as file, pytest.raises(OSError):
                while True:
                    file.write(b"\0" * 4096)

        stand_in.meanwhile = fill
        stand_in.length = False
        with pytest.raises(PullError, match="disk became full"):
            fetch(folder=disk, sha256=stand_in.sha256)
        assert os.statvfs(disk).f_bavail > 0

        (disk / "ballast").unlink()
        assert stand_in.content == fetch(folder=disk, sha256=stand_in.sha256).file.read_bytes()


@pytest.mark.parametrize("is_known", [True, False], ids=["checksum", "no checksum"])
def test_another_model_of_the_same_name_stays_as_it_is(fetch, stand_in, tmp_path, is_known):
    first = fetch().file
    was = first.read_bytes()
    stand_in.content, stand_in.etag = OTHER, '"v2"'

    second = fetch(**({"sha256": stand_in.sha256} if is_known else {})).file

    assert (was, stand_in.content) == (first.read_bytes(), second.read_bytes())
    assert f"m-{stand_in.sha256[:12]}.gguf" == second.name
    assert sorted([first.name, second.name]) == left_in(tmp_path / "models")


def test_the_hub_states_the_checksum_where_none_is_known_and_is_not_asked_for_what_is_here(
    from_hub, stand_in
):
    found = from_hub()
    stand_in.asked.clear()
    again = from_hub(sha256=stand_in.sha256)

    assert ("the hub", stand_in.sha256) == (found.proved_by, found.sha256)
    assert (True, []) == (again.was_here, stand_in.asked)


def test_a_folder_in_which_another_pull_or_nobody_writes_is_one_line(fetch, tmp_path):
    with opened(tmp_path / "models" / "m.gguf"), pytest.raises(PullError, match="fetching m.gguf already"):
        fetch()
    (tmp_path / "no").mkdir()
    (tmp_path / "no" / "models").write_text("a file where a folder should be")
    with pytest.raises(PullError, match="Can't write"):
        fetch(folder=tmp_path / "no")
